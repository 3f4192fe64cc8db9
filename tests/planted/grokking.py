"""Networks that learn what is held out late, at once, or never: MI5."""

import numpy as np

from analysis.mechanisms.mi05_grokked import ARMS, Grokked, Waves

from .rates import SEEDS

STEPS = np.unique(np.geomspace(1, 3000, 30).astype(int))


def grokking(
    rng,
    *,
    taught=50.0,
    held_out=500.0,
    left=0.01,
    without_decay=3.0,
    fewer=2.0,
    key=0.3,
    other=5.0,
    embedded=0.7,
    untrained=0.2,
    known=1e-3,
    spread=0.3,
    waves=True,
):
    """Networks that have learned what is taught after so many steps and what is held out after so many, of
    which so much is left at the end; in other trainings after so many times as many; of which waves of key
    frequencies, and of others, know half after so many times as many.
    """
    own = np.exp(spread * rng.normal(size=SEEDS))

    def falls(at, end=0.0):
        """A share that is 1, and falls to 1 / 10 at a step."""
        at = np.asarray(at)[:, None]
        return np.maximum(1 / (1 + 9 * (STEPS / at) ** 3), end)

    times = dict(zip(ARMS, (1.0, without_decay, fewer), strict=True))

    def about(value):
        return value * own * np.exp(0.1 * rng.normal(size=SEEDS))

    found = Waves(
        np.full(SEEDS, 3.0),
        falls(about(held_out)),
        falls(about(key * held_out)),
        falls(about(other * held_out)),
        1 - falls(about(held_out)),
        embedded * (1 - falls(about(held_out))),
        untrained + 0.02 * rng.normal(size=SEEDS),
    )
    return Grokked(
        STEPS,
        {arm: falls(taught * np.exp(0.1 * rng.normal(size=SEEDS)), known) for arm in ARMS},
        {arm: falls(about(held_out * many), left) for arm, many in times.items()},
        found if waves else None,
    )
