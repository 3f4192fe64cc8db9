"""Networks whose parts pull together, cancel, or know nothing of each other: MI11."""

import numpy as np

from analysis.mechanisms.mi11_small_heuristics import Bunch

from .rates import SEEDS

PARTS = ("embed", "blocks.0.head 0", "blocks.0.mlp", "blocks.1.head 0", "blocks.1.mlp")


def bunched(
    rng,
    *,
    together=2.0,
    effective=3.0,
    untrained=0.9,
    kurtosis=-1.3,
    missing=1e-4,
    dealt=1.0,
    learned=1e-5,
    spread=0.2,
):
    """Networks with so many parts, effectively, of which the sum varies so many times as much as independent
    ones would; exact logits leave room for two at most.
    """

    def about(value, by=spread):
        return value * np.exp(by * rng.normal(size=SEEDS))

    return Bunch(
        sampled=None,
        parts=PARTS,
        exact=-1.3,
        allowed=2 / 1.3,
        together=about(together),
        effective=about(effective),
        kurtosis=kurtosis + 0.01 * rng.normal(size=SEEDS),
        independent=-0.4 + 0.1 * rng.normal(size=SEEDS),
        dealt=about(dealt, 0.02),
        missing=about(missing),
        share=np.stack([about(0.1) for _ in PARTS]),
        gaussian=0.1 + 0.05 * rng.normal(size=(len(PARTS), SEEDS)),
        untrained=about(untrained),
        unlearned=about(learned, 0.3),
    )
