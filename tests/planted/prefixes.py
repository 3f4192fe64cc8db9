"""Networks with a largest probability after any prefix, and chains of their own text: SM4, SM5."""

import numpy as np

from analysis.simulators.sm04_all_prefixes import Extremes
from analysis.simulators.sm05_finite_chain import OwnText

from .rates import SEEDS


def extremes(rng, *, proved=0.97, slack=0.002, gap=0.2, spread=0.1, untrained=0.02, learned=1e-5, beyond=0.0):
    """Networks of which so many are proved, with so much slack and so large a gap off the support, more or
    less; `beyond` is by how much drawn words exceed the bound.
    """
    is_proved = rng.random(SEEDS) < proved
    enumerated = 0.52 + 0.03 * rng.random(SEEDS)
    high = np.where(is_proved, enumerated + slack * np.exp(0.3 * rng.normal(size=SEEDS)), 1.0)
    on = 0.5 + 0.01 * rng.random(SEEDS)
    fresh = 0.6 + 0.05 * rng.normal(size=SEEDS)
    return Extremes(
        exact=0.5,
        impossible=True,
        high=high,
        enumerated=enumerated,
        proved=is_proved.astype(float),
        drawn=np.where(is_proved, enumerated, enumerated + 0.01) + beyond,
        on=on,
        off=on + gap + spread * rng.normal(size=SEEDS),
        untrained_on=fresh,
        untrained_off=fresh + untrained * rng.random(SEEDS),
        unlearned=learned * np.exp(0.3 * rng.normal(size=SEEDS)),
    )


def texts(
    rng,
    *,
    amplified=1.0,
    rate=0.0,
    stay=0.6,
    untrained=0.5,
    markov=0.15,
    learned=1e-5,
    spread=0.3,
    error=1e-15,
):
    """Chains whose errors are amplified so many times more than the exact chain's, whose rate is off by so
    much, and who stay among impossible words for so many windows.
    """

    def about(value, by=spread):
        return value * np.exp(by * rng.normal(size=SEEDS))

    step, leak = about(2e-3), about(1e-4)
    return OwnText(
        n=8,
        h=0.4,
        second=0.88,
        amplification=2.2,
        markov=markov,
        exact_error=error,
        impossible=True,
        step=step,
        stationary=step * about(2.2 * amplified),
        rate=0.4 + rate + 0.001 * rng.normal(size=SEEDS),
        eigenvalue=0.88 + 0.01 * rng.normal(size=SEEDS),
        mass=8 * leak * about(stay),
        leak=leak,
        untrained_stationary=about(untrained, 0.1),
        untrained_rate=0.68 + 0.01 * rng.normal(size=SEEDS),
        unlearned=about(learned),
    )
