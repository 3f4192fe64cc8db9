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

Numbers = Float[np.ndarray, "..."] | Int[np.ndarray, "..."] | float | int


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
