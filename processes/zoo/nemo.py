"""The Nemo process: a three-state machine that forgets its phase slowly."""

import numpy as np

from ..process import Process, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def nemo(*, p: float, q: float) -> Process:
    """A: 1 and stay with probability p, else 0 to B; B: 0 to C; C: back to A with 1 (probability q) or 0.

    Crutchfield, Ellison, James & Mahoney 2010 (arXiv:1007.5354).
    """
    T = np.zeros((2, 3, 3))
    T[1, 0, 0], T[0, 0, 1] = p, 1 - p
    T[0, 1, 2] = 1
    T[0, 2, 0], T[1, 2, 0] = 1 - q, q
    return hmm(T, name=f"nemo(p={p:g}, q={q:g})", states=("A", "B", "C"))
