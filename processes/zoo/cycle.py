"""A walk around a cycle that announces where it stands."""

import numpy as np

from ..process import Process, ProcessError, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def cycle(*, n: int, p: float) -> Process:
    """In state i emit symbol i, then go to i+1 with probability p, to i-1 with 1-p (mod n). So h = H(p),
    Markov of order 1 (n > 2).

    The hidden state is the next symbol: one symbol leaves two beliefs possible, at most. Raises
    `ProcessError` if n < 1.
    """
    if n < 1:
        raise ProcessError(f"a cycle has n = {n} states; it needs at least 1")
    T = np.zeros((n, n, n))
    for i in range(n):
        T[i, i, (i + 1) % n] += p
        T[i, i, (i - 1) % n] += 1 - p
    return hmm(T, name=f"cycle(n={n}, p={p:g})")
