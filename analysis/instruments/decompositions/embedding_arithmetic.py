"""Whether what a network makes of tokens that are pairs of symbols is a sum of their parts.

For tokens (a, b) of a product of processes, with an embedding or the mean of a stream e(a, b), features that
add up give

    e(a, b) - e(a, b') - e(a', b) + e(a', b') = 0

for all symbols. Independent vectors of one variance have a contrast twice as long as their spread. Beliefs
about independent factors add up exactly, the joint belief does not.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

import toy

from ..contexts import Contexts
from ..statistics import group_means


class Arithmetic(NamedTuple):
    """What embeddings of composite tokens are made of."""

    contrast: float
    """Root mean square of all contrasts over the spread: 0 where embeddings are sums of parts, 2 where they
    are independent."""
    parts: tuple[float, ...]
    """Share of the variance that the symbol of each factor tells by itself, adding up."""


def arithmetic(e: Float[np.ndarray, "V d"], radices: Sequence[int]) -> Arithmetic:
    """Of embeddings (V, d) of composite tokens, which are mixed-radix numbers, factor 0 most significant.

    The spread is the square root of sum |e - mean|^2 / (V - 1). Raises `toy.ModelError` if there are not as
    many embeddings as tokens, if fewer than two factors have two symbols, or if the embeddings do not differ.
    """
    e, sizes = np.asarray(e, np.float64), tuple(radices)
    if e.ndim != 2 or len(e) != np.prod(sizes):
        raise toy.ModelError(
            f"embeddings have shape {e.shape}; with symbols {sizes} there must be one for each of "
            f"{np.prod(sizes)} tokens"
        )
    if sum(n > 1 for n in sizes) < 2:
        raise toy.ModelError(
            f"the factors have {sizes} symbols; two with at least two symbols each are needed to add up"
        )
    centred = e - e.mean(0)
    total = float((centred**2).sum())
    if not total > 0:
        raise toy.ModelError("the embeddings are all the same, so there is nothing that could add up")
    table = centred.reshape(*sizes, -1)
    contrasts = np.concatenate([_contrasts(table, i, j) for i, j in combinations(range(len(sizes)), 2)])
    spread = total / (len(e) - 1)
    means = [table.mean(tuple(j for j in range(len(sizes)) if j != k)) for k in range(len(sizes))]
    parts = tuple(float(len(e) / n * (x**2).sum() / total) for n, x in zip(sizes, means, strict=True))
    return Arithmetic(float(np.sqrt(contrasts.mean() / spread)), parts)


def _contrasts(table: Float[np.ndarray, "*sizes d"], i: int, j: int) -> Float[np.ndarray, "C"]:
    """Squared lengths of all contrasts of two factors, the others' symbols held fixed."""
    two = np.moveaxis(table, (i, j), (0, 1)).reshape(table.shape[i], table.shape[j], -1, table.shape[-1])
    first, second = (list(zip(*combinations(range(n), 2), strict=True)) or [(), ()] for n in two.shape[:2])
    rows = two[list(first[0])] - two[list(first[1])]
    both = rows[:, list(second[0])] - rows[:, list(second[1])]
    return np.asarray((both**2).sum(-1).ravel())


def by_last_token(values: Float[np.ndarray, "N d"], truth: Contexts) -> Float[np.ndarray, "V d"]:
    """Mean of values over all contexts that end in each token, weighted as contexts are."""
    last = truth.words[np.arange(len(truth.length)), truth.length - 1]
    return group_means(np.asarray(values, np.float64), last, truth.weight)
