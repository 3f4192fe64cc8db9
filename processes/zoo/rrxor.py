"""Random-random-XOR: two coins, then their exclusive or."""

import numpy as np

from ..process import Process, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def rrxor(*, p1: float, p2: float) -> Process:
    """Emit a coin (0 with probability p1), another (0 after 0, 1 after 1 with probability p2), then their
    XOR; repeat.

    States S (start), 0, 1 (first coin seen), T, F (XOR to come). (Elsewhere the order is S, 0, 1, F, T.)
    At p1 = p2 = 1/2 it has 36 mixed states, which no linear map of the next-token distribution can tell apart
    (Shai et al. 2024).
    """
    S, ZERO, ONE, TRUE, FALSE = range(5)
    T = np.zeros((2, 5, 5))
    T[0, S, ZERO], T[1, S, ONE] = p1, 1 - p1
    T[0, ZERO, FALSE], T[1, ZERO, TRUE] = p2, 1 - p2
    T[0, ONE, TRUE], T[1, ONE, FALSE] = p2, 1 - p2
    T[1, TRUE, S] = T[0, FALSE, S] = 1
    return hmm(T, name=f"rrxor(p1={p1:g}, p2={p2:g})", states=("S", "0", "1", "T", "F"))
