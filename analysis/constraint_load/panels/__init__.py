"""What the claims of constraint load are about, drawn; and the networks of one run."""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from ...figures.record import Record
from . import attention, guarded, load

PANELS = guarded.PANELS | attention.PANELS | load.PANELS


def overview(record: Record) -> Mapping[str, Callable[[Record], Figure]]:
    """Violation of every subset of the constraints."""
    return {"violation": guarded.violated}
