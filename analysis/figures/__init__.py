"""Figures, drawn from the values a run folder keeps; nothing is computed here but positions on paper.

`simplex`, `layers`, `entropies`, `mixed_states` and `forest` draw into axes of yours; `data` gives what a
figure draws as numbers.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from .data import data as data
from .layers import layers as layers
from .loss import loss
from .portrait import entropies as entropies
from .portrait import mixed_states as mixed_states
from .record import Record
from .simplex import simplex as simplex
from .style import save, style

if TYPE_CHECKING:
    from .verdict import forest as forest

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


def __getattr__(name: str) -> Any:
    if name != "forest":
        raise AttributeError(f"analysis.figures has no {name!r}")
    from .verdict import forest  # verdicts need JAX, portraits of processes do not

    return forest
