"""Networks off whose trunk a value head reads so much: MI12."""

import numpy as np

from analysis.controls import RIVALS
from analysis.mechanisms.mi12_value_head import Valued

from .rates import SEEDS


def headed(
    rng,
    *,
    linear=0.99,
    added=0.003,
    guess=0.05,
    added_to_guess=0.5,
    of_guess=0.01,
    untrained=0.25,
    shuffled=0.02,
    partial=0.9,
    wrong=0.3,
    told=0.5,
    learned=3e-5,
    spread=0.004,
):
    """Networks off which a linear head reads so much of V, and a nonlinear one so much more, of V and of the
    value of a guess, of which one linear head reads `of_guess` off exact beliefs.
    """

    def about(value, by=spread):
        return value + by * rng.normal(size=SEEDS)

    reads, guesses = about(linear), about(guess, 0.02)
    return Valued(
        sampled=None,
        delay=1,
        beliefs=1.0,
        beliefs_of_guess=of_guess,
        rivals=dict.fromkeys(RIVALS, told),
        linear=reads,
        nonlinear=reads + about(added, 0.003),
        all_layers=about(linear),
        guess=guesses,
        guess_nonlinear=guesses + about(added_to_guess, 0.1),
        untrained=about(untrained, 0.02),
        shuffled=about(shuffled, 0.01),
        partial={name: about(partial, 0.03) for name in RIVALS},
        gained=about(0.9, 0.05),
        gained_wrong=about(wrong, 0.05),
        memory_of_wrong=told,
        unlearned=learned * np.exp(0.3 * rng.normal(size=SEEDS)),
    )
