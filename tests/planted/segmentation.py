"""Networks whose entropies cut text as well as exact ones, and networks whose do not: MI6."""

import numpy as np

from analysis.instruments.behaviour.segmentation import RULES
from analysis.mechanisms.mi06_segmentation import Segmented

from .rates import SEEDS

T = 6  # tokens of the text that is drawn


def cutting(
    rng,
    *,
    missed=0.0,
    missed_by_threshold=None,
    spread=0.005,
    gain=0.05,
    elsewhere=0.0,
    untrained=0.52,
    shuffled=0.51,
    one_token=0.5,
    learned=1e-5,
):
    """Networks whose boundaries miss so much of the F1 of exact ones, more or less, and whose patches are
    worth so many nats; untrained ones, entropies dealt out anew and a memory of one token have F1s of their
    own.
    """
    exact = {"everywhere": 0.5, "threshold": 0.6, "rise": 0.69, "posterior": 0.73}
    off = {"rise": missed, "threshold": missed if missed_by_threshold is None else missed_by_threshold}

    def about(value, by):
        return value + by * rng.normal(size=SEEDS)

    network = {rule: about(exact[rule] - off[rule], spread) for rule in RULES}
    text = rng.uniform(0, np.log(2), size=T)
    return Segmented(
        exact=exact,
        one_token=dict.fromkeys(RULES, one_token),
        network=network,
        at_best={rule: network[rule] + np.abs(about(0, 0.002)) for rule in RULES},
        untrained={rule: about(untrained, 0.01) for rule in RULES},
        shuffled={rule: about(shuffled, 0.005) for rule in RULES},
        exact_gain=0.06,
        gain=about(gain, 0.01),
        elsewhere=about(elsewhere, 0.01),
        unlearned=learned * np.exp(0.3 * rng.normal(size=SEEDS)),
        text=rng.integers(2, size=T),
        text_begins=rng.uniform(size=T),
        text_exact=text,
        text_network=text + 0.01 * rng.normal(size=(SEEDS, T)),
    )
