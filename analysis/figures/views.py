"""How beliefs of many states lie on paper: principal axes, and a frame that holds them and their simplex."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from processes.algebra.span import orthogonalised

from .style import NULL

NEAR = 0.35
"""Share of the simplex's extent from which beliefs are shown inside it; smaller clouds fill the panel."""
MOST_CORNERS = 8
"""Hidden states up to which the corners of the simplex are drawn."""


def generic(
    axes: Float[np.ndarray, "k S"], weighted: Float[np.ndarray, "N S"]
) -> tuple[Float[np.ndarray, "k S"], Float[np.ndarray, "k"]]:
    """Principal axes of points times the roots of their weights, those of equal variance turned together,
    always in the same way: along coordinates, states would lie upon one another. And the share of the
    variance along each.
    """
    variance = ((weighted @ axes.T) ** 2).sum(0)
    groups = np.split(np.arange(len(axes)), np.flatnonzero(-np.diff(variance) > 1e-6 * variance[0]) + 1)
    turned = axes.copy()
    for group in (g for g in groups if len(g) > 1):
        some = np.cos(1.0 + np.arange(len(group) ** 2)).reshape(len(group), -1)
        turned[group] = orthogonalised(some).T @ axes[group]
    return turned, ((weighted @ turned.T) ** 2).sum(0) / max(float((weighted**2).sum()), 1e-30)


def frame(
    ax: Axes, exact: Float[np.ndarray, "N 2"], corners: Float[np.ndarray, "S 2"] | None, names: Sequence[str]
) -> None:
    """A square that holds all exact beliefs, and the simplex with the names of its states where beliefs come
    near it.
    """
    inside = exact
    if corners is not None and near(exact, corners):
        inside = corners
        _wires(ax, corners, names)
    middle, half = square(inside)
    (left, bottom), (right, top) = middle - half, middle + half
    ax.set(xlim=(left, right), ylim=(bottom, top), box_aspect=1, xticks=[], yticks=[])


def near(exact: Float[np.ndarray, "N k"], corners: Float[np.ndarray, "S k"]) -> bool:
    """Whether beliefs come so near the corners of the simplex that these are drawn."""
    return bool(np.ptp(exact, 0).max() > NEAR * np.ptp(corners, 0).max())


def square(points: Float[np.ndarray, "N k"]) -> tuple[Float[np.ndarray, "k"], float]:
    """The middle of a square that holds all points with a margin, and half of its side."""
    return (points.max(0) + points.min(0)) / 2, 0.6 * max(float(np.ptp(points, 0).max()), 1e-9)


def _wires(ax: Axes, corners: np.ndarray, names: Sequence[str]) -> None:
    """The edges of the simplex, and what its corners are called, unless names would lie upon one another."""
    for i in range(len(corners)):
        for j in range(i):
            ax.plot(*corners[[i, j]].T, color=NULL, linewidth=0.4, alpha=0.6, zorder=1)
    apart = [np.abs(a - b).max() for i, a in enumerate(corners) for b in corners[:i]]
    if min(apart, default=1.0) < 0.06 * np.ptp(corners, 0).max():
        return
    middle = corners.mean(0)
    for xy, name in zip(corners, names, strict=True):
        away = (xy - middle) / max(float(np.hypot(*(xy - middle))), 1e-9)
        ax.annotate(
            name,
            (float(xy[0]), float(xy[1])),
            xytext=(float(5 * away[0]), float(5 * away[1])),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=7,
            color=NULL,
            zorder=4,
        )
