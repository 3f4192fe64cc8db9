"""What the claims of constraint load are about, drawn; and the networks of one run."""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from ...figures.record import Record
from . import cl1_4_8_load, cl2_3_guarded, cl5_6_7_attention

PANELS = {**cl1_4_8_load.PANELS, **cl2_3_guarded.PANELS, **cl5_6_7_attention.PANELS}


def overview(record: Record) -> Mapping[str, Callable[[Record], Figure]]:
    """Violation of every subset of the constraints."""
    return {"violation": cl2_3_guarded.violated}
