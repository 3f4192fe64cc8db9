"""CL4: the budget of constraints is rank, and allocating it helps.

Three measurements: critical counts on the grid of ledgers (`ledger_grid`), steering vectors in subspaces that
overlap or do not, fitted apart or jointly (`cl4_steering_subspaces`), and how many dimensions the state of a
recurrent network gives to r parities that it has to hold at once (`cl4_parities`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

import processes
import train
from train import Recipe

from ..claim import Claim, Criterion, Setting
from ..recipes import SMALL, TRAINED, standard
from . import ledger_design
from .cl4_parities import CHECKS, Held, Parities, between_factored_and_joint, held, parity_recipes
from .cl4_steering_subspaces import Allocated, allocated
from .ledger_design import COUNTS, THEORY, Cell, settled
from .ledger_grid import LoadGrid, load_grid

SYMBOLS = 8
BASE = f"mess(x=0.02, a=0.9, s={SYMBOLS})"
"""Its symbols are alike, so that constraints on different ones have equal loads and interact alike; and far
from independent, so that networks make some of them improbable in some context: on independent ones they
learn a constant, and no vector moves them far.
"""
LEDGERS = ledger_design.LEDGERS[:1]
"""Where the claim is tested by default: flags that are on half of the time."""
ENFORCED = 0.1
"""Largest relative violation of a constraint that steering enforces."""
CONSTRAINTS, DIMENSIONS = 4, SYMBOLS - 1
"""Constraints switched on together, and dimensions of the stream that each is given: as many as the
distribution of a symbol has, 28 of 32 in all.
"""
STEERING = train.Steering("", "", first=0, steps=300, learning_rate=0.2, batch=16, seed=0)


def recipes(process: str, setting: Setting) -> Mapping[str | Cell | Parities, Recipe]:
    """Those of CL1, but for the widest; one network whose symbols are free, to be steered; and recurrent
    networks on 2 to 4 parities.
    """
    grid = COUNTS.recipes(process, setting)
    if not grid:
        return {}
    to_floor = replace(setting, training="floor")
    base = standard(BASE, to_floor, model=replace(SMALL, n_ctx=3))
    parts: tuple[Mapping[Any, Recipe], ...] = (grid, {"base": base}, parity_recipes(setting))
    return {role: recipe for of in parts for role, recipe in of.items()}


@dataclass(frozen=True, eq=False)
class Budget:
    """What the three parts of the claim are measured on."""

    grid: LoadGrid
    allocated: Allocated
    r: Int[np.ndarray, "checks"]  # numbers of parities
    held: Held
    untrained: Held

    def over_orthogonal(self, way: str, *, jointly: bool = False) -> Float[np.ndarray, "seeds"]:
        """log of joint violation with subspaces that lie so, over that with orthogonal ones."""
        found = self.allocated.jointly if jointly else self.allocated.apart
        return np.log(found[way] / found["orthogonal"])

    def factored(self) -> Float[np.ndarray, "seeds"]:
        """Dimensions of parities, from 0 (factored) to 1 (joint)."""
        return between_factored_and_joint(self.r, self.held.dimension)

    def between(self) -> Float[np.ndarray, "seeds"]:
        """Least share of variance between classes of parities, minus the largest of any untrained network."""
        return self.held.between.min(0) - self.untrained.between.max()


def budget(runs: Mapping[str | Cell | Parities, train.Run]) -> Budget:
    """Measure the three parts."""
    on = [runs[Parities(r)] for r in CHECKS]
    return Budget(
        load_grid({role: run for role, run in runs.items() if isinstance(role, Cell)}),
        allocated(runs["base"], CONSTRAINTS, DIMENSIONS, STEERING),
        np.array(CHECKS),
        Held.stacked([held(run) for run in on]),
        Held.stacked([held(run, trained=False) for run in on]),
    )


@dataclass(frozen=True, eq=False)
class Spent:
    """What the figure of the claim is drawn from."""

    bandwidth: Float[np.ndarray, "W"]
    critical: Float[np.ndarray, "W seeds"]
    allocated: Allocated
    r: Int[np.ndarray, "checks"]
    held: Held
    untrained: Held

    @classmethod
    def of(cls, b: Budget) -> "Spent":
        """A budget, with the critical counts in place of the grid that they were read off."""
        return cls(b.grid.bandwidth, b.grid.critical, b.allocated, b.r, b.held, b.untrained)


def prediction(process: processes.Source, n_ctx: int) -> Mapping[str, Any]:
    """Counts proportional to the bandwidth; dimensions of parities; overlap of subspaces by chance."""
    return {
        "slope of log critical K on log B": 1.0,
        **{f"dimensions of {r} parities": f"{r} factored, {2**r - 1} joint" for r in CHECKS},
        "overlap of random subspaces": f"{DIMENSIONS / SMALL.d_model:.3g} (mean squared cosine)",
    }


def _alone(way: str) -> Callable[[Budget], Float[np.ndarray, "seeds"]]:
    return lambda b: b.allocated.alone[way]


CL4: Claim[Budget, Spent] = Claim(
    id="CL4",
    statement=(
        "The budget is rank: what can be held grows with bandwidth; vectors fitted apart are obeyed "
        "together best in subspaces of their own, and vectors fitted jointly where these span more; "
        "parities cost their factored rank."
    ),
    source=THEORY,
    tested_on=LEDGERS,
    recipes=recipes,
    evidence=budget,
    prediction=prediction,
    refusal=COUNTS.refusal,
    criteria=(
        Criterion(
            "slope of log critical K on log B", lambda b: b.grid.critical_slope(), above=0.8, below=1.2
        ),
        Criterion(
            "fitted apart: log joint violation, random over orthogonal subspaces",
            lambda b: b.over_orthogonal("random"),
            above=0.0,
        ),
        Criterion(
            "fitted apart: log joint violation, one shared subspace over orthogonal",
            lambda b: b.over_orthogonal("same"),
            above=0.0,
        ),
        Criterion(
            "fitted jointly: log joint violation, one shared subspace over orthogonal",
            lambda b: b.over_orthogonal("same", jointly=True),
            above=0.0,
        ),
        Criterion(
            "dimensions of parities, from 0 (r) to 1 (2^r - 1)", Budget.factored, above=-0.5, below=0.5
        ),
    ),
    controls=(
        settled(lambda b: b.grid.still.max(0)),
        Criterion(
            "ledgers: accuracy at the least load",
            lambda b: b.grid.accuracy_at(0),
            above=0.95,
            means="the task itself was not learned",
        ),
        *(
            Criterion(
                f"{name}: violation of the worst constraint alone, own vector",
                _alone(way),
                below=ENFORCED,
                means="a vector does not enforce even one constraint",
            )
            for name, way in (("orthogonal", "orthogonal"), ("random", "random"), ("shared", "same"))
        ),
        Criterion(
            "joint violation with random vectors of equal norm",
            lambda b: b.allocated.shuffled,
            above=0.5,
            means="any vectors of this length would do",
        ),
        Criterion(
            "parities: share of what knowing them is worth that is not yet learned",
            lambda b: b.held.left.max(0),
            below=TRAINED,
            over="nearly all",
            means="parities were not learned",
        ),
        Criterion(
            "parities: variance between classes above untrained",
            Budget.between,
            above=0.0,
            means="states of untrained networks are as far apart by class",
        ),
    ),
    shown=Spent.of,
    drawn_from=Spent,
    revision=2,
    would_change=(
        "Vectors that are obeyed together no less in subspaces that they share, on networks that are steered "
        "well by each alone."
    ),
    limits=(
        "Three things that the theory calls one. Critical counts are those of CL1, on the same networks. "
        f"Vectors are fitted for {CONSTRAINTS} forbidden symbols of {SYMBOLS}, in {DIMENSIONS} dimensions "
        "each of 32; fitted apart they meet only when tested, fitted jointly they are one vector of the "
        "span of all subspaces, which random subspaces span as well as orthogonal ones. Subspaces that are "
        "orthogonal in the stream need not be so in the logits, nor after the block and the norm that "
        "follow. A vector does not depend on the context, and the exact conditioned process asks for what "
        "does, a little. Parities are measured on gated recurrent units, whose state has to hold all of "
        "them at once; the class means show what is linear in the joint class, and not what else the state "
        "keeps, such as the bits themselves."
    ),
)
