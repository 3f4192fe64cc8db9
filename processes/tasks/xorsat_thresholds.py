"""Where random k-XORSAT loses its solutions: thresholds of large sparse instances, and dense ones of any
size exactly."""

import math
from dataclasses import dataclass

import numpy as np

from ..process import ProcessError
from ..values.checks import checked
from ..values.record import Record


@dataclass(frozen=True)
class Thresholds(Record):
    """Equations per variable at which large random instances change their nature."""

    clustering: float  # a 2-core appears, and solutions fall into clusters far apart
    satisfiability: float  # the core has as many equations as variables: beyond, there is no solution


@checked
def xorsat_thresholds(k: int) -> Thresholds:
    """The thresholds of random k-XORSAT (Mezard, Ricci-Tersenghi, Zecchina 2003; Dubois & Mandler 2002).

    With Q = P(an equation's variable stays when that equation is left out) in the limit of many variables, Q
    = 1 - exp(-l), l = k c Q^(k-1) at c equations per variable, so that c(Q) = -log(1 - Q) / (k Q^(k-1)). The
    core appears at the least c; its equations, c Q^k, become as many as its variables, Q - l (1 - Q), at the
    other. Raises `ProcessError` for k < 3, where the core grows from nothing.
    """
    from scipy.optimize import brentq, minimize_scalar  # slow to import, and needed here only

    if k < 3:
        raise ProcessError(
            f"k is {k}; with fewer than 3 variables in an equation there is no gap between these thresholds"
        )
    least = float(
        minimize_scalar(
            lambda Q: density(Q, k), bounds=(1e-6, 1 - 1e-9), method="bounded", options={"xatol": 1e-12}
        ).x
    )

    def surplus(Q: float) -> float:
        variables, equations = core_size(Q, k)
        return variables - equations

    return Thresholds(density(least, k), density(brentq(surplus, least, 1 - 1e-12, xtol=1e-14), k))


def density(Q: float, k: int) -> float:
    """Equations per variable at which the fixed point is Q."""
    return -math.log1p(-Q) / (k * Q ** (k - 1))


def core_size(Q: float, k: int) -> tuple[float, float]:
    """Variables and equations of the core at the fixed point Q, per variable of the instance."""
    rate = -math.log1p(-Q)
    return Q - rate * (1 - Q), rate * Q / k


def fixed_point(c: float, k: int) -> float:
    """The largest Q with Q = 1 - exp(-k c Q^(k-1)), by iteration from 1; 0 below the clustering threshold."""
    Q = 1.0
    for _ in range(100_000):
        last, Q = Q, -math.expm1(-k * c * Q ** (k - 1))
        if abs(last - Q) < 1e-14:
            break
    return Q if Q > 1e-6 else 0.0


@checked
def dense_consistency(n: int, m: int) -> float:
    """P(m equations in n variables, every coefficient and right side a fair coin, have a solution).

    The next equation is new to r independent ones with probability 1 - 2^(r-n); if it is not, it agrees with
    them in half of all cases.
    """
    if n < 0 or m < 0:
        raise ProcessError(f"{m} equations in {n} variables; both are 0 or more")
    distribution = np.zeros(n + 1)
    distribution[0] = 1.0
    for _ in range(m):
        known = distribution * 2.0 ** (np.arange(n + 1) - n)
        distribution = known / 2 + np.concatenate([[0], (distribution - known)[:-1]])
    return float(distribution.sum())
