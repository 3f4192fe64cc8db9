"""Checksum: symbols, then their sum. Random-random-XOR is its smallest case."""

from collections.abc import Sequence

import numpy as np

from ..process import Process, ProcessError, hmm
from ..values.arrays import not_a_distribution, real
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def checksum(*, P: Sequence[Sequence[float]]) -> Process:
    """Emit n independent symbols, the i-th from row i of P (n, m), then their sum modulo m; repeat.

    State 0 (S) is the seed; state 1 + (i-1) m + r, called r@i, has seen i symbols that sum to r. The
    stationary distribution is 1/(n+1) on the seed and P(sum of i symbols = r)/(n+1) elsewhere, and h = sum_i
    H(P[i]) / (n+1): the last symbol costs nothing, if one knows the phase. P = 1/2 (2, 2) is `rrxor` with its
    last two states exchanged. Raises `ProcessError` unless P is a matrix with rows that sum to 1.
    """
    distribution = real(P, "P")
    if distribution.ndim != 2 or 0 in distribution.shape:
        raise ProcessError(
            f"checksum has P of shape {distribution.shape}; it must be (symbols before the sum, alphabet)"
        )
    n, m = distribution.shape
    if abs(distribution.sum(1) - 1).max() > 1e-9:
        i = int(abs(distribution.sum(1) - 1).argmax())
        raise not_a_distribution(P, f"row {i} of P", distribution[i].sum(), "it")
    T = np.zeros((m, n * m + 1, n * m + 1))
    for x in range(m):
        T[x, 0, 1 + x] = distribution[0, x]
        T[x, 1 + (n - 1) * m + x, 0] = 1
        for i in range(1, n):
            for r in range(m):
                T[x, 1 + (i - 1) * m + r, 1 + i * m + (r + x) % m] = distribution[i, x]
    states = ["S", *(f"{r}@{i}" for i in range(1, n + 1) for r in range(m))]
    written = ", ".join("[" + ", ".join(f"{p:g}" for p in row) + "]" for row in distribution)
    return hmm(T, name=f"checksum(P=[{written}])", states=states)
