"""What quantities of processes must come to, by enumeration: every word, every hidden path, no recursion."""

import itertools
from functools import lru_cache

import numpy as np

from processes import Process


@lru_cache
def all_words(vocab: int, n: int) -> np.ndarray:
    """Every word of length n in lexicographic order, (vocab^n, n)."""
    words = np.indices((vocab,) * n).reshape(n, -1).T.astype(np.int64) if n else np.zeros((1, 0), np.int64)
    words.setflags(write=False)
    return words


def distribution_of_words(process: Process, n: int) -> np.ndarray:
    """P(word) of every word of length n, in the order of `all_words`, by multiplying matrices."""
    rows = process.start[None]
    for _ in range(n):
        rows = np.einsum("ni,xij->nxj", rows, process.T).reshape(-1, process.n_states)
    return rows @ process.w


def by_paths(process: Process, word) -> np.ndarray:
    """P(word, last hidden state) = sum over hidden paths of start[i0] T[x1, i0, i1] ...: Bayes' rule without
    any algebra.
    """
    T, out = process.T.tolist(), [0.0] * process.n_states
    for path in itertools.product(range(process.n_states), repeat=len(word) + 1):
        weight = float(process.start[path[0]])
        for x, i, j in zip(word, path[:-1], path[1:], strict=True):
            weight *= T[x][i][j]
            if weight == 0:
                break
        out[path[-1]] += weight
    return np.array(out)
