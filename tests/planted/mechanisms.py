"""Networks whose parts cost so much when they are ablated, and that bear so much rounding: MI4, MI7."""

import numpy as np

from analysis.instruments.interventions.quantisation import WAYS
from analysis.mechanisms.mi04_ablations import Ablations
from analysis.mechanisms.mi07_quantisation import BITS, Rounded

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


def rounded(
    rng,
    *,
    predictions=9.0,
    beliefs=7.0,
    of_worth=5.0,
    of_r2=4.5,
    compensated=1.0,
    kept=0.0,
    spread=0.5,
    learned=3e-5,
    r2=0.995,
    untrained=0.5,
    most=0.0,
):
    """Networks in which what is left to learn doubles at so many bits and what is left unexplained at so
    many, and a tenth of what contexts are worth is lost at `of_worth` and a tenth of R2 at `of_r2`; at so
    many bits fewer if error-compensated, and a tenth of either at `kept` fewer still. `most` is the log2 of
    what the most bits already come to.
    """
    worth = 0.09
    excess = learned * worth * np.exp(0.3 * rng.normal(size=SEEDS))
    fidelity = r2 + 0.0005 * rng.normal(size=SEEDS)
    found = {way: ([], []) for way in WAYS}
    for way in WAYS:
        for of_excess, of_beliefs in zip(excess, 1 - fidelity, strict=True):
            shift = spread * rng.normal() - (compensated if way == "compensated" else 0)
            apart = shift + 0.2 * spread * rng.normal()
            later = kept if way == "compensated" else 0.0
            kl = _grows(of_excess, predictions + apart, of_worth + apart - later, 0.1 * worth)
            unexplained = _grows(of_beliefs, beliefs + shift, of_r2 + shift - later, 0.1 * (1 - of_beliefs))
            found[way][0].append(kl * 2**most)
            found[way][1].append(1 - unexplained)
    return Rounded(
        worth=worth,
        excess=excess,
        r2=fidelity,
        untrained=untrained + 0.01 * rng.normal(size=SEEDS),
        excess_at={way: np.array(found[way][0]) for way in WAYS},
        r2_at={way: np.array(found[way][1]) for way in WAYS},
    )


def _grows(start, doubles, tenth, lost):
    """A remainder by bits: doubled at so many bits, fourfold with each bit from half a bit before to a bit
    after, and then more by `lost` at `tenth` bits.
    """
    bits = np.array(BITS, float)
    at = [tenth - 4, tenth, doubles - 1, doubles, doubles + 0.5, BITS[0] + 9]
    end = np.log2(lost / start + 1)
    return start * 2 ** np.interp(bits, at, [end + 4, end, 3, 1, 0, 0])
