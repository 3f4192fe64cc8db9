"""What narrow spaces alone predict, without any network: the nulls that a claim about constraint load has to
beat.

Linear bottleneck: k independent signs pass d dimensions and are read back by the best linear map, as the more
probable of the two where one of them is rare. Capacity of a separating plane (Cover 1965). Random linear
equations over GF(2) (`processes.constraints.dense_consistency`). The last two sharpen with d, the first does
not.
"""

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtr

from processes.algebra.span import random_frame

Numbers = Float[np.ndarray, "..."] | Int[np.ndarray, "..."] | float | int


def lost(k: float | int, d: float | int) -> float:
    """Least mean squared error, per sign, of k independent +-1 signs that passed d dimensions linearly:
    max(0, 1 - d/k).
    """
    return max(0.0, 1 - d / k)


def accuracy(k: Numbers, d: Numbers, p: float = 0.5) -> Float[np.ndarray, "*n"]:
    """Share of k signs read back right from d dimensions: Phi(sqrt(d / (k - d))), and 1 for k <= d.

    A projection P on d random dimensions returns P_ii = d/k of a sign, and from the others noise of variance
    (d/k)(1 - d/k). Flags that are on with probability p, of variance v = p (1 - p), are told by the more
    probable of the two, Gaussian noise assumed: with s = sqrt(d / (k - d)) / (2 sqrt(v)) and a threshold
    moved by m = log((1 - p) / p) / (2 s), the mean of the shares of those on and of those off that are told
    right is (Phi(s - m) + Phi(s + m)) / 2.
    """
    k, d = np.broadcast_arrays(np.asarray(k, np.float64), np.asarray(d, np.float64))
    over = k > d
    s = np.sqrt(d / np.where(over, k - d, 1.0)) / (2 * math.sqrt(p * (1 - p)))
    m = math.log((1 - p) / p) / (2 * s)
    return np.where(over, (ndtr(s - m) + ndtr(s + m)) / 2, 1.0)


def load_at(level: float, p: float = 0.5) -> float:
    """Signs per dimension, k / d, at which `accuracy` is at a level between 1/2 and 1."""
    from scipy.optimize import brentq  # slow to import, which every command would pay

    return float(brentq(lambda load: accuracy(load, 1.0, p) - level, 1 + 1e-9, 1e6))


def simulated(k: int, d: int, *, words: int, rng: np.random.Generator, p: float = 0.5) -> tuple[float, float]:
    """Mean squared error per sign, of variance one, and share of signs told right (half of those on, half of
    those off) of one random projection of `words` draws of k signs, on with probability p, on d dimensions.

    Raises `ValueError` unless 0 < d.
    """
    if d < 1:
        raise ValueError(f"d is {d}; a bottleneck has at least one dimension")
    on, v, c = rng.random((words, k)) < p, p * (1 - p), min(1.0, d / k)
    signs = (on - p) / math.sqrt(v)
    axes = random_frame(k, min(k, d), rng)
    back = signs @ axes @ axes.T
    told = back > (c * (0.5 - p) / math.sqrt(v) + (1 - c) * math.sqrt(v) * math.log((1 - p) / p))
    return float(((back - signs) ** 2).mean()), float((told[on].mean() + 1 - told[~on].mean()) / 2)


def separable(points: int, d: int) -> float:
    """P(a random half of so many points in general position in d dimensions is cut off by a plane through the
    origin).

    2^(1-N) sum_{i<d} binom(N - 1, i): 1/2 at N = 2d (Cover 1965).
    """
    return sum(math.comb(points - 1, i) for i in range(d)) / 2 ** (points - 1)
