"""Mess: Mess3 with any number of symbols and states."""

import numpy as np

from ..process import Process, ProcessError, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def mess(*, x: float, a: float, s: int) -> Process:
    """T[k, i, j] = (y if i == j else x) (a if j == k else b), with y = 1-(s-1)x and b = (1-a)/(s-1); s
    symbols, s states.

    The symbol depends on the state just entered: it is that state with probability a. sum_k T[k] has the
    eigenvalues 1 (once) and 1-sx (s-1 times). Raises `ProcessError` if s < 2. (The family of Mess3: Marzen &
    Crutchfield 2017.)
    """
    if s < 2:
        raise ProcessError(f"mess has s = {s} states; it needs at least 2")
    b, y = (1 - a) / (s - 1), 1 - (s - 1) * x
    same = np.eye(s, dtype=bool)
    stay, emit = np.where(same, y, x), np.where(same, a, b)
    states = [chr(ord("A") + i) for i in range(s)] if s <= 26 else None
    return hmm(stay[None] * emit[:, None, :], name=f"mess(x={x:g}, a={a:g}, s={s})", states=states)
