"""Matching brackets, nested to a limited depth."""

from collections.abc import Sequence

import numpy as np

from ..process import Process, ProcessError, hmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def matching_parens(*, open: Sequence[float]) -> Process:
    """At depth d emit "(" (symbol 0) with probability open[d] and go deeper, else ")" (symbol 1); at depth
    len(open) always close.

    States are depths 0..len(open); open[0] = 1, since nothing is left to close there. A depth-limited Dyck
    language: a birth-death chain of period 2, whose stationary distribution obeys pi[d] open[d] = pi[d+1] (1
    - open[d+1]). Raises `ProcessError` unless open[0] = 1.
    """
    if not len(open) or open[0] != 1:
        raise ProcessError(
            f"matching_parens has open = {list(open)}; it must begin with 1: at depth 0 there is nothing to "
            "close"
        )
    n = len(open)
    T = np.zeros((2, n + 1, n + 1))
    for d, p in enumerate([*open, 0.0]):
        if d < n:
            T[0, d, d + 1] = p
        if d > 0:
            T[1, d, d - 1] = 1 - p
    return hmm(T, name=f"matching_parens(open=[{', '.join(f'{p:g}' for p in open)}])")
