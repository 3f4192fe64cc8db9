"""The even process: ones come in blocks of even length."""

import numpy as np

from ..process import Process, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def even(*, p: float) -> Process:
    """In A emit 0 with probability 1-p or the first 1 of a pair; in B complete the pair. Sofic: no finite
    Markov order (Weiss 1973).
    """
    T = np.zeros((2, 2, 2))
    T[0, 0, 0] = 1 - p
    T[1, 0, 1] = p
    T[1, 1, 0] = 1
    return hmm(T, name=f"even(p={p:g})", states=("A", "B"))
