"""What lies outside of a panel is never left out without a word: limits give way to it, or marks and words at
the edge tell of it.
"""

from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Num
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .style import NULL

Axis = Literal["x", "y"]
BEYOND = {("x", False): "<", ("x", True): ">", ("y", False): "v", ("y", True): "^"}
"""Open marks at an edge: of what lies below it, and above."""
AT_EDGE = "edge"
"""What is known by this name says that something is drawn at an edge that lies beyond it."""
MARGIN = 0.03
"""Of the range of what is drawn, by which limits that give way do so."""


def hold(
    ax: Axes,
    *,
    x: tuple[float | None, float | None] = (None, None),
    y: tuple[float | None, float | None] = (None, None),
) -> None:
    """Limits of a panel, each given way where something that is drawn lies beyond it; None is as it was.

    Call it last.
    """
    for (low, high), axis in ((x, "x"), (y, "y")):
        first, last = getattr(ax.dataLim, f"interval{axis}")
        if not np.isfinite([first, last]).all():
            first, last = np.inf, -np.inf  # nothing is drawn
        log = getattr(ax, f"get_{axis}scale")() == "log"
        margin = 0.0 if log or last < first else MARGIN * (last - first)
        if low is not None and first < low:
            low = first / 1.2 if log else first - margin
        if high is not None and last > high:
            high = last * 1.2 if log else last + margin
        getattr(ax, f"set_{axis}lim")(low, high)


def floored(
    ax: Axes, values: Float[np.ndarray, "*any"], least: float, *, axis: Axis = "y"
) -> Float[np.ndarray, "*any"]:
    """Values for a logarithmic axis, those that are less at the least that is drawn; the axis says so there.

    Without a value that is less they are as they were, and nothing is said.
    """
    values = np.asarray(values)
    if np.any(values < least):
        _or_less(ax, least, axis)
    return np.where(values < least, least, values)


def _or_less(ax: Axes, least: float, axis: Axis) -> None:
    if any(text.get_gid() == AT_EDGE for text in ax.texts):
        return
    across, along = ax.get_yaxis_transform(), ax.get_xaxis_transform()
    where: Any = ((0, 1), (least, least), across) if axis == "y" else ((least, least), (0, 1), along)
    edge = Line2D(*where[:2], transform=where[2], color=NULL, linewidth=0.6, linestyle=(0, (1, 2)), zorder=0)
    ax.add_artist(edge)  # limits are those of what is drawn
    look: Any = {"textcoords": "offset points", "fontsize": 7, "color": NULL, "gid": AT_EDGE}
    if axis == "y":
        ax.annotate("or less", (1, least), (-1, 2), xycoords=("axes fraction", "data"), ha="right", **look)
    else:
        ax.annotate("or less", (least, 1), (0, 1), xycoords=("data", "axes fraction"), **look)


def kept(
    ax: Axes,
    x: Num[np.ndarray, "*any"],
    y: Float[np.ndarray, "*any"],
    mark: str,
    *,
    low: float = -np.inf,
    high: float = np.inf,
    **look: Any,
) -> None:
    """Points, or curves, as `Axes.plot` draws them; what is lower or higher than may be drawn is at that
    edge, with an open mark that points beyond.
    """
    x, y = np.broadcast_arrays(x, y)
    inside = np.where((y >= low) & (y <= high), y, np.nan)
    lines = any(sign in mark for sign in "-:")
    ax.plot(x, np.minimum(np.maximum(y, low), high) if lines else inside, mark, **look)
    for beyond, edge, up in ((y < low, low, False), (y > high, high, True)):
        if beyond.any():
            at = x[beyond]
            ax.plot(
                at,
                np.full(at.size, edge),
                BEYOND["y", up],
                color=look.get("color", NULL),
                markersize=3.5,
                markerfacecolor="none",
                markeredgewidth=0.7,
                clip_on=False,
                gid=AT_EDGE,
            )


def possible(share: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Ends of an interval of a share, which lies between 0 and 1 whatever an approximation says."""
    return np.minimum(np.maximum(share, 0.0), 1.0)
