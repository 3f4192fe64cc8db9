"""The random insertion process (RIP): a coin, an optional second coin, then a one."""

import numpy as np

from ..process import Process, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def random_insertion(*, p: float, q: float) -> Process:
    """A: 0 to B with probability p, else 1 to C; B: 0 with probability q or 1, to C; C: 1 to A.

    Mahoney, Ellison, James & Crutchfield 2011 (arXiv:1108.1510).
    """
    T = np.zeros((2, 3, 3))
    T[0, 0, 1], T[1, 0, 2] = p, 1 - p
    T[0, 1, 2], T[1, 1, 2] = q, 1 - q
    T[1, 2, 0] = 1
    return hmm(T, name=f"random_insertion(p={p:g}, q={q:g})", states=("A", "B", "C"))
