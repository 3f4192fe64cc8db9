"""What the claims of belief geometry are about, drawn; and the networks of one run."""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from ...figures.clouds import clouds
from ...figures.layers import layers as by_layer
from ...figures.record import Record
from ...figures.simplex import simplex
from . import causal, dynamics, geometry, layers, merging, transfer

PANELS = layers.PANELS | geometry.PANELS | dynamics.PANELS | causal.PANELS | transfer.PANELS | merging.PANELS


def overview(record: Record) -> Mapping[str, Callable[[Record], Figure]]:
    """Probes by layer; the beliefs on their triangle where there are three hidden states, as clouds where
    belief states are finitely many.
    """
    if record.evidence["belief"].shape[1] == 3:
        return {"layers": by_layer, "simplex": simplex}
    return (
        {"layers": by_layer, "clouds": clouds} if "state_belief" in record.evidence else {"layers": by_layer}
    )
