"""Networks whose weights name, or do not name, what they write: MI10."""

import numpy as np

from analysis.mechanisms.mi10_singular_vectors import Directions

from .rates import SEEDS

BLOCKS = 4


def naming(rng, *, edge=1.2, named=0.6, data=0.6, untrained=0.03, untrained_edge=0.95, learned=1e-5):
    """Networks with a largest singular value so far over the edge, such a part of whose direction moves
    predictions, and of what they write on data.
    """

    def part(mean, spread=0.1):
        return np.clip(mean + spread * rng.normal(size=(BLOCKS, SEEDS)), 0, 1)

    def values(mean):
        return mean * np.exp(0.05 * rng.normal(size=(BLOCKS, SEEDS)))

    return Directions(
        chance=2 / 63,
        over_edge=values(edge),
        named=part(named),
        on_data=part(data),
        beliefs=part(0.3),
        agreement=part(0.5),
        untrained_over_edge=untrained_edge * np.exp(0.01 * rng.normal(size=(BLOCKS, SEEDS))),
        untrained_named=part(untrained, 0.02),
        unlearned=learned * np.exp(0.3 * rng.normal(size=SEEDS)),
    )
