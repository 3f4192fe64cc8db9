"""The null of a probe: refitted on labels that are permuted among contexts of equal length, a thousand times.

A shuffle changes what depends on the labels and nothing else, so the features are factorised once for all of
them (docs/theory/held_out_probe.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from .contexts import Contexts
from .probe import (
    RIDGES,
    Factorised,
    HeldOut,
    Moments,
    by_fold,
    errors,
    factorised,
    fit,
    held_out,
    spread_of_labels,
)

LABELS = 4_000_000
"""Numbers of shuffled labels that are held at once."""
FLAT = 1e-9
"""Directions in which the labels vary less than this beside the strongest are rounding."""


class Prepared(NamedTuple):
    """One set of features, with all that does not depend on the labels worked out."""

    moments: Moments
    weighted: Float64[np.ndarray, "n d"]  # w x, contexts sorted by fold
    training: list[Factorised]  # for each fold, of all others
    scored: list[HeldOut]  # for each fold, as those others see it


class Sorted(NamedTuple):
    """The scored contexts, fold after fold."""

    rows: Int[np.ndarray, "n"]  # index of each context
    folds: list[slice]  # where each fold stands among them
    weight: Float64[np.ndarray, "n"]


def shuffled_r2(
    x: Sequence[Float[np.ndarray, "N d"]],
    base: Sequence[Moments],
    y: Float[np.ndarray, "N m"],
    contexts: Contexts,
    *,
    n: int,
    seed: int = 0,
) -> Float64[np.ndarray, "R n"]:
    """Held-out R2 of probes refitted on `n` shuffles of the labels, for each of R feature sets; returns (R,
    n).

    `base` are the moments of the features with the labels in their place: only what depends on the labels is
    computed anew. Labels are permuted among the contexts of equal length, so the set of labels at each
    position is kept. Each shuffle is given the ridge that turns out best for it on the held-out folds, an
    advantage the real labels do not get: the null is an upper bound on what a cross-validated shuffle would
    reach.
    """
    y, sorted = _coordinates(y), _sorted(contexts)
    sets = [_prepared(a, b, sorted) for a, b in zip(x, base, strict=True)]
    blocks = [
        np.stack([_scores(prepared, labels, sorted, y.shape[1]) for prepared in sets])
        for labels in _shuffles(y, contexts, sorted.rows, n, seed)
    ]
    return np.concatenate(blocks, axis=1)


def _coordinates(y: Float[np.ndarray, "N m"]) -> Float64[np.ndarray, "N k"]:
    """Labels in orthonormal coordinates of the plane they span (beliefs sum to one): the same errors from
    fewer columns.
    """
    centred = y - y.mean(0)
    _, size, axes = np.linalg.svd(centred, full_matrices=False)
    return centred @ axes[size > FLAT * size[0]].T


def _sorted(contexts: Contexts) -> Sorted:
    folds = by_fold(contexts)[:-1]
    rows, ends = np.concatenate(folds), np.cumsum([len(fold) for fold in folds])
    runs = [slice(int(end) - len(fold), int(end)) for fold, end in zip(folds, ends, strict=True)]
    return Sorted(rows, runs, contexts.weight[rows])


def _prepared(x: Float[np.ndarray, "N d"], moments: Moments, sorted: Sorted) -> Prepared:
    folds = range(moments.n_folds)
    training = [factorised(moments, [k for k in folds if k != f], True) for f in folds]
    scored = [held_out(training[f], moments, f) for f in folds]
    weighted = np.asarray(x, np.float64)[sorted.rows] * sorted.weight[:, None]
    return Prepared(moments, weighted, training, scored)


def _scores(
    prepared: Prepared, labels: Float64[np.ndarray, "km n"], sorted: Sorted, m: int
) -> Float64[np.ndarray, "k"]:
    """R2 of k shuffles of m labels, each the best that any penalty reaches."""
    # The moments of all these labels side by side, as if they were k m labels of one probe.
    w, folds, features = sorted.weight, sorted.folds, prepared.weighted
    unscored = np.zeros((1, len(labels)))
    y = np.concatenate([np.stack([labels[:, run] @ w[run] for run in folds]), unscored])
    yy = np.concatenate([np.stack([labels[:, run] ** 2 @ w[run] for run in folds]), unscored])
    xy = [(labels[:, run] @ features[run]).T for run in folds]
    moments = replace(prepared.moments, y=y, xy=np.stack([*xy, np.zeros_like(xy[0])]), yy=yy)
    # Errors on each fold of what is fitted on the others, pooled over folds.
    held = zip(prepared.training, prepared.scored, strict=True)
    error = np.sum([errors(fit(training, moments), fold, moments) for training, fold in held], axis=0)
    # Each shuffle's m labels together: the least error over penalties, over the spread.
    spread = spread_of_labels(moments, moments.n_folds).reshape(-1, m).sum(1)
    return 1 - error.reshape(len(RIDGES), -1, m).sum(2).min(0) / spread


def _shuffles(y: np.ndarray, contexts: Contexts, rows: np.ndarray, n: int, seed: int) -> Iterator[np.ndarray]:
    """Labels of the given rows under n shuffles, one label of one shuffle a line: (k m, rows), k few enough
    for memory.
    """
    rng = np.random.default_rng(seed)
    levels = [np.flatnonzero(contexts.length == L) for L in np.unique(contexts.length[rows])]
    source, columns = np.arange(len(y)), np.ascontiguousarray(y.T)
    block = int(np.clip(LABELS // y.size, 1, n))
    for first in range(0, n, block):
        labels = np.empty((min(block, n - first), *columns.shape[:1], len(rows)))
        for shuffle in labels:
            for level in levels:
                source[level] = rng.permutation(level)
            np.take(columns, source[rows], axis=1, out=shuffle, mode="clip")
        yield labels.reshape(-1, len(rows))
