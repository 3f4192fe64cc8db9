"""What the claims of model organisms are about, drawn; and the networks of one run."""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from ...figures.record import Record
from . import mo1_backdoor, mo2_sandbagging, mo3_semantics_free

PANELS = {**mo1_backdoor.PANELS, **mo2_sandbagging.PANELS, **mo3_semantics_free.PANELS}


def overview(record: Record) -> Mapping[str, Callable[[Record], Figure]]:
    """The share of the backdoor in every network."""
    return {"backdoor": mo1_backdoor.shares}
