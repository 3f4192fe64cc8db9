"""A residual stream needs about as many dimensions as the simplex of beliefs has."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

import processes
import train

from ..claim import Claim, Criterion, Setting
from ..controls import kept
from ..instruments.study import check
from ..recipes import PAPER, SMALL, standard
from .capacity import Capacity, capacity, dimension

WIDTHS = (1, 2, 4, 8, 16, 32, 64)
"""Powers of two, from fewer dimensions than any belief needs to the published width."""


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """The same network but for the width of its stream: heads and hidden layers stay as wide, so that the
    stream alone is narrow.

    Without normalisation, which would take a dimension or two for itself: a layer norm of one number is
    always zero, of two a sign.
    """
    longest = (
        8 if processes.named(process).vocab < 4 else 7
    )  # a few ten thousand contexts at most, for seven widths
    shape = {"small": replace(SMALL, n_ctx=6), "default": replace(SMALL, n_ctx=longest), "large": PAPER}[
        setting.size
    ]
    return {role(d): standard(process, setting, model=replace(shape, d_model=d, norm="none")) for d in WIDTHS}


def role(width: int) -> str:
    """Name of the networks of a width."""
    return f"d_model {width}"


def _evidence(runs: Mapping[str, train.Run]) -> Capacity:
    return capacity({run.recipe.model.d_model: run for run in runs.values()})


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


def _factor(c: Capacity) -> np.ndarray:
    """log2 of the knee over the dimension of the beliefs."""
    return np.log2(c.knee / c.dimension)


def _at_dimension(c: Capacity) -> np.ndarray:
    """At the first width that could hold the beliefs: R2 minus the best untrained network's."""
    k = int(np.argmax(c.width >= c.dimension))
    return c.trained[k] - c.untrained[k].max()


def _shown(c: Capacity) -> dict[str, np.ndarray]:
    return {
        "width": c.width,
        "trained": c.trained,
        "untrained": c.untrained,
        "bound": c.bound,
        "knee": c.knee,
        "dimension": np.array(c.dimension),
    }


BG7 = Claim(
    id="BG7",
    statement="Fidelity needs about as many residual dimensions as the beliefs have.",
    source="A. Shai, public comments; the knee as operationalised here",
    tested_on=("mess3", "mess:four", "rrxor"),
    recipes=_recipes,
    evidence=_evidence,
    prediction=lambda process, n_ctx: {
        "knee": dimension(process),
        "within": f"{dimension(process) / 2:g} to {dimension(process) * 2:g} dimensions",
    },
    refusal=_refusal,
    criteria=(
        Criterion("log2 of the knee over the dimension of the beliefs", _factor, above=-1.0, below=1.0),
    ),
    controls=(
        Criterion(
            "one dimension falls short of the best width by",
            lambda c: c.trained.max(0) - c.trained[0],
            above=0.1,
        ),
        *kept(lambda c: c.controls),
        Criterion(
            "R2 above every untrained one, first width that could do",
            _at_dimension,
            above=0.0,
            every_seed=True,
        ),
    ),
    shown=_shown,
    limits=(
        "The knee is where R2 has come nine tenths of the way from one dimension to the best width, so a "
        "factor of two is one step of the widths "
        "measured. The score is that of the best single layer; the standard controls are those of the widest "
        "networks. Networks have two layers and "
        "no normalisation; where even the widest represents the beliefs in part (RRXOR) the knee is that of "
        "the part it represents. Narrow networks "
        "also predict worse: the knee does not say whether space or training is what they lack."
    ),
)
