"""BG7: a residual stream needs about as many dimensions as the simplex of beliefs has.

Measured is the fidelity against the width of the stream, and the width from which more of it gains little.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

import processes
import train

from ..claim import Claim, Criterion, Setting
from ..controls import ControlStatistics, keep, kept
from ..controls import standard as standard_controls
from ..instruments.contexts import Contexts
from ..instruments.probing.study import check, study
from ..instruments.statistics import crossing, principal
from ..recipes import PAPER, SMALL, standard
from .features import best_layer

WIDTHS = (1, 2, 4, 8, 16, 32, 64)
"""Powers of two, from fewer dimensions than any belief needs to the published width."""
WIDEST = 1e-3
"""Share of what contexts are worth that the widest networks may leave unlearned: two layers without
normalisation do not reach what four with it do.
"""
REACHED = 0.9
"""Share of the way from one dimension to the best width that is reached at the knee."""


class Width(NamedTuple):
    """The networks of one width."""

    d_model: int

    def __str__(self) -> str:
        return f"d_model {self.d_model}"


@dataclass(frozen=True, eq=False)
class Capacity:
    """Held-out R2 of the best layer at every width."""

    width: Int[np.ndarray, "K"]
    trained: Float[np.ndarray, "K seeds"]
    untrained: Float[np.ndarray, "K seeds"]
    bound: Float[np.ndarray, "K"]  # most that any features of so many dimensions can reach
    dimension: int  # of the smallest affine space that holds the beliefs
    controls: ControlStatistics  # at the greatest width

    @property
    def knee(self) -> Float[np.ndarray, "seeds"]:
        """Width at the knee of each seed's curve."""
        return np.array([knee(self.width, curve) for curve in self.trained.T])

    def factor(self) -> Float[np.ndarray, "seeds"]:
        """log2 of the knee over the dimension of the beliefs."""
        return np.log2(self.knee / self.dimension)

    def one_dimension_short(self) -> Float[np.ndarray, "seeds"]:
        """By how much the narrowest networks fall short of the best width."""
        return self.trained.max(0) - self.trained[0]

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """At the first width that could hold the beliefs: R2 minus the best untrained network's."""
        k = int(np.argmax(self.width >= self.dimension))
        return self.trained[k] - self.untrained[k].max()


def _recipes(process: str, setting: Setting) -> Mapping[Width, train.Recipe]:
    """The same network but for the width of its stream: heads and hidden layers stay as wide, so that the
    stream alone is narrow.

    Without normalisation, which would take a dimension or two for itself: a layer norm of one number is
    always zero, of two a sign.
    """
    longest = 8 if processes.named(process).vocab < 4 else 7  # a few ten thousand contexts at most
    shapes = {"small": replace(SMALL, n_ctx=6), "default": replace(SMALL, n_ctx=longest), "large": PAPER}
    shape = replace(shapes[setting.size], norm="none")
    return {Width(d): standard(process, setting, model=replace(shape, d_model=d)) for d in WIDTHS}


def capacity(runs: Mapping[Width, train.Run]) -> Capacity:
    """Study the runs of all widths, narrowest first; activations are let go width by width."""
    trained, untrained, widths = [], [], sorted(runs)
    for width in widths:
        s = study(runs[width])
        layer = best_layer(s)
        trained.append(s.r2(layer))
        untrained.append(s.r2(layer, trained=False))
    return Capacity(
        np.array([width.d_model for width in widths]),
        np.array(trained),
        np.array(untrained),
        np.array([bound(s.contexts, width.d_model) for width in widths]),
        dimension(s.contexts.process),
        keep(s, best_layer),
    )


def knee(width: Int[np.ndarray, "K"], r2: Float[np.ndarray, "K"]) -> float:
    """Width at which R2 first reaches r2[0] + REACHED (max r2 - r2[0]), linear in log2 of the width between
    those measured; the first where no other is better.
    """
    target = r2[0] + REACHED * (r2.max() - r2[0])
    return float(2 ** crossing(np.log2(width), r2, target, r2 >= target))


def dimension(process: processes.Process) -> int:
    """Dimension of the smallest affine space that holds all beliefs: S - 1 where no hidden state is
    redundant.
    """
    return len(processes.belief_span(process)) - 1


def bound(truth: Contexts, width: int) -> float:
    """Share of the beliefs' variance in their first `width` principal components: no affine image of as many
    features explains more.
    """
    scored = truth.fold >= 0
    w = truth.weight[scored] / truth.weight[scored].sum()
    variance = principal(truth.belief[scored], w).variance[::-1]
    return float(variance[:width].sum() / variance.sum())


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    check(process, n_ctx)
    if dimension(process) < 2:
        return "its beliefs lie on a line, and no stream is narrower than one dimension"
    if 2 * dimension(process) >= WIDTHS[-1]:
        return (
            f"its beliefs have {dimension(process)} dimensions, and a knee twice as far would lie beyond the "
            f"widest network ({WIDTHS[-1]})"
        )
    return None


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "knee": dimension(process),
        "within": f"{dimension(process) / 2:g} to {dimension(process) * 2:g} dimensions",
    }


BG7: Claim[Capacity, Capacity] = Claim(
    id="BG7",
    statement="Fidelity needs about as many residual dimensions as the beliefs have.",
    source="A. Shai, public comments; the knee as operationalised here",
    tested_on=("mess3", "mess:four", "rrxor"),
    recipes=_recipes,
    evidence=capacity,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "log2 of the knee over the dimension of the beliefs", Capacity.factor, above=-1.0, below=1.0
        ),
    ),
    controls=(
        Criterion(
            "one dimension falls short of the best width by",
            Capacity.one_dimension_short,
            above=0.1,
            means="one dimension holds all there is, so that there is no knee to find",
        ),
        *kept(lambda c: c.controls, standard_controls(best_layer, WIDEST)),
        Criterion(
            "R2 above every untrained one, first width that could do",
            Capacity.beyond_untrained,
            above=0.0,
            means="random features of this width would do, and the knee is the probe's",
        ),
    ),
    drawn_from=Capacity,
    would_change=(
        "Fidelity that saturates at fewer than half, or needs more than twice, the dimensions of the beliefs."
    ),
    revision=2,
    limits=(
        "The knee is where R2 has come nine tenths of the way from one dimension to the best width, so a "
        "factor of two is one step of the widths measured. The score is that of the best single layer; the "
        "standard controls are those of the widest networks. Networks have two layers and no normalisation; "
        "where even the widest represents the beliefs in part (RRXOR) the knee is that of the part it "
        "represents. Narrow networks also predict worse: the knee does not say whether space or training is "
        "what they lack."
    ),
)
