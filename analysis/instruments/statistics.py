"""Statistics over seeds and over weighted pairs."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

TIED = 1e-9
"""Numbers closer than this share of the largest among them are one number: equal ones come out of float64
algebra some 1e-14 apart, which of them is the larger is up to the processor, and no measurement here resolves
so little.
"""


class Interval(NamedTuple):
    """A mean over trained networks with its confidence interval."""

    mean: float
    low: float
    high: float


def interval(values: Float[np.ndarray, "seeds"], *, confidence: float = 0.95) -> Interval:
    """Student t interval for the mean over seeds; unbounded for a single seed, which says nothing of
    spread."""
    values = np.asarray(values, np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, -np.inf, np.inf)
    half = float(
        stats.t.ppf((1 + confidence) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    )
    return Interval(mean, mean - half, mean + half)


def levels(x: Float[np.ndarray, "*m N"], *, tied: float = TIED) -> Int[np.ndarray, "*m N"]:
    """Which of the different values along the last axis each one is, from 0, smallest first; what is `tied`
    is one value.

    Values are sorted and cut at their gaps, as by `processes.structure.belief_law.alike`, so that none sits
    on the border of a rounding grid.
    """
    x = np.asarray(x, np.float64)
    order = np.argsort(x, axis=-1, kind="stable")
    with np.errstate(invalid="ignore"):  # infinite values are equal, too
        gap = np.diff(np.take_along_axis(x, order, -1), axis=-1)
    number = np.zeros(x.shape, np.int64)
    number[..., 1:] = np.cumsum(
        gap > tied * np.abs(x).max(-1, keepdims=True, initial=0.0, where=np.isfinite(x)), -1
    )
    out = np.empty_like(number)
    np.put_along_axis(out, order, number, -1)
    return out


def ranks(x: Float[np.ndarray, "*m N"]) -> Float[np.ndarray, "*m N"]:
    """Mid-ranks along the last axis, from 1; tied values (see `levels`) share theirs. NaN where one of them
    is.
    """
    return np.where(np.isnan(x).any(-1, keepdims=True), np.nan, stats.rankdata(levels(x), axis=-1))


def rank_correlation(
    a: Float[np.ndarray, "N"], b: Float[np.ndarray, "N"], weight: Float[np.ndarray, "N"]
) -> float:
    """Spearman's correlation with weights: Pearson's over weighted mid-ranks. Zero if either side is
    constant.
    """
    a, b = levels(a), levels(b)
    if (
        a.max(initial=0) == 0 or b.max(initial=0) == 0
    ):  # asked of the values: a variance of ranks would only be zero up to rounding
        return 0.0
    ra, rb = _mid_ranks(a, weight), _mid_ranks(b, weight)
    w = weight / weight.sum()
    ra, rb = ra - w @ ra, rb - w @ rb
    return float(w @ (ra * rb) / np.sqrt((w @ ra**2) * (w @ rb**2)))


def unit_ranks(
    x: Float[np.ndarray, "*m N"], given: Float[np.ndarray, "*m N"] | None = None
) -> Float[np.ndarray, "*m N"]:
    """Mid-ranks along the last axis, centred, of unit length; what is left of them, given the ranks of
    something else. Zero if nothing is.
    """
    rank = _unit(ranks(x))
    if given is None:
        return rank
    other = _unit(ranks(given))
    return _unit(rank - (rank * other).sum(-1, keepdims=True) * other)


def partial_rank_correlation(
    a: Float[np.ndarray, "*m N"], b: Float[np.ndarray, "*m N"], given: Float[np.ndarray, "*m N"]
) -> Float[np.ndarray, "*m"]:
    """Spearman's correlation of a and b given a third quantity: Pearson's of what its ranks leave of theirs.
    Zero if nothing is left.
    """
    return np.asarray((unit_ranks(a, given) * unit_ranks(b, given)).sum(-1))


def _unit(x: np.ndarray) -> np.ndarray:
    x = x - x.mean(-1, keepdims=True)
    size = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.where(size > 1e-9, x, 0.0) / np.maximum(size, 1e-9)


def separation(
    a: Float[np.ndarray, "N"], upper: Bool[np.ndarray, "N"], weight: Float[np.ndarray, "N"]
) -> float:
    """Rank-biserial correlation with weights: P(a of an upper pair is larger) - P(it is smaller); 1 where
    they are told apart.
    """
    index = levels(a)
    high, low = (
        np.bincount(index, weights=weight * side, minlength=index.max() + 1) for side in (upper, ~upper)
    )
    return float(2 * (high @ (np.cumsum(low) - low / 2)) / (high.sum() * low.sum()) - 1)


def slope(y: Float[np.ndarray, "*n P"], x: Float[np.ndarray, "P"]) -> Float[np.ndarray, "*n"]:
    """Least-squares slope of y on x over the last axis."""
    centred = x - x.mean()
    return np.asarray(y @ centred / (centred @ centred))


def _mid_ranks(level: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Total weight below each level plus half of the weight at it."""
    at = np.bincount(level, weights=weight)
    return (np.cumsum(at) - at / 2)[level]
