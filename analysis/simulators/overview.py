"""What a report of a run tells where the claims are those of simulators."""

from dataclasses import replace

from scipy.linalg import block_diag

from ..claim import single
from ..instruments.decompositions.mixtures import mixture_of
from ..instruments.overview import Measurements, Overview
from ..instruments.probing.probed_beliefs import probed_beliefs


def overview(measurements: Measurements) -> Overview:
    """Probes of beliefs at every layer, beside every baseline; of a mixture its components, the posterior of
    each, and the map from beliefs to posteriors.

    A posterior is linear in the belief: that map takes probed beliefs to posteriors as they are probed.
    """
    seen = probed_beliefs(measurements.of(single))
    mixture = mixture_of(seen.contexts.process)
    if mixture is None:
        return seen
    arrays = {
        "posterior": mixture.posterior(seen.contexts.belief),
        "of_component": block_diag(*(c.w[:, None] for c in mixture.components)),
    }
    named = {"components": [c.name for c in mixture.components], "weights": mixture.weights.tolist()}
    return replace(seen, report={**seen.report, **named}, arrays={**seen.arrays, **arrays})
