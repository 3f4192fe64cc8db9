"""How far apart a network keeps histories that mean the same, layer by layer."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from processes.structure.belief_law import alike

from ..instruments.contexts import Contexts

EQUAL = 1e-9
"""Beliefs that are closer than this in every coordinate are equal."""


@lru_cache(maxsize=8)
def belief_classes(truth: Contexts) -> Int[np.ndarray, "N"]:
    """A number for each context, shared by the contexts of its length with equal belief."""
    return alike(np.column_stack([truth.length, truth.belief]), EQUAL)


def shuffled_classes(truth: Contexts, rng: np.random.Generator) -> Int[np.ndarray, "N"]:
    """The belief classes dealt anew among the contexts of each length."""
    label = belief_classes(truth).copy()
    for length in np.unique(truth.length):
        level = np.flatnonzero(truth.length == length)
        label[level] = label[rng.permutation(level)]
    return label


def redundant(truth: Contexts) -> float:
    """P(two words have equal beliefs and differ), both drawn at one position by their probabilities; mean
    over positions.
    """
    return float(_pairs(truth, belief_classes(truth)) / truth.n_ctx)


def separation(x: Float[np.ndarray, "N d"], label: Int[np.ndarray, "N"], truth: Contexts) -> float:
    """Root mean square distance of histories of equal label over that of histories of different ones.

    Over all pairs of different contexts of one length, weighted by the product of their probabilities,
    lengths pooled:

        D_equal^2 = sum_{i != j, label_i = label_j} p_i p_j |x_i - x_j|^2 / sum_{i != j, label_i = label_j}
            p_i p_j,   D_other likewise.

    0: histories that mean the same are one point. 1: they lie as far apart as any. NaN where there are no
    pairs of a kind.
    """
    equal, every = (_pairs(truth, group) for group in (label, truth.length))
    if not equal or every - equal < 1e-12:
        return float("nan")
    within, total = (_squares(x, truth, group) for group in (label, truth.length))
    return float(np.sqrt(max(within, 0.0) / equal / ((total - within) / (every - equal))))


def _squares(x: np.ndarray, truth: Contexts, group: np.ndarray) -> float:
    """sum_{i, j in one group} p_i p_j |x_i - x_j|^2 by the moments of each group: 2 (sum p)(sum p |x|^2) - 2
    |sum p x|^2.
    """
    p, index = truth.weight * truth.n_ctx, np.unique(group, return_inverse=True)[1].reshape(-1)
    x = np.asarray(x, np.float64)
    x = x - np.average(x, axis=0, weights=p)
    first = np.stack([np.bincount(index, p * column) for column in x.T])
    return float(2 * (np.bincount(index, p) @ np.bincount(index, p * (x * x).sum(1)) - (first**2).sum()))


def _pairs(truth: Contexts, group: np.ndarray) -> float:
    """sum_{i != j in one group} p_i p_j."""
    p, index = truth.weight * truth.n_ctx, np.unique(group, return_inverse=True)[1].reshape(-1)
    several = np.bincount(index) > 1  # a group of one has no pairs, whatever the rounding
    return float((np.bincount(index, p) ** 2 - np.bincount(index, p * p))[several].sum())
