"""Networks that read task and state at some depth, and keep tasks as sums or one by one: SM8."""

import numpy as np

from analysis.simulators.sm08_task_trees import DEPTH, TaskTrees

from .rates import SEEDS


def reading(
    rng,
    *,
    task=1.2,
    state=2.2,
    fabric=0.2,
    last=0.8,
    untrained=0.02,
    one_hot=0.97,
    beliefs=0.9,
    spread=0.3,
    learned=1e-5,
    grid=True,
    seeds=SEEDS,
):
    """Curves that come to half at these depths, more or less; exact beliefs in noise would be so many blocks
    later with the state.
    """

    def curves(depth, top):
        at = depth + spread * rng.normal(size=seeds)[:, None]
        rise = np.tanh(2 * (np.arange(DEPTH + 1.0) - at))
        return top * ((rise - rise[:, :1]) / (rise[:, -1:] - rise[:, :1]))

    def codes(mean):
        return mean + 0.03 * rng.normal(size=seeds) if grid else np.full(seeds, np.nan)

    fresh = untrained * np.abs(rng.normal(size=(2, seeds, 1)))
    return TaskTrees(
        curves(task, last),
        curves(state, last),
        curves(task, last),
        curves(task + fabric, last),
        *fresh,
        codes(one_hot),
        codes(0.3),
        beliefs if grid else np.nan,
        0.4 if grid else np.nan,
        learned * np.exp(0.3 * rng.normal(size=seeds)),
    )
