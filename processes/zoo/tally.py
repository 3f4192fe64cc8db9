"""Tally: symbols are counted, and now and then someone asks for the sum."""

import numpy as np

from ..process import Process, ProcessError, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def tally(*, M: int, p: float) -> Process:
    """Symbols 0 .. M-1, all alike; with probability p the trigger M instead, then their sum modulo M.

    Every answer begins the count anew. State r has counted to r, state r? has to tell it. Until the trigger
    comes the sum makes no difference to the next symbol, so who keeps only what the next symbol needs has
    lost it by then. Raises `ProcessError` if M is less than 2 or p is not between 0 and 1.
    """
    if M < 2:
        raise ProcessError(f"M is {M}; sums modulo less than 2 are always 0")
    if not 0 < p < 1:
        raise ProcessError(f"p is {p:g}; a trigger that comes now and then has 0 < p < 1")
    T = np.zeros((M + 1, 2 * M, 2 * M))
    for r in range(M):
        for x in range(M):
            T[x, r, (r + x) % M] = (1 - p) / M
        T[M, r, M + r] = p
        T[r, M + r, 0] = 1
    return hmm(T, name=f"tally(M={M}, p={p:g})", states=[*map(str, range(M)), *(f"{r}?" for r in range(M))])
