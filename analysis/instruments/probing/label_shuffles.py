"""The null of a probe: refitted on labels that are permuted among contexts of equal length, a thousand times.

A shuffle changes what depends on the labels and nothing else, so the features are factorised once for all of
them (docs/theory/held_out_probe.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from ..contexts import Contexts
from ..statistics import coordinates
from .probe import by_fold
from .ridge import RIDGES, Factorised, Moments, about, factorised, regressed, squares_about

LABELS = 4_000_000
"""Numbers of shuffled labels that are held at once."""
FLAT = 1e-9
"""Directions in which the labels vary less than this beside the strongest are rounding."""


class Prepared(NamedTuple):
    """One set of features, with all that does not depend on the labels worked out; of F folds, each is seen
    by what is fitted on the others.
    """

    moments: Moments  # of the scored folds
    weighted: Float64[np.ndarray, "n d"]  # w x, contexts sorted by fold
    training: Factorised  # of all folds but one, for each
    square: Float64[np.ndarray, "F d d"]  # Q^T (sum w (x - mu) (x - mu)^T) Q over that one


class Sorted(NamedTuple):
    """The scored contexts, fold after fold."""

    rows: Int[np.ndarray, "n"]  # index of each context
    folds: list[slice]  # where each fold stands among them
    weight: Float64[np.ndarray, "n"]


class Labels(NamedTuple):
    """Shuffled labels, k shuffles of m, with all that does not depend on the features worked out."""

    values: Float64[np.ndarray, "km n"]
    y: Float64[np.ndarray, "F km"]  # sum w y over each fold
    yy: Float64[np.ndarray, "F km"]
    spread: Float64[np.ndarray, "km"]  # squares about the mean


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
    sorted = _sorted(contexts)
    y = coordinates(y, np.ones(len(y)), faint=FLAT)  # beliefs sum to one: the same errors from fewer columns
    sets = [_prepared(a, b, sorted) for a, b in zip(x, base, strict=True)]
    blocks = []
    for values in _shuffles(y, contexts, sorted.rows, n, seed):
        labels = _summed(values, sorted)
        error = np.stack([_least_errors(prepared, labels, sorted, y.shape[1]) for prepared in sets])
        blocks.append(1 - error / labels.spread.reshape(-1, y.shape[1]).sum(1))
    return np.concatenate(blocks, axis=1)


def _sorted(contexts: Contexts) -> Sorted:
    folds = by_fold(contexts)[:-1]
    rows, ends = np.concatenate(folds), np.cumsum([len(fold) for fold in folds])
    runs = [slice(int(end) - len(fold), int(end)) for fold, end in zip(folds, ends, strict=True)]
    return Sorted(rows, runs, contexts.weight[rows])


def _prepared(x: Float[np.ndarray, "N d"], moments: Moments, sorted: Sorted) -> Prepared:
    one = np.eye(moments.n_folds, moments.n_folds + 1)
    training = factorised(moments.over(one.sum(0) - one), True)
    held = moments.over(one)
    square = training.basis.swapaxes(1, 2) @ squares_about(training.mean, held) @ training.basis
    weighted = x[sorted.rows] * sorted.weight[:, None]
    return Prepared(held, weighted, training, square)


def _summed(values: Float64[np.ndarray, "km n"], sorted: Sorted) -> Labels:
    w, folds = sorted.weight, sorted.folds
    y = np.stack([values[:, run] @ w[run] for run in folds])
    yy = np.stack([np.einsum("kn,kn,n->k", values[:, run], values[:, run], w[run]) for run in folds])
    return Labels(values, y, yy, yy.sum(0) - y.sum(0) ** 2 / w.sum())


def _least_errors(prepared: Prepared, labels: Labels, sorted: Sorted, m: int) -> Float64[np.ndarray, "k"]:
    """Errors of k shuffles of m labels, each the least that any penalty reaches."""
    _, features, training, square = prepared
    # The moments of all these labels side by side, as if they were k m labels of one probe.
    xy = np.stack([(labels.values[:, run] @ features[run]).T for run in sorted.folds])
    held = replace(prepared.moments, y=labels.y, xy=xy, yy=labels.yy)
    # What is fitted on all folds but one, in the eigenbasis of its features; then the one, as that sees it.
    nu, cross = regressed(training, labels.y.sum(0) - labels.y, xy.sum(0) - xy)
    xy, yy = about(training.mean, nu, held)
    twice = 2 * training.basis.swapaxes(1, 2) @ xy
    # Errors pooled over folds, each shuffle's m labels together, at the best penalty.
    error = np.empty((len(RIDGES), len(labels.spread)))
    for k in range(len(RIDGES)):
        b = training.shrink[:, k, :, None] * cross
        error[k] = yy.sum(0) + np.einsum("fdk,fdk->k", b, square @ b - twice)
    return error.reshape(len(RIDGES), -1, m).sum(2).min(0)


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
