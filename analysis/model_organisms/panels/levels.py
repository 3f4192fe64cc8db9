"""A level that curves are read against, with its name on it."""

from typing import Any, Literal

from matplotlib.axes import Axes


def level(
    ax: Axes, value: float, name: str, colour: str, line: Any, side: Literal["left", "right"] = "left"
) -> None:
    """A horizontal line, and its name above that end of it."""
    ax.axhline(value, color=colour, linestyle=line, linewidth=0.9)
    ax.annotate(
        name,
        (0.03 if side == "left" else 0.97, value),
        (0, 2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=7,
        color=colour,
        ha=side,
    )
