"""Figures, drawn from the values a run folder keeps; nothing is computed here but positions on paper."""

from collections.abc import Callable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from .loss import loss
from .record import Record
from .style import save, style

Drawing = Callable[[Record], Figure]


def draw(folder: Path, own: Callable[[Record], Mapping[str, Drawing]]) -> list[str]:
    """Draw all figures of a finished run into folder/figures, as svg and png; returns their names.

    `own` gives those of what its networks were measured for, beside the figure of their loss.
    """
    record = Record(folder)
    drawn = {"loss": loss, **own(record)}
    with style():
        for name, make in drawn.items():
            save(make(record), folder / "figures", name)
    return sorted(drawn)
