"""Networks that two rules of learning made, as good as one another or not: MI13."""

import numpy as np

from analysis.mechanisms.mi13_predictive_coding import Rules

from .rates import SEEDS


def learning(
    rng, *, ratio=1.0, lost=0.0, left=1e-3, r2=0.95, untrained=0.6, same=0.9999, unrest=0.03, shuffled=0.01
):
    """Networks of which relaxation leaves so many times what backpropagation leaves, and loses so much R2."""

    def about(mean, spread=0.01):
        return mean + spread * rng.normal(size=SEEDS)

    back = left * np.exp(0.3 * rng.normal(size=SEEDS))
    left = np.array([back, back * ratio * np.exp(0.2 * rng.normal(size=SEEDS))])
    both = np.array([about(r2), about(r2 - lost)])
    step = np.array([0.0, 10, 100])
    course = left[:, :, None] + np.exp(-step / 30)
    agreement = np.array([about(0.9), np.minimum(same + 1e-5 * rng.normal(size=SEEDS), 1)])
    return Rules(
        left,
        both,
        about(untrained),
        about(shuffled),
        0.7,
        unrest * np.exp(0.2 * rng.normal(size=(2, SEEDS))),
        agreement,
        np.full(SEEDS, 100.0),
        step,
        course,
    )
