"""The budget of constraints is rank, and allocating it helps."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import processes
import toy
import train
from train import Optimiser, Recipe

from ..claim import Claim, Criterion, Setting
from ..recipes import SMALL
from . import cl1_phase_transition as phase_transition
from .cl1_phase_transition import THEORY, critical_slope, refusal
from .ledger_grid import LoadGrid, critical, load_grid
from .parities import Held, between_factored_and_joint, held, parity_process
from .steering_subspaces import WAYS, Allocated, allocated

SYMBOLS = 8
BASE = f"mess(x={1 / SYMBOLS:g}, a=0.85, s={SYMBOLS})"
"""Its symbols are independent and equally likely, so that constraints on different symbols have equal load
and do not interact but by load.
"""
CONSTRAINTS, DIMENSIONS = 4, SYMBOLS - 1
"""Constraints switched on together, and dimensions of the stream that each is given: as many as the law of a
symbol has, 28 of 32 in all.
"""
STEERING = train.Steering("", "", first=0, steps=300, learning_rate=0.2, batch=16, seed=0)
CHECKS = (2, 3, 4)
"""Numbers of parities; of one, r and 2^r - 1 are the same."""


@dataclass(frozen=True, eq=False)
class Budget:
    """What the three parts of the claim are measured on."""

    grid: LoadGrid
    allocated: Allocated
    held: Mapping[int, Held]  # by number of parities
    untrained: Mapping[int, Held]


def recipes(process: str, setting: Setting) -> Mapping[str, Recipe]:
    """Those of CL1; one network whose symbols are free, to be steered; and recurrent networks on 2 to 4
    parities.
    """
    grid = phase_transition.recipes(process, setting)
    if not grid:
        return {}
    shape = replace(SMALL, vocab=SYMBOLS, n_ctx=3)
    base = Recipe(
        BASE,
        shape,
        "expected",
        Optimiser("adam", 3e-3, 20, "cosine"),
        steps=300,
        batch=32,
        seeds=setting.seeds,
        checkpoints=2,
    )
    parities = {
        f"{r} parities": Recipe(
            parity_process(r),
            toy.RecurrentConfig(vocab=2, n_ctx=3 * r, n_layers=1, d_model=32, cell="gru"),
            "population",
            Optimiser("adam", 1e-2, warmup=50, schedule="cosine"),
            steps=1500,
            batch=None,
            seeds=setting.seeds,
            checkpoints=2,
        )
        for r in CHECKS
    }
    return {**grid, "base": base, **parities}


def _evidence(runs: Mapping[str, train.Run]) -> Budget:
    grid = load_grid({role: run for role, run in runs.items() if role.startswith("d_model")})
    on = {r: runs[f"{r} parities"] for r in CHECKS}
    return Budget(
        grid,
        allocated(runs["base"], CONSTRAINTS, DIMENSIONS, STEERING),
        {r: held(run) for r, run in on.items()},
        {r: held(run, trained=False) for r, run in on.items()},
    )


def _over_orthogonal(way: str):
    return lambda b: np.log(b.allocated.joint[way] / b.allocated.joint["orthogonal"])


def _factored(b: Budget) -> np.ndarray:
    return between_factored_and_joint({r: h.dimension for r, h in b.held.items()})


def _between(b: Budget) -> np.ndarray:
    """Least share of variance between classes of parities, minus the largest of any untrained network."""
    return np.min([h.between for h in b.held.values()], axis=0) - max(
        h.between.max() for h in b.untrained.values()
    )


def _prediction(process: processes.Source, n_ctx: int) -> Mapping[str, Any]:
    return {
        "slope of log critical K on log B": 1.0,
        **{f"dimensions of {r} parities": f"{r} factored, {2**r - 1} joint" for r in CHECKS},
        "overlap of random subspaces": f"{DIMENSIONS / SMALL.d_model:.3g} (mean squared cosine)",
    }


def _shown(b: Budget) -> dict[str, np.ndarray]:
    return {
        "bandwidth": b.grid.bandwidth,
        "critical": critical(b.grid),
        "checks": np.array(CHECKS),
        "dimension": np.stack([b.held[r].dimension for r in CHECKS]),
        "untrained_between": np.stack([b.untrained[r].between for r in CHECKS]),
        "between": np.stack([b.held[r].between for r in CHECKS]),
        "shuffled": b.allocated.shuffled,
        **{f"joint_{way}": b.allocated.joint[way] for way in WAYS},
        **{f"alone_{way}": b.allocated.alone[way] for way in WAYS},
    }


CL4 = Claim(
    id="CL4",
    statement=(
        "The budget is rank: what can be held grows with bandwidth, subspaces of their own help, and "
        "parities cost their factored rank."
    ),
    source=THEORY,
    tested_on=("ledger(K=128, g=4, p=0.5)",),
    recipes=recipes,
    evidence=_evidence,
    prediction=_prediction,
    refusal=refusal,
    criteria=(
        Criterion("slope of log critical K on log B", lambda b: critical_slope(b.grid), above=0.8, below=1.2),
        Criterion(
            "log joint violation, random over orthogonal subspaces", _over_orthogonal("random"), above=0.0
        ),
        Criterion(
            "log joint violation, one shared subspace over orthogonal", _over_orthogonal("same"), above=0.0
        ),
        Criterion("dimensions of parities, from 0 (r) to 1 (2^r - 1)", _factored, above=-0.5, below=0.5),
    ),
    controls=(
        Criterion("ledgers: accuracy at the least load", lambda b: b.grid.accuracy[:, 0].mean(0), above=0.95),
        Criterion(
            "orthogonal: violation of each constraint alone, own vector",
            lambda b: b.allocated.alone["orthogonal"],
            below=0.5,
        ),
        Criterion(
            "random: violation of each constraint alone, own vector",
            lambda b: b.allocated.alone["random"],
            below=0.5,
        ),
        Criterion(
            "shared: violation of each constraint alone, own vector",
            lambda b: b.allocated.alone["same"],
            below=0.5,
        ),
        Criterion(
            "joint violation with random vectors of equal norm", lambda b: b.allocated.shuffled, above=0.5
        ),
        Criterion(
            "parities: share of KL left",
            lambda b: np.max([h.left for h in b.held.values()], axis=0),
            below=0.1,
        ),
        Criterion("parities: variance between classes above untrained", _between, above=0.0, every_seed=True),
    ),
    shown=_shown,
    limits=(
        "Three things that the theory calls one. Critical counts are those of CL1, on the same networks. "
        "Vectors are fitted for one constraint each "
        f"({CONSTRAINTS} forbidden symbols of {SYMBOLS}, {DIMENSIONS} dimensions each of 32) and meet only "
        "when tested; subspaces that are "
        "orthogonal in the stream need not be so in the logits, nor after the block and the norm that "
        "follow. Parities are measured on gated "
        "recurrent units, whose state has to hold all of them at once; the class means show what is linear "
        "in the joint class, and not what else "
        "the state keeps, such as the bits themselves."
    ),
)
