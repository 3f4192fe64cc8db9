"""The simple nonunifilar source: two states, infinitely many beliefs."""

import numpy as np

from ..process import Process, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def sns(*, p: float, q: float) -> Process:
    """In A emit 0 (to B with probability p); in B emit 1 and return with probability q, else 0. (Crutchfield
    1994)

    The time since the last 1 is the belief, so the mixed states are countably infinite and C_mu diverges.
    """
    T = np.zeros((2, 2, 2))
    T[0] = [[1 - p, p], [0, 1 - q]]
    T[1, 1, 0] = q
    return hmm(T, name=f"sns(p={p:g}, q={q:g})", states=("A", "B"))
