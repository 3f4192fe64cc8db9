"""Failure under constraints as a phase transition in load over bandwidth."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri

import processes
import toy
import train
from processes.constraints import Ledger
from train import Optimiser, Recipe

from ..claim import Claim, Criterion, Setting
from ..instruments.statistics import slope
from . import ledger_grid as lg
from .ledger_grid import LoadGrid, load_grid

LOADS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Constraints per dimension of the stream."""
WIDTHS = {"small": (8, 16, 32), "default": (8, 16, 32, 64), "large": (16, 32, 64, 128)}
STEPS = {"small": 600, "default": 2000, "large": 4000}
THEORY = "A theory of constraint load (words); formulas are this lab's operationalisation"


def sizes(process: processes.Source, setting: Setting) -> dict[int, list[int]]:
    """Numbers of constraints, by width: `LOADS` of it, as multiples of what a slot announces."""
    g = process.g if isinstance(process, Ledger) else 1
    return {d: [g * max(1, round(load * d / g)) for load in LOADS] for d in WIDTHS[setting.size]}


def recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """One-layer transformers on ledgers with the g and p of the one named; K is what varies."""
    asked = processes.source(process)
    if refusal(asked, 0, setting):
        return {}  # refused before it is trained
    assert isinstance(asked, Ledger)
    found = {}
    for d, Ks in sizes(asked, setting).items():
        for K in Ks:
            spec = f"ledger(K={K}, g={asked.g}, p={asked.p:g})"
            made = processes.source(spec)
            model = toy.TransformerConfig(
                made.vocab, n_ctx=K // asked.g, n_layers=1, n_heads=1, d_model=d, d_head=d, d_mlp=4 * d
            )
            how = Optimiser("adam", learning_rate=1e-2, warmup=20, schedule="cosine")
            found[f"d_model {d}, K {K}"] = Recipe(
                spec,
                model,
                "expected",
                how,
                STEPS[setting.size],
                batch=32,
                seeds=setting.seeds,
                checkpoints=2,
            )
    return found


def refusal(process: processes.Source, n_ctx: int, setting: Setting = Setting()) -> str | None:  # noqa: B008
    """Why no grid can be made of it, if so."""
    return lg.refusal(process, list(sizes(process, setting).values()))


def _collapse(g: LoadGrid) -> np.ndarray:
    """Nats a point by which K / B predicts held-out widths better than K does."""
    return lg.held_out(np.log(g.relative), g.accuracy) - lg.held_out(np.log(g.K), g.accuracy)


def _narrowing(g: LoadGrid) -> np.ndarray:
    """1 / nu in width of the transition ~ d_model^(-1 / nu), less what the bottleneck's curves, which do not
    narrow, seem to have at these loads.
    """
    own = lg.sharpness(g)
    return slope(np.log(own).T, np.log(g.width)) - slope(np.log(lg.null_sharpness(g)), np.log(g.width))


def critical_slope(g: LoadGrid) -> np.ndarray:
    """Slope of log critical K on log B."""
    return slope(np.log(lg.critical(g)).T, np.log(g.bandwidth))


def _beyond_null(g: LoadGrid) -> np.ndarray:
    """log of the steepest slope over that of the linear bottleneck on the same loads, mean over widths."""
    return np.log(lg.sharpness(g) / lg.null_sharpness(g)[:, None]).mean(0)


def shown(g: LoadGrid) -> dict[str, np.ndarray]:
    """What the figures of load draw."""
    names = (
        "width",
        "K",
        "bandwidth",
        "accuracy",
        "violation",
        "divergence",
        "kinds",
        "untrained_accuracy",
        "untrained_kinds",
        "relative",
        "null",
    )
    return {name: getattr(g, name) for name in names} | {
        "sharpness": lg.sharpness(g),
        "null_sharpness": lg.null_sharpness(g),
        "critical": lg.critical(g),
    }


def prediction(process: Any, n_ctx: int) -> Mapping[str, Any]:
    """Of the linear bottleneck, the null that a transition has to beat."""
    return {
        "critical K / B of a linear bottleneck": float(1 + 1 / ndtri(lg.CRITICAL) ** 2),
        "1 / nu of a linear bottleneck": 0.0,
        "slope of log critical K on log B": 1.0,
    }


CL1 = Claim(
    id="CL1",
    statement="Failure is a phase transition in constraint load over bandwidth, and no smooth crossover.",
    source=THEORY,
    tested_on=("ledger(K=128, g=4, p=0.5)",),
    recipes=recipes,
    evidence=load_grid,
    prediction=prediction,
    refusal=refusal,
    criteria=(
        Criterion("held-out widths: log-likelihood of K/B over K, nats a point", _collapse, above=0.0),
        Criterion("1/nu: transition narrows as d_model^(-1/nu)", _narrowing, above=0.0),
        Criterion("slope of log critical K on log B", critical_slope, above=0.8, below=1.2),
        Criterion(
            "spread between seeds: at the transition minus elsewhere", lg.spread_at_transition, above=0.0
        ),
        Criterion("log of steepest slope over the linear bottleneck's", _beyond_null, above=0.0),
    ),
    controls=(
        Criterion(
            "accuracy at the least load (the task is learned)", lambda g: g.accuracy[:, 0].mean(0), above=0.95
        ),
        Criterion(
            "accuracy at one constraint a dimension (trained enough)",
            lambda g: g.accuracy[:, 1].mean(0),
            above=lg.CRITICAL,
        ),
        Criterion("accuracy of untrained networks", lambda g: g.untrained_accuracy.mean((0, 1)), below=0.6),
        Criterion(
            "accuracy against the constraints of other words", lambda g: g.shuffled.mean((0, 1)), below=0.6
        ),
    ),
    shown=shown,
    literature={"linear bottleneck": "accuracy .921, .841, .760 at K/B = 1.5, 2, 3, at every width"},
    limits=(
        "Where this is refuted because the transition does not narrow with width, or is no sharper than a "
        "linear bottleneck's, the finding is a "
        "smooth crossover. Accuracy is per constraint: the chance of meeting all K at once is about its k-th "
        "power and sharpens by itself, which "
        "is no evidence. The theory gave no formula of bandwidth or of failure; B is d_model minus the "
        "dimensions of the base task (here one: the"
        " base of a ledger has one context), the critical load is where balanced accuracy is .9, and the "
        "width of the transition is that of a "
        "fitted logistic curve of log K; the bottleneck's own curve is fitted alike. Widths are few, and all "
        "networks have the same number of "
        "steps. Networks stopped early fail at smaller loads and look sharper than they are, the more so the "
        "wider; the control at one constraint a "
        "dimension guards against that, and makes a transition far below the bandwidth inconclusive."
    ),
)
