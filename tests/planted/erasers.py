"""Erasers that agree so far, and more or less: MI9."""

import numpy as np

from analysis.mechanisms.mi09_erased import KINDS, Erased

from .networks import LAYERS
from .rates import SEEDS

STARTS = {"adversarial": 0.5, "continued": 0.5}
"""Overlap of what is taken out from other starts where the claim holds."""
APART = {"leace": 0.85, "mean": 0.85, "inlp": 0.7, "adversarial": 0.5, "continued": 0.5}
"""The same on disjoint histories."""


def erasing(
    *,
    noise=0.08,
    before=0.99,
    leace=0.0,
    solved=1e-4,
    untrained=0.5,
    unlearned=1e-5,
    starts=None,
    apart=None,
):
    """Networks whose erasers overlap so far between starts, and on disjoint histories, by kind; `leace` is
    left to a linear probe in sample where LEACE was fitted.
    """
    by_start, by_history = STARTS | (starts or {}), APART | (apart or {})

    def plant(rng):
        def about(mean, by=noise):
            return mean + by * rng.normal(size=SEEDS)

        # Of what agrees nearly perfectly the spread is small, as measured.
        def overlaps(of):
            return {k: about(v, min(noise, 1 - v + 0.002)).clip(0, 1) for k, v in of.items()}

        left = {kind: about(0.1, 0.01) for kind in KINDS}
        left |= {"leace": np.full(SEEDS, leace), "continued": solved * np.exp(about(0.0, 0.1))}
        return Erased(
            sampled=None,
            rank=2,
            worth=0.09,
            sites=LAYERS,
            chosen=rng.integers(0, len(LAYERS), SEEDS),
            restarts=overlaps(by_start),
            histories=overlaps({kind: by_history[kind] for kind in KINDS}),
            between=about(0.6, 0.1)[:, None, None] * np.ones((len(KINDS), len(KINDS))),
            alike={kind: about(0.9, 0.02) for kind in KINDS},
            taken={kind: np.full(SEEDS, 2.0) for kind in KINDS},
            linear={kind: about(0.05, 0.02) for kind in KINDS},
            nonlinear={kind: about(0.2, 0.05) for kind in KINDS},
            cost={kind: about(1.1, 0.05) for kind in KINDS},
            told={kind: about(0.9, 0.05) for kind in KINDS},
            in_sample=left,
            before=about(before, 0.002),
            before_nonlinear=about(before, 0.002),
            untrained=about(untrained, 0.05),
            unlearned=unlearned * np.exp(about(0.0, 0.1)),
        )

    return plant


def classes(rng, count=900, d=6):
    """Activations of three classes in noise of unequal size, and which class each is of."""
    which = rng.integers(0, 3, count)
    noise = rng.normal(size=(count, d)) * np.geomspace(0.1, 1, d)
    return np.eye(3)[which] @ rng.normal(size=(3, d)) + noise @ rng.normal(size=(d, d)) + 2, which
