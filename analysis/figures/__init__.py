"""Figures, drawn from the values a run folder keeps; nothing is computed here but positions on paper."""

from pathlib import Path

from .clouds import clouds
from .layers import layers
from .loss import loss
from .record import Record
from .simplex import simplex
from .style import save, style


def draw(folder: Path) -> list[str]:
    """Draw all figures of a finished run into folder/figures, as svg and png; returns their names.

    The geometry is drawn on the triangle where there are three hidden states, as clouds where belief states are finitely many.
    """
    record = Record(folder)
    drawn = {"layers": layers, "loss": loss}
    if record.evidence["belief"].shape[1] == 3:
        drawn["simplex"] = simplex
    elif "state_belief" in record.evidence:
        drawn["clouds"] = clouds
    with style():
        for name, make in drawn.items():
            save(make(record), folder / "figures", name)
    return sorted(drawn)
