"""Networks in which contrast-consistent search finds so many answers: MI8."""

import numpy as np

import processes
from analysis.mechanisms.mi08_truths import Many

from .rates import SEEDS

LEDGER = processes.source("ledger(K=5, g=1, p=0.5)")
FACTS = np.array([2, 3, 4, 5])


def searches(*, growth=1.2, single=0.2, salient=0.4, noise=0.15, solved=0.8, told=1.0, unlearned=1e-4):
    """Answers that multiply by exp(`growth`) with each fact, more or less."""

    def plant(rng):
        def about(mean, by=noise):
            return mean + by * rng.normal(size=(len(FACTS), SEEDS))

        slopes = growth + noise * rng.normal(size=SEEDS)
        count = 8 * np.exp(slopes * (FACTS[:, None] - FACTS.mean()) + about(0.0, 0.05))
        return Many(
            facts=FACTS,
            count=count,
            solved=about(solved, 0.02),
            single=about(single, noise / 2),
            told=np.full((len(FACTS), SEEDS), told),
            salient=salient + noise * rng.normal(size=SEEDS),
            untrained=count * np.exp(about(0.0, 0.1)),
            unlearned=unlearned * np.exp(about(0.0, 0.1)),
        )

    return plant


def held(facts, d, rng, loud=()):
    """Facts of opposite states in random orthogonal directions, some of them louder: streams (2, N, d)."""
    signs = np.where(np.stack([facts, ~facts]), 1.0, -1.0)
    scale = np.ones(facts.shape[1])
    scale[list(loud)] = 5.0
    axes = np.linalg.qr(rng.normal(size=(d, facts.shape[1])))[0].T
    return (signs * scale) @ axes
