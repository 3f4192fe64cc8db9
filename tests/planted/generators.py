"""Generators whose states are where likelihood or adversaries are said to bring them, more or less: SM7."""

import numpy as np

from analysis.simulators.sm07_adversaries import ARMS, DRAWN, Structures

from .rates import SEEDS


def shaped(
    rng,
    *,
    near=(0.2, 0.7, 0.0, 0.0),
    r2=(0.9, 0.6, 0.99, 0.99),
    dimension=(0.7, 0.3, 0.5, 0.5),
    left=(3e-4, 3e-4, 2e-5, 1e-6),
    spread=0.1,
    seeds=SEEDS,
):
    """Arms with these means: likelihood, adversary, adversary without noise, predictor; networks of one seed
    have half of their scatter in common.
    """

    def of(means, scatter):
        shared, each = rng.normal(size=(1, seeds)), rng.normal(size=(len(ARMS) + 1, seeds))
        return np.array(means)[:, None] + scatter * (shared + each) / np.sqrt(2)

    shape = (len(ARMS) + 1, seeds, DRAWN)
    return Structures(
        near=of(near, spread).clip(0, 1),
        r2=of(r2, spread / 10),
        dimension=of(dimension, spread),
        own=of((0.3, 0.4, 0.0, 0.0), spread / 10).clip(0, 1),
        left=np.array(left)[:, None] * np.exp(0.2 * rng.normal(size=(len(left), seeds))),
        r2_of_states=0.5,
        own_of_states=0.6,
        dimension_of_beliefs=0.5,
        token=rng.dirichlet(np.ones(3), shape),
        belief=rng.dirichlet(np.ones(3), shape),
        vertices=np.full((3, 3), 0.075) + 0.775 * np.eye(3),
    )
