"""Networks that agree on possible words and differ by so much elsewhere: SM6."""

import numpy as np

from analysis.simulators.sm06_rashomon import Rashomon
from analysis.simulators.sm06_rashomon_design import DOSES, TOGGLED, WIDTHS

from .rates import SEEDS


def differing(
    rng,
    *,
    on=2e-6,
    rare=3e-6,
    off=0.01,
    wider=2.0,
    nearer=1.0,
    untrained=1.2,
    constrained=0.4,
    empty=1.0,
    learned=1e-6,
    spread=0.6,
    seeds=SEEDS,
):
    """Networks whose predictions are points, so that pairs share networks: mean divergences at the usual
    width, by what factor those on impossible words change with each doubling of the width (and on possible
    ones), with each constraint that is switched, and where an empty one is.
    """

    def pairs(mean):
        """Squared distances of points whose own scatter differs from network to network."""
        reach = np.exp(spread * rng.normal(size=seeds) / 2)
        points = reach[:, None] * rng.normal(size=(seeds, 4))
        apart = np.square(points[:, None] - points).sum(2)
        return mean * apart / (8 * np.exp(spread**2 / 2))

    doubled = np.log2(np.array(WIDTHS) / 32)
    return Rashomon(
        width=np.array(WIDTHS),
        on=np.array([pairs(on * nearer**k) for k in doubled]),
        rare=np.array([pairs(rare * nearer**k) for k in doubled]),
        off=np.array([pairs(off * wider**k) for k in doubled]),
        untrained_on=pairs(0.05),
        untrained_off=pairs(0.05 * untrained),
        broken=np.array([pairs(0.05 * constrained**k) for k in range(len(DOSES))]),
        empty=pairs(0.05 * empty),
        unlearned=learned * np.exp(0.3 * rng.normal(size=(len(WIDTHS) + len(TOGGLED), seeds))),
        weights=16 * np.array(WIDTHS) ** 2,
        bits=np.full((len(WIDTHS), seeds), 5),
        states=np.array([1, 2, 3]),
        machines=np.array([1.0, 16.0, 729.0]),
        within=np.array([0.0, 4.0, 190.0]),
    )
