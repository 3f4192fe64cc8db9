"""What narrow spaces alone predict, without any network: the nulls that a claim about constraint load has to
beat.

Linear bottleneck: k independent signs pass d dimensions and are read back by the best linear map. Capacity of
a separating plane (Cover 1965). Random linear equations over GF(2)
(`processes.constraints.dense_consistency`). The last two sharpen with d, the first does not.
"""

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from ..instruments.statistics import TIED

Numbers = Float[np.ndarray, "..."] | Int[np.ndarray, "..."] | float | int
EXPLAINED = 0.95
"""Share of the variance of activations that counts as all of it (Shai et al. 2026)."""


def lost(k: float | int, d: float | int) -> float:
    """Least mean squared error, per sign, of k independent +-1 signs that passed d dimensions linearly:
    max(0, 1 - d/k).
    """
    return max(0.0, 1 - d / k)


def accuracy(k: Numbers, d: Numbers) -> Float[np.ndarray, "*n"]:
    """Share of k signs read back right from d dimensions: Phi(sqrt(d / (k - d))), and 1 for k <= d.

    A projection P on d random dimensions returns P_ii = d/k of a sign, and from the others noise of variance
    (d/k)(1 - d/k).
    """
    k, d = np.broadcast_arrays(np.asarray(k, np.float64), np.asarray(d, np.float64))
    over = k > d
    return np.where(over, ndtr(np.sqrt(d / np.where(over, k - d, 1.0))), 1.0)


def simulated(k: int, d: int, *, words: int, rng: np.random.Generator) -> tuple[float, float]:
    """Mean squared error per sign and share of right signs of one random projection of `words` draws of k
    signs on d dimensions.

    Raises `ValueError` unless 0 < d.
    """
    if d < 1:
        raise ValueError(f"d is {d}; a bottleneck has at least one dimension")
    signs = rng.choice([-1.0, 1.0], size=(words, k))
    axes = np.linalg.qr(rng.normal(size=(k, min(k, d))))[0]
    back = signs @ axes @ axes.T
    return float(((back - signs) ** 2).mean()), float((np.sign(back) == signs).mean())


def separable(points: int, d: int) -> float:
    """P(a random half of so many points in general position in d dimensions is cut off by a plane through the
    origin).

    2^(1-N) sum_{i<d} binom(N - 1, i): 1/2 at N = 2d (Cover 1965).
    """
    return sum(math.comb(points - 1, i) for i in range(d)) / 2 ** (points - 1)


def dimensions(
    activations: Float[np.ndarray, "N d"], weight: Float[np.ndarray, "N"], *, centred: bool
) -> int:
    """Principal axes that hold `EXPLAINED` of the weighted variance, about the mean or (not `centred`) about
    zero; 0 where nothing varies.
    """
    w = weight / weight.sum()
    x = np.asarray(activations, np.float64)
    x = x - w @ x if centred else x
    variance = np.linalg.svd(x * np.sqrt(w)[:, None], compute_uv=False) ** 2
    if variance.sum() <= 1e-12 * max(1.0, float(w @ (np.asarray(activations, np.float64) ** 2).sum(1))):
        return 0
    return int(axes_needed(variance))


def axes_needed(variance: Float[np.ndarray, "*n d"]) -> Int[np.ndarray, "*n"]:
    """Principal axes that hold `EXPLAINED` of the variance, from the variance along each, largest first."""
    short = np.cumsum(variance, axis=-1) < (EXPLAINED - TIED) * variance.sum(
        -1, keepdims=True
    )  # just as much, rounded either way, is enough
    return np.asarray(short.sum(-1) + 1)


def bandwidth(activations: Float[np.ndarray, "N d"], weight: Float[np.ndarray, "N"]) -> int:
    """Available bandwidth B = d_model - dimensions that the base task uses, from activations (N, d_model) on
    the base task alone.

    The theory named the quantity and gave no formula; this is the lab's operationalisation. Variance is about
    zero, because a direction that is always on (as the one that holds the base's logits where no constraint
    is on) is taken as well.
    """
    return activations.shape[1] - dimensions(activations, weight, centred=False)
