"""What a figure draws, as numbers: a table that any program reads."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection, PathCollection, PolyCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from processes.values.whole_file import replacing

COLUMNS = ("panel", "series", "mark", "x", "y", "low")
"""Of the table: names first, then numbers."""

Point = tuple[str, float, float, float]
"""Mark, x, y and low."""
Row = tuple[str, str, str, float, float, float]
NOTHING = float("nan")


def data(fig: Figure) -> dict[str, np.ndarray]:
    """What is drawn in a figure, a row for each point, as columns of equal length, ready for a data frame.

    `panel` and `series` are called as they are labelled in the figure (numbers where they are not). `mark` is
    what is drawn: `line`, `dots`, `bar` or `band` (from `low` to `y`), or `threshold`, a line across a whole
    panel that has one coordinate alone. Numbers are those of the axes; what there is none of is NaN. Shaded
    sides, arrows and words are left out.
    """
    rows = [row for number, ax in enumerate(_all(fig), 1) for row in _of(ax, number)]
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * len(COLUMNS)
    kinds = (str, str, str, np.float64, np.float64, np.float64)
    return {name: np.array(of, kind) for name, of, kind in zip(COLUMNS, columns, kinds, strict=True)}


def write_data(fig: Figure, file: Path) -> int:
    """Write the same as comma-separated values, empty where there is nothing; returns how many rows."""
    columns = data(fig)
    with replacing(file) as part, part.open("w", newline="", encoding="utf-8") as text:
        table = csv.writer(text, lineterminator="\n")
        table.writerow(COLUMNS)
        for row in zip(*(columns[name].tolist() for name in COLUMNS), strict=True):
            table.writerow(["" if value != value else value for value in row])
    return len(columns["x"])


def _all(fig: Figure) -> Iterator[Axes]:
    """All axes, those inside others too."""
    waiting: list[Any] = list(fig.axes)
    while waiting:
        ax = waiting.pop(0)
        yield ax
        waiting += ax.child_axes


def _of(ax: Axes, number: int) -> Iterator[Row]:
    label = str(ax.get_label()).replace("inset_axes", "")
    panel = " ".join((label or ax.get_title("left") or ax.get_title() or str(number)).split())
    bars = [c for c in ax.containers if isinstance(c, BarContainer)]
    parts: list[Line2D | Collection | BarContainer] = [*ax.lines, *ax.collections, *bars]
    for i, part in enumerate(parts, 1):
        said = str(part.get_label())
        series = said if said and not said.startswith("_") else str(i)
        for mark, x, y, low in _points(ax, part):
            yield panel, series, mark, x, y, low


def _points(ax: Axes, part: Line2D | Collection | BarContainer) -> Iterator[Point]:
    """What one artist says, in coordinates of the axes' data."""
    if isinstance(part, BarContainer):
        for bar in part.patches:
            (x, y), wide, high = bar.get_xy(), bar.get_width(), bar.get_height()
            upright = part.orientation != "horizontal"
            yield ("bar", x + wide / 2, y + high, y) if upright else ("bar", x + wide, y + high / 2, x)
    elif part.get_visible():
        yield from _line(ax, part) if isinstance(part, Line2D) else _collection(ax, part)


def _line(ax: Axes, line: Line2D) -> Iterator[Point]:
    x, y = (np.asarray(values, np.float64) for values in line.get_data(orig=False))
    if line.get_transform() == ax.get_xaxis_transform("grid"):
        yield "threshold", float(x[0]), NOTHING, NOTHING
    elif line.get_transform() == ax.get_yaxis_transform("grid"):
        yield "threshold", NOTHING, float(y[0]), NOTHING
    elif line.get_transform().contains_branch(ax.transData):
        mark = "dots" if line.get_linestyle() in ("None", "", " ") else "line"
        for a, b in zip(x.tolist(), y.tolist(), strict=True):
            yield mark, a, b, NOTHING


def _collection(ax: Axes, of: Collection) -> Iterator[Point]:
    if isinstance(of, PathCollection):
        if of.get_offset_transform() == ax.transData:
            for x, y in np.ma.getdata(of.get_offsets()).tolist():
                yield "dots", x, y, NOTHING
    elif of.get_transform().contains_branch(ax.transData):
        for path in of.get_paths():
            xy = np.asarray(path.vertices, np.float64)
            if isinstance(of, LineCollection):
                for x, y in xy.tolist():
                    yield "line", x, y, NOTHING
            elif isinstance(of, PolyCollection):
                for x in np.unique(xy[:, 0]).tolist():
                    there = xy[xy[:, 0] == x, 1]
                    yield "band", x, float(there.max()), float(there.min())
