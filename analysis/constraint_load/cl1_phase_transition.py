"""CL1: failure under constraints as a phase transition in load over bandwidth."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ..claim import Claim, Criterion
from ..instruments.statistics import slope
from .ledger_design import CURVES, LEDGERS, THEORY, prediction, settled
from .ledger_grid import LoadGrid, load_grid
from .load_curves import held_out


def collapse(g: LoadGrid) -> Float[np.ndarray, "seeds"]:
    """Nats a point by which K / B predicts held-out widths better than K does."""
    return held_out(np.log(g.relative), g.accuracy) - held_out(np.log(g.K), g.accuracy)


def narrowing(g: LoadGrid) -> Float[np.ndarray, "seeds"]:
    """1 / nu in width of the transition ~ d_model^(-1 / nu), less what the bottleneck's curves, which do not
    narrow, seem to have at these loads.
    """
    width = np.log(g.width)
    return slope(np.log(g.sharpness).T, width) - slope(np.log(g.null_sharpness), width)


def beyond_null(g: LoadGrid) -> Float[np.ndarray, "seeds"]:
    """log of the steepest slope over that of the linear bottleneck on the same loads, mean over widths."""
    return np.asarray(np.log(g.sharpness / g.null_sharpness[:, None]).mean(0))


def spread_at_transition(g: LoadGrid) -> Float[np.ndarray, "seeds"]:
    """How much farther from the mean of the others each network is at the measured load nearest to the
    critical one than at the other loads.
    """
    y = g.accuracy
    n = y.shape[-1]
    apart = np.abs(y - (y.sum(-1, keepdims=True) - y) / (n - 1))
    nearest = np.abs(np.log(g.K) - np.log(g.critical).mean(1, keepdims=True)).argmin(1)
    rows = np.arange(len(y))
    there = apart[rows, nearest]
    return np.asarray((there - (apart.sum(1) - there) / (y.shape[1] - 1)).mean(0))


@dataclass(frozen=True, eq=False)
class Transition:
    """What the figure of the claim is drawn from."""

    grid: LoadGrid
    sharpness: Float[np.ndarray, "W seeds"]  # of the transition, per unit of log K
    null_sharpness: Float[np.ndarray, "W"]  # of the linear bottleneck's curves
    critical: Float[np.ndarray, "W seeds"]  # constraints at the critical accuracy

    @classmethod
    def of(cls, g: LoadGrid) -> "Transition":
        """The grid, and the curves that were fitted to it."""
        return cls(g, g.sharpness, g.null_sharpness, g.critical)


CL1: Claim[LoadGrid, Transition] = Claim(
    id="CL1",
    statement="Failure is a phase transition in constraint load over bandwidth, and no smooth crossover.",
    source=THEORY,
    tested_on=LEDGERS,
    runs=2,
    recipes=CURVES.recipes,
    evidence=load_grid,
    prediction=prediction,
    refusal=CURVES.refusal,
    criteria=(
        Criterion("held-out widths: log-likelihood of K/B over K, nats a point", collapse, above=0.0),
        Criterion("1/nu: transition narrows as d_model^(-1/nu)", narrowing, above=0.0),
        Criterion("slope of log critical K on log B", LoadGrid.critical_slope, above=0.8, below=1.2),
        Criterion("spread between seeds: at the transition minus elsewhere", spread_at_transition, above=0.0),
        Criterion("log of steepest slope over the linear bottleneck's", beyond_null, above=0.0),
    ),
    controls=(
        settled(lambda g: g.still.max(0)),
        Criterion(
            "accuracy at the least load (the task is learned)",
            lambda g: g.accuracy_at(0),
            above=0.95,
            means="the task itself was not learned",
        ),
        Criterion(
            "accuracy of untrained networks",
            lambda g: g.untrained_accuracy.mean((0, 1)),
            below=0.6,
            means="constraints are met without any training",
        ),
        Criterion(
            "accuracy against the constraints of other words",
            lambda g: g.shuffled.mean((0, 1)),
            below=0.6,
            means="constraints of any other word would be met as well",
        ),
    ),
    shown=Transition.of,
    drawn_from=Transition,
    literature={
        "linear bottleneck": "accuracy .921, .841, .760 at K/B = 1.5, 2, 3, at every width, flags on half of "
        "the time"
    },
    revision=2,
    would_change=(
        "A transition that narrows as widths grow beyond these, or deeper networks whose curve is steeper "
        "than the linear bottleneck's."
    ),
    limits=(
        "Where this is refuted because the transition does not narrow with width, or is no sharper than a "
        "linear bottleneck's, the finding is a smooth crossover. Accuracy is per constraint: the chance of "
        "meeting all K at once is about its k-th power and sharpens by itself, which is no evidence. The "
        "theory gave no formula of bandwidth or of failure; B is d_model minus the dimensions of the base "
        "task (here one: the base of a ledger has one context), the critical load is where balanced "
        "accuracy is .9, and the width of the transition is that of a fitted logistic curve of log K; the "
        "bottleneck's own curve is fitted alike. Sparse flags can be told by more than a linear map, which "
        "is why they are tested beside those that are on half of the time; there the bottleneck's threshold "
        "is moved to where on and off are equally probable. Networks stopped early fail at smaller loads "
        "and look sharper than they are, the more so the wider: how near each width is to its floor is "
        "measured at one load, by training the same networks twice as long, and a slow decline that four "
        "times as long would show is not seen. One layer, one head."
    ),
)
