"""Zero-one-random: the pattern 0, 1, coin, repeated from an unknown phase."""

import numpy as np

from ..process import Process, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def zero_one_random(*, p: float) -> Process:
    """Emit 0, then 1, then 1 with probability p, and so on. (Elsewhere p is the probability of the random
    *zero*.)

    Markov order 3 at every 0 < p < 1; the observer's synchronisation is nilpotent.
    """
    T = np.zeros((2, 3, 3))
    T[0, 0, 1] = 1
    T[1, 1, 2] = 1
    T[0, 2, 0] = 1 - p
    T[1, 2, 0] = p
    return hmm(T, name=f"zero_one_random(p={p:g})", states=("0", "1", "R"))
