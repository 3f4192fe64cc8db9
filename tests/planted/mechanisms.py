"""Networks whose parts cost so much when they are ablated: MI4."""

import numpy as np

from analysis.mechanisms.mi04_ablations import Ablations

from .rates import SEEDS


def ablated(
    rng,
    *,
    constant=1.0,
    overstated=3.0,
    mean=None,
    spread=0.7,
    near=0.01,
    learned=1e-3,
    untrained=-1.0,
    right=1e-3,
    wrong=3.0,
    apart=True,
):
    """Networks of which the best constant says so many times the exact cost, and zeros and others' values so
    many times (`mean` the mean), more or less.
    """
    exact = 0.09

    def about(value, by):
        return value * exact * np.exp(by * rng.normal(size=SEEDS))

    return Ablations(
        exact=exact,
        worth=0.12,
        apart=apart,
        cost={
            "zero": about(overstated, spread),
            "mean": about(overstated if mean is None else mean, spread),
            "resample": about(overstated, spread / 2),
            "constant": about(constant, near),
        },
        untrained={
            kind: untrained * exact + 0.3 * exact * rng.normal(size=SEEDS)
            for kind in ("zero", "mean", "resample", "constant")
        },
        excess=about(learned, 0.5),
        untrained_excess=about(2.2, 0.1),
        right=about(right, 0.3),
        wrong=about(wrong, 0.2),
    )
