"""Toy models that reach what is known, and pairs that are sums of parts: MI1."""

import numpy as np

from analysis.instruments.superposition.optima import KNOWN, Shape
from analysis.mechanisms.mi01_superposition import Superposed

from .rates import SEEDS

HARDEST = str(Shape(7, 2))


def arrangement(shape, rng, seeds=SEEDS):
    """Features of norm one in directions of no meaning."""
    W = rng.normal(size=(seeds, shape.m, shape.n))
    return W / np.linalg.norm(W, axis=1, keepdims=True)


def superposed(
    *,
    missing=0.0,
    hardest=0.02,
    beyond=0.0,
    contrast=0.2,
    untrained=2.0,
    untrained_last=1.6,
    random=0.3,
    slope=1e-4,
    smallest=0.3,
    unlearned=1e-4,
):
    """Batches of toy models of which this share misses the optimum, and the hardest of them by more; all are
    `beyond` it by this logarithm. Networks whose pairs have such a contrast in the last stream, and parts.
    """

    def plant(rng):
        def missed(name):
            rate = hardest if name == HARDEST else missing
            return beyond + np.where(rng.random(SEEDS) < rate, 0.0066, 1e-6 * rng.random(SEEDS))

        def of(value, spread=0.1):
            return {str(s): value * np.exp(spread * rng.normal(size=SEEDS)) for s in KNOWN}

        def along_depth(first, last, spread):
            of = np.linspace(first, last, 3)[:, None]
            return of * np.exp(spread * rng.normal(size=(3, SEEDS)))

        part = smallest * np.exp(0.1 * rng.normal(size=SEEDS))
        return Superposed(
            least={str(s): missed(str(s)) for s in KNOWN},
            reached={str(s): rng.uniform(0.0, 0.9, SEEDS) for s in KNOWN},
            angle={str(s): np.full(SEEDS, optimum.angle) for s, optimum in KNOWN.items()},
            random=of(random),
            slope=of(slope),
            W={str(s): arrangement(s, rng) for s in KNOWN},
            sites=("embed", "blocks.0.resid_post", "blocks.1.resid_post"),
            contrast=along_depth(2.0, contrast, 0.2),
            untrained_contrast=along_depth(untrained, untrained_last, 0.05),
            parts=np.array([0.95 - part, part]),
            joint=1.2,
            unlearned=unlearned * np.exp(0.1 * rng.normal(size=SEEDS)),
        )

    return plant
