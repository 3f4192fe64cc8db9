"""How far networks are from each other: Jensen-Shannon divergence between pairs, and what each network
contributes to a statistic of all pairs.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

import toy

LEAST = 1e-15
"""In place of divergences that are rounding, where logarithms are taken."""
Statistic = Callable[..., float]


def jensen_shannon(
    log_p: Float[np.ndarray, "*n V"], log_q: Float[np.ndarray, "*n V"]
) -> Float[np.ndarray, "*n"]:
    """JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2, nats: 0 to log 2 (Lin 1991)."""
    log_m = np.logaddexp(log_p, log_q) - np.log(2)
    each = np.exp(log_p) * (log_p - log_m) + np.exp(log_q) * (log_q - log_m)
    return np.asarray(each.sum(-1).clip(0) / 2)


def between_pairs(
    log_prediction: Float[np.ndarray, "nets N V"], weight: Float[np.ndarray, "N"]
) -> Float[np.ndarray, "nets nets"]:
    """Mean divergence of every two networks over words of these weights, which sum to one; 0 with itself."""
    here = np.flatnonzero(weight > 0)
    log_p, weight = log_prediction[:, here], weight[here]
    found = np.zeros((len(log_p), len(log_p)))
    for i in range(len(log_p)):
        for j in range(i):
            found[i, j] = found[j, i] = weight @ jensen_shannon(log_p[i], log_p[j])
    return found


def mean_of_pairs(pairs: Float[np.ndarray, "nets nets"]) -> float:
    """Mean over every two different networks. Raises `toy.ModelError` for a single one."""
    n = len(pairs)
    if n < 2:
        raise toy.ModelError("one network disagrees with nobody; train at least 2")
    return float((pairs.sum() - np.trace(pairs)) / (n * (n - 1)))


def contributions(statistic: Statistic, *pairs: Float[np.ndarray, "nets nets"]) -> Float[np.ndarray, "nets"]:
    """A statistic of means over pairs, as one number for each network: the jackknife's pseudo-values
    n theta - (n - 1) theta_-i, where theta_-i leaves network i out of every table.

    Pairs share networks, so that means over the partners of each network would be told as more certain than
    they are, by a factor of two; the spread of pseudo-values is that of independent networks (Arvesen 1969).
    With fewer than three networks, which leave no pair, the statistic itself for each.
    """
    n = len(pairs[0])
    whole = statistic(*(mean_of_pairs(p) for p in pairs))
    if n < 3:
        return np.full(n, whole)

    def without(i: int) -> float:
        return statistic(*(mean_of_pairs(np.delete(np.delete(p, i, 0), i, 1)) for p in pairs))

    return np.array([n * whole - (n - 1) * without(i) for i in range(n)])


def log_ratio(above: float, below: float) -> float:
    """log of one divergence over another, those of rounding taken for `LEAST`."""
    return float(np.log(max(above, LEAST) / max(below, LEAST)))
