"""A figure for a paper: at a width, whole or one panel of it, with all words inside."""

import re
from pathlib import Path
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.legend import Legend
from matplotlib.text import Text

import processes

from .style import KINDS, LEAST_POINTS

INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27}
"""Units of a width; points are those of TeX."""
LEAST, MOST = 1.5, 20.0
"""Inches that a figure may be wide."""
NARROW = 2.2
"""Inches below which panels that are free in shape stand above each other."""
SMALL = 1.7
"""Inches below which a panel has small letters over it."""
LEAST_HEIGHT = 2.5
"""Inches, of a panel that is free in shape, with its legend."""


def inches(text: str) -> float:
    """A width as `3.4in`, `86mm`, `8.6cm` or `246pt`. Raises `processes.ProcessError`."""
    found = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(in|cm|mm|pt)\s*", text)
    width = float(found[1]) * INCHES[found[2]] if found else 0.0
    if not LEAST <= width <= MOST:
        raise processes.ProcessError(
            f"the width is {text!r}; it must be {LEAST:g}in to {MOST:g}in, as 3.4in, 86mm, 8.6cm or 246pt"
        )
    return width


def checked(file: Path) -> Path:
    """A file that a figure, or the numbers in it, can be written to. Raises `processes.ProcessError`."""
    if file.suffix not in (*KINDS, ".csv"):
        raise processes.ProcessError(
            f"a figure cannot be written to {file}; its name must end in {', '.join(KINDS)}, or in .csv for "
            "its numbers"
        )
    return file


def names(fig: Figure) -> list[str]:
    """What its panels are called."""
    return [label for ax in fig.axes if (label := str(ax.get_label()))]


def alone(fig: Figure, panel: str) -> None:
    """Leave one panel of a figure, in a figure of its own shape. Raises `processes.ProcessError` if there is
    none of that name.
    """
    kept = next((ax for ax in fig.axes if ax.get_label() == panel), None)
    if kept is None:
        there = names(fig)
        raise processes.ProcessError(
            f"there is no panel {panel!r} in this figure; "
            + (f"it has {', '.join(there)}" if there else "it has no parts")
        )
    width, height = fig.get_size_inches()
    rows, columns = _grid(kept)
    for ax in fig.axes:
        if ax is not kept:
            ax.remove()
    kept.set_subplotspec(fig.add_gridspec(1, 1)[0])
    fig.set_size_inches(width / columns, height / rows)


def fit(fig: Figure, width: float) -> None:
    """Draw a figure at another width, inches: panels that are free in shape stand above each other where they
    would be less than `NARROW` wide, and titles, labels and legends are broken so that they stay inside. Over
    panels that are narrower than `SMALL` all letters are of `LEAST_POINTS`; elsewhere they keep their size.
    """
    rows, columns = _grid(fig.axes[0])
    before, height = fig.get_size_inches()
    shape = (height / rows) / (before / columns)
    free = all(_is_free(ax) for ax in fig.axes)
    if free and width / columns < NARROW and rows * columns == len(fig.axes) and not fig.subfigs:
        rows, columns = rows * columns, 1
        grid = fig.add_gridspec(rows, 1)
        for row, ax in enumerate(fig.axes):
            ax.set_subplotspec(grid[row])
    each = width / columns
    if each < SMALL:
        for ax in fig.axes:
            ax.tick_params(labelsize=LEAST_POINTS)
            for text in (ax.title, ax.xaxis.label, ax.yaxis.label):
                text.set_fontsize(LEAST_POINTS)
    fig.set_size_inches(width, rows * (max(LEAST_HEIGHT, shape * each) if free else each))
    inside(fig)
    if not free:  # square panels, and the words above and below them
        fig.draw_without_rendering()
        words = [0.0] * rows
        for ax in fig.axes:
            place = ax.get_subplotspec()
            row = 0 if place is None else place.rowspan.start
            words[row] = max(words[row], sum(_high(text) for text in (ax.title, ax.xaxis.label)) + 0.15)
        fig.set_size_inches(width, 0.9 * rows * each + sum(words) + sum(map(_high, fig.texts)))
        inside(fig)


def _high(text: Text) -> float:
    """Inches that words take above each other."""
    figure = text.get_figure(root=True)
    return text.get_window_extent().height / figure.dpi + 0.05 if text.get_text() and figure else 0.0


def _is_free(ax: Axes) -> bool:
    """Whether a panel may be of any shape."""
    return ax.get_box_aspect() is None and ax.get_aspect() == "auto"


def _grid(ax: Axes) -> tuple[int, int]:
    place = ax.get_subplotspec()
    return (1, 1) if place is None else place.get_gridspec().get_geometry()


def inside(fig: Figure) -> None:
    """Break legends and words that are wider than there is room."""
    fig.draw_without_rendering()
    parts: list[Figure | SubFigure] = [fig, *fig.subfigs, *(sub for of in fig.subfigs for sub in of.subfigs)]
    for of in parts:
        for legend in of.legends:
            _narrower(of, legend)
    fig.draw_without_rendering()
    for ax in fig.axes:
        room = _room(ax, fig) - 4
        for text in (ax.title, ax.xaxis.label):
            _break(text, room, 0)
        _break(ax.yaxis.label, ax.bbox.height, 1)
    for text in fig.texts:  # the title and the words below all panels
        _break(text, fig.bbox.width - 4, 0)


def _narrower(of: Figure | SubFigure, legend: Legend) -> None:
    """Give a legend as many columns as there is room for."""
    handles = [handle for handle in legend.legend_handles if handle is not None]
    said: list[str] = [text.get_text() for text in legend.get_texts()]
    columns = min(len(handles), legend._ncols)  # type: ignore[attr-defined]
    look: dict[str, Any] = {
        "title": legend.get_title().get_text() or None,
        "fontsize": legend.get_texts()[0].get_fontsize(),
        "handlelength": legend.handlelength,
        "handletextpad": legend.handletextpad,
        "columnspacing": min(legend.columnspacing, 1.0),
    }
    while legend.get_window_extent().width > of.bbox.width and columns > 1:
        columns -= 1
        legend.remove()
        legend = of.legend(
            handles, said, loc="outside lower center", ncols=columns, title_fontsize=look["fontsize"], **look
        )
        of.get_figure(root=True).draw_without_rendering()


def _room(ax: Axes, fig: Figure) -> float:
    """Pixels that centred words may take over a panel: up to the edges and its neighbours' words."""
    own, (left, right) = ax.bbox, ax.figure.bbox.intervalx
    centre = (own.x0 + own.x1) / 2
    beside = [abs(centre - (o.x0 + o.x1) / 2) for o in (other.bbox for other in fig.axes) if o.y0 == own.y0]
    return float(min(2 * (centre - left), 2 * (right - centre), *(d for d in beside if d > 1)))


def _break(text: Text, room: float, side: int) -> None:
    """Break words so that they take so many pixels along a side of the paper: after commas first."""
    said = text.get_text()
    takes = text.get_window_extent().size[side]
    if said and takes > room:
        letters = max(6, int(max(map(len, said.splitlines())) * room / takes))
        lines = [
            fill(part, letters, break_long_words=False, break_on_hyphens=False)
            for line in said.splitlines()
            for part in (re.split("(?<=,) ", line) if len(line) > letters else [line])
        ]
        text.set_text("\n".join(lines))
