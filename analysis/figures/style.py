"""One look for all figures: readable in print, in black and white and by colour-blind readers; deterministic
to the byte, but for letters that DejaVu Sans has not.
"""

import contextlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from processes.values.whole_file import replacing

from .letters import FAMILY, legible

# Okabe & Ito 2008: distinguishable under the common forms of colour blindness.
BLACK, GREEN, BLUE, VERMILION, PURPLE = "#000000", "#009E73", "#0072B2", "#D55E00", "#CC79A7"
TRAINED, UNTRAINED, NULL = BLUE, VERMILION, "#777777"
CORNERS = (BLUE, VERMILION, "#F2C14E", GREEN, PURPLE)
"""Colours of the hidden states; a belief is drawn in their mixture. The first three differ in lightness as
well (the yellow is ours).
"""
KINDS = (".pdf", ".svg", ".png")
"""What figures are written as."""
LEAST_POINTS = 7
"""No word in a figure is smaller, at the size at which it is printed."""
DATED = {
    ".pdf": ("CreationDate", "Creator", "Producer"),
    ".svg": ("Date", "Creator"),
    ".png": ("Software",),
}
"""What files of each kind would say of the moment and the version that wrote them."""
SCREEN_DPI = 150
"""Of a figure in a notebook."""
LEAST = 1e-16
"""Where zeros lie on a logarithmic axis that has nothing else to show."""

_RC: Any = {
    "font.family": FAMILY,
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "figure.dpi": 100,
    "savefig.dpi": 300,
    "svg.hashsalt": "toylab",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # TrueType: journals refuse the Type 3 that matplotlib would write
    "path.simplify": False,
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The look, for the figures made inside; global settings are left as they were."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever a user's matplotlibrc says
        matplotlib.rcParams.update(_RC)
        yield


def figure(width: float, height: float, *, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels, row by row, in inches; made without pyplot, so no global state is
    touched."""
    fig = Drawn(figsize=(width, height), layout="constrained")
    return fig, list(fig.subplots(rows, columns, squeeze=False).flat)


def label(axes: Sequence[Axes], row: int = 0) -> None:
    """Say which of three panels shows the truth, and which what is probed: by these names they are asked
    for alone.
    """
    for ax, name in zip(axes, ("exact", "trained", "untrained"), strict=True):
        ax.set_label(name if row == 0 else f"{name}-{row + 1}")


def entries(*axes: Axes) -> tuple[list[Any], list[str]]:
    """What a legend of several panels says: handles and labels, each label once."""
    found = {
        label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    return list(found.values()), list(found)


def positive(values: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Values for a logarithmic axis: as they are, or all `LEAST` where none is positive, which such an axis
    could not show.
    """
    return values if np.any(values > 0) else np.full(np.shape(values), LEAST)


class Drawn(Figure):
    """A figure that a notebook shows where it is the value of a cell."""

    def _repr_png_(self) -> bytes:
        said = BytesIO()
        with style():
            legible(self)
            self.savefig(said, format="png", dpi=SCREEN_DPI)
        return said.getvalue()


def save(fig: Figure, folder: Path, name: str) -> None:
    """Write name.svg and name.png. No dates and no versions go in, so equal figures are equal files."""
    folder.mkdir(parents=True, exist_ok=True)
    write(fig, folder / f"{name}.svg")
    write(fig, folder / f"{name}.png")


def write(fig: Figure, file: Path, *, dpi: int | None = None) -> None:
    """Write a figure as the suffix of its file says, one of `KINDS`, whole or not at all; `dpi` is the
    style's by default.
    """
    legible(fig)
    metadata = dict.fromkeys(DATED[file.suffix])
    with replacing(file) as part:
        fig.savefig(part, format=file.suffix[1:], dpi=dpi, metadata=metadata)


def mixture(belief: Float[np.ndarray, "N S"]) -> Float[np.ndarray, "N 3"]:
    """Colour of each belief: the hidden states' colours mixed in its proportions (in linear light)."""
    corners = np.array([matplotlib.colors.to_rgb(CORNERS[i % len(CORNERS)]) for i in range(belief.shape[1])])
    return ((belief @ corners**2.2) ** (1 / 2.2)).clip(0, 1)


def placed(belief: Float[np.ndarray, "N S"], place: Float[np.ndarray, "N k"]) -> Float[np.ndarray, "N 3"]:
    """Colour of each belief, few states or many: mixtures where every state has a colour of its own, else by
    where it lies on three principal axes, hue around the first two and lightness along the third (CIE Lab).
    """
    if belief.shape[1] <= len(CORNERS) and belief.min() >= -1e-9:
        return mixture(belief.clip(0))
    axes = np.zeros((len(place), 3))
    axes[:, : min(3, place.shape[1])] = place[:, :3]
    reach = np.maximum(np.abs(axes).max(0), 1e-12)
    lightness = 60 + 18 * axes[:, 2] / reach[2]
    a, b = 62 * axes[:, 0] / reach[:2].max(), 62 * axes[:, 1] / reach[:2].max()
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], 1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.9505, 1.0, 1.089]
    linear = xyz @ np.array(
        [[3.2406, -0.9689, 0.0557], [-1.5372, 1.8758, -0.2040], [-0.4986, 0.0415, 1.0570]]
    )
    return (linear.clip(0, 1) ** (1 / 2.2)).clip(0, 1)
