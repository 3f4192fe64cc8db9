"""Figures, drawn from the values a run folder keeps; nothing is computed here but positions on paper."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from ..constraint_load.panels.guarded import violated
from .clouds import clouds
from .layers import layers
from .loss import loss
from .record import Record
from .simplex import simplex
from .style import save, style


def draw(folder: Path) -> list[str]:
    """Draw all figures of a finished run into folder/figures, as svg and png; returns their names.

    The geometry is drawn on the triangle where there are three hidden states, as clouds where belief states
    are finitely many.
    """
    record = Record(folder)
    own = {"violation": violated} if "subsets" in record.report else {"layers": layers, **_geometry(record)}
    drawn: dict[str, Callable[[Record], Figure]] = {"loss": loss, **own}
    with style():
        for name, make in drawn.items():
            save(make(record), folder / "figures", name)
    return sorted(drawn)


def _geometry(record: Record) -> dict[str, Callable[[Record], Figure]]:
    if record.evidence["belief"].shape[1] == 3:
        return {"simplex": simplex}
    return {"clouds": clouds} if "state_belief" in record.evidence else {}
