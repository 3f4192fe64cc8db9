"""Statistics over seeds and over weighted pairs."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int

from processes.algebra.levels import levels as _levels
from processes.algebra.span import column_space, row_space

TIED = 1e-9
"""Numbers closer than this share of the largest among them are one number: equal ones come out of float64
algebra some 1e-14 apart, which of them is the larger is up to the processor, and no measurement here resolves
so little.
"""


RANKS_LEFT = 1e-3
"""Share of the spread of ranks below which other ranks determine them."""


class Interval(NamedTuple):
    """A mean over trained networks with its confidence interval."""

    mean: float
    low: float
    high: float


def interval(values: Float[np.ndarray, "seeds"], *, confidence: float = 0.95) -> Interval:
    """Student t interval for the mean over seeds; unbounded for a single seed, which says nothing of
    spread."""
    from scipy import stats  # slow to import, which every command would pay

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
    """
    x = np.asarray(x, np.float64)
    return _levels(x, tied * np.abs(x).max(-1, keepdims=True, initial=0.0, where=np.isfinite(x)))


def ranks(
    x: Float[np.ndarray, "*m N"], weight: Float[np.ndarray, "N"] | None = None
) -> Float[np.ndarray, "*m N"]:
    """Mid-ranks along the last axis, from 1; tied values (see `levels`) share theirs. NaN where one of them
    is.

    With weights, which sum to one, the weight of what is smaller and half of the weight of what is tied.
    """
    if weight is None:
        from scipy import stats  # as above

        found = stats.rankdata(levels(x), axis=-1)
    else:
        found = np.apply_along_axis(_below, -1, levels(x), weight)
    return np.where(np.isnan(x).any(-1, keepdims=True), np.nan, found)


def rank_correlation(
    a: Float[np.ndarray, "*m N"], b: Float[np.ndarray, "*m N"], weight: Float[np.ndarray, "N"] | None = None
) -> Float[np.ndarray, "*m"]:
    """Spearman's correlation along the last axis, with weights where there are any: Pearson's of mid-ranks.

    Zero if either side is constant.
    """
    return np.asarray((unit_ranks(a, weight=weight) * unit_ranks(b, weight=weight)).sum(-1))


def unit_ranks(
    x: Float[np.ndarray, "*m N"],
    given: Float[np.ndarray, "*m N"] | None = None,
    weight: Float[np.ndarray, "N"] | None = None,
) -> Float[np.ndarray, "*m N"]:
    """Mid-ranks along the last axis, centred, of unit length: their products are Spearman's correlations.

    What is left of them, given the ranks of something else. Zero if nothing is.
    """
    if weight is not None:
        weight = weight / weight.sum()
    rank = _unit(ranks(x, weight), weight)
    if given is None:
        return rank
    other = _unit(ranks(given, weight), weight)
    return _unit(rank - (rank * other).sum(-1, keepdims=True) * other)


def partial_rank_correlation(
    a: Float[np.ndarray, "*m N"], b: Float[np.ndarray, "*m N"], given: Float[np.ndarray, "*m N"]
) -> Float[np.ndarray, "*m"]:
    """Spearman's correlation of a and b given a third quantity: Pearson's of what its ranks leave of theirs.
    Zero if nothing is left.
    """
    return np.asarray((unit_ranks(a, given) * unit_ranks(b, given)).sum(-1))


def rank_correlation_given(
    a: Float[np.ndarray, "N"],
    b: Float[np.ndarray, "N"],
    given: Float[np.ndarray, "k N"],
    weight: Float[np.ndarray, "N"],
) -> float:
    """Spearman's correlation of a and b given k other quantities, with weights: Pearson's of what a
    regression on all their ranks leaves of either's. NaN if they leave nothing of b (less than `RANKS_LEFT`),
    zero if nothing of a.
    """
    weight = weight / weight.sum()
    others, *both = (_unit(ranks(x, weight), weight) for x in (given, a, b))
    axes = column_space(np.atleast_2d(others).T, 1e-6)  # ranks are no nearer to each other, unless the same
    left = [x - axes @ (axes.T @ x) for x in both]
    if np.linalg.norm(left[1]) ** 2 < RANKS_LEFT:
        return float("nan")
    return float(_unit_length(left[0]) @ _unit_length(left[1]))


def _unit_length(x: np.ndarray) -> np.ndarray:
    size = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.where(size > 1e-9, x, 0.0) / np.maximum(size, 1e-9)


def _unit(x: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    x = x - x.mean(-1, keepdims=True) if weight is None else (x - (x @ weight)[..., None]) * np.sqrt(weight)
    return _unit_length(x)


def slope(y: Float[np.ndarray, "*n P"], x: Float[np.ndarray, "P"]) -> Float[np.ndarray, "*n"]:
    """Least-squares slope of y on x over the last axis."""
    centred = x - x.mean()
    return np.asarray(y @ centred / (centred @ centred))


def crossing(
    x: Float[np.ndarray, "K"], y: Float[np.ndarray, "K"], level: float, there: Bool[np.ndarray, "K"]
) -> float:
    """The x at which a curve first comes to a level, straight between points: x[0] where it begins there,
    x[-1] where it never comes. `there` says of which points it counts as having come.
    """
    k = int(np.argmax(there))
    if k == 0:
        return float(x[0] if there[0] else x[-1])
    share = (level - y[k - 1]) / (y[k] - y[k - 1])
    return float(x[k - 1] + share * (x[k] - x[k - 1]))


def _below(level: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Total weight below each level plus half of the weight at it."""
    at = np.bincount(level, weights=weight)
    return (np.cumsum(at) - at / 2)[level]


class Axes(NamedTuple):
    """Principal axes of weighted points, in the order of their variance."""

    mean: Float64[np.ndarray, "d"]
    variance: Float64[np.ndarray, "d"]  # along each, the smallest first
    axes: Float64[np.ndarray, "d d"]  # a column each


def principal(x: Float64[np.ndarray, "N d"], weight: Float64[np.ndarray, "N"]) -> Axes:
    """Of points whose weights sum to one."""
    mean = weight @ x
    centred = x - mean
    return Axes(mean, *np.linalg.eigh((centred * weight[:, None]).T @ centred))


def coordinates(
    x: Float64[np.ndarray, "N d"], weight: Float64[np.ndarray, "N"], *, faint: float
) -> Float64[np.ndarray, "N k"]:
    """Weighted points, about their mean, in orthonormal coordinates of the space that they vary in; what is
    fainter than `faint` beside their largest spread is rounding.
    """
    centred = x - weight @ x / weight.sum()
    return centred @ row_space(centred * np.sqrt(weight)[:, None], faint).T


def group_means(
    x: Float64[np.ndarray, "N d"], group: Int[np.ndarray, "N"], weight: Float64[np.ndarray, "N"]
) -> Float64[np.ndarray, "G d"]:
    """Weighted mean over each group, numbered from 0; zero where a group has no weight."""
    mass = np.bincount(group, weights=weight)
    sums = np.array([np.bincount(group, weights=weight * column) for column in x.T])
    means = sums.reshape(x.shape[1], len(mass)).T / np.maximum(mass, np.finfo(float).tiny)[:, None]
    return np.ascontiguousarray(means)


def systematic(weight: Float64[np.ndarray, "N"], number: int, start: float = 0.5) -> Int[np.ndarray, "n"]:
    """So many rows by systematic sampling: one number in [0, 1), `start`, decides all, and no row comes in
    more often than its share of the weight, rounded up.
    """
    below = np.cumsum(weight)
    at = (start + np.arange(number)) / number * below[-1]
    return np.searchsorted(below, at).clip(max=len(weight) - 1)


def evenly(n: int, most: int) -> Int[np.ndarray, "k"]:
    """Up to so many of n places, evenly spread, both ends among them."""
    return np.unique(np.linspace(0, n - 1, min(most, n)).round().astype(int))


def overlap(a: Float[np.ndarray, "n j"], b: Float[np.ndarray, "n k"]) -> float:
    """Mean squared cosine of the principal angles between two subspaces, given by orthonormal bases: 0
    orthogonal, 1 where the smaller lies in the other. NaN where one is empty.
    """
    if not min(a.shape[1], b.shape[1]):
        return float("nan")
    return float((np.linalg.svd(a.T @ b, compute_uv=False) ** 2).mean())


def mean_overlap(spaces: Sequence[Float[np.ndarray, "n _"]]) -> float:
    """Mean of `overlap` over all pairs of two or more subspaces."""
    return float(np.mean([overlap(a, b) for a, b in combinations(spaces, 2)]))
