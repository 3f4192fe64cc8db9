"""What a report of a run tells where the claims are those of mechanisms."""

from ..claim import single
from ..instruments.overview import Measurements, Overview
from ..instruments.probing.probed_beliefs import probed_beliefs


def overview(measurements: Measurements) -> Overview:
    """Probes of beliefs at every layer, beside every baseline."""
    return probed_beliefs(measurements.of(single))
