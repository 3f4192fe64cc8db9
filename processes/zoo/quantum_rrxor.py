"""A qubit, turned and weakly measured: between a fair coin and a two-state Markov source."""

import numpy as np

from ..process import Process, ProcessError, ghmm
from ..values.checks import checked
from ..values.identity import identified
from ..values.structure import recorded

PAULI = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
"""I, X, Y and Z."""


@checked
@recorded
def quantum_rrxor(*, phi: float, theta: float) -> Process:
    """T[x, i, j] = tr(B_j K_x B_i K_x^dagger) / 2 with B = (I, X, Y, Z): a qubit in Bloch coordinates [1, x,
    y, z].

    K_0 = diag(cos theta/2, -i sin theta/2) R_y(phi), K_1 = diag(-i sin theta/2, cos theta/2) R_y(phi): turn
    by phi about y, then measure z with a strength set by theta. At theta = 0 or pi the measurement is sharp,
    and words have the distribution of mess(x = sin^2(phi/2), a = 1, s = 2); at theta = pi/2 it tells nothing,
    and words are fair coins. Raises `ProcessError` if phi is a multiple of 2 pi, where z is conserved and the
    stationary distribution is not unique.
    """
    if abs(np.sin(phi / 2)) < 1e-3:
        raise ProcessError(
            f"quantum_rrxor has phi = {phi:g}; the qubit must be turned: keep phi away from multiples of 2 pi"
        )
    c, s = np.cos(theta / 2), np.sin(theta / 2)
    turn = np.array([[np.cos(phi / 2), -np.sin(phi / 2)], [np.sin(phi / 2), np.cos(phi / 2)]])
    kraus = [np.diag([c, -1j * s]) @ turn, np.diag([-1j * s, c]) @ turn]
    T = np.array([[[np.trace(q @ K @ p @ K.conj().T).real / 2 for q in PAULI] for p in PAULI] for K in kraus])
    made = ghmm(T, name=f"quantum_rrxor(phi={phi:g}, theta={theta:g})", states=("1", "x", "y", "z"))
    return identified(made, "quantum_rrxor", float(phi), float(theta))
