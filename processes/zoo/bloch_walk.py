"""The Bloch walk: a qubit's state wanders over a disc of the Bloch ball."""

import numpy as np

from ..process import Process, ProcessError, ghmm
from ..values.checks import checked
from ..values.structure import recorded


@checked
@recorded
def bloch_walk(*, a: float, b: float) -> Process:
    """Four symbols, pairs of opposite pushes along x (0, 1) and z (2, 3), acting on [1, x, z] of a density
    matrix.

    With g = 1/(4(a^2+b^2)), d = 1/4, m = (a^2-b^2) g and o = 2ab g: T[0] = [[d,0,o], [0,m,0], [o,0,d]], T[2]
    = [[d,o,0], [o,d,0], [0,0,m]], and T[1], T[3] are these with -o. The first symbol is uniform, h(1) = log
    4; a and b weigh staying against jumping. Raises `ProcessError` if both are 0. (Riechers, Elliott & Shai
    2025)
    """
    if not 0 < a * a + b * b < np.inf:
        raise ProcessError(
            f"bloch_walk has a = {a:g} and b = {b:g}; only their ratio matters: choose them near 1, and not "
            "both 0"
        )
    g = 1 / (4 * (a * a + b * b))
    d, m, o = 0.25, (a * a - b * b) * g, 2 * a * b * g
    T = np.array(
        [
            [[d, 0, o], [0, m, 0], [o, 0, d]],
            [[d, 0, -o], [0, m, 0], [-o, 0, d]],
            [[d, o, 0], [o, d, 0], [0, 0, m]],
            [[d, -o, 0], [-o, d, 0], [0, 0, m]],
        ]
    )
    return ghmm(T, name=f"bloch_walk(a={a:g}, b={b:g})", states=("1", "x", "z"))
