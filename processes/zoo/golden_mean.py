"""The golden mean process: no two consecutive ones."""

import numpy as np

from ..process import Process, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def golden_mean(*, p: float) -> Process:
    """After a 0 emit 1 with probability p; after a 1 emit 0. Markov of order 1 (Crutchfield & Feldman
    2003)."""
    T = np.zeros((2, 2, 2))
    T[0, 0, 0] = 1 - p
    T[1, 0, 1] = p
    T[0, 1, 0] = 1
    return hmm(T, name=f"golden_mean(p={p:g})", states=("A", "B"))
