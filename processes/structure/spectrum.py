"""The spectrum of the mixed-state chain: what h(L) - h is made of, and which part of it vanishes exactly."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from ..values.checks import checked
from ..values.record import Record
from .belief_law import alike
from .mixed_states import MixedStates

EQUAL = 1e-6
"""Eigenvalues closer than this are one: rounding parts a double one by up to 1e-8."""
VANISHED = 1e-10
"""Singular values below this are exact zeros of the chain, whose entries are probabilities of order one."""


@dataclass(frozen=True, eq=False)
class Spectrum(Record):
    """h(L) - h = sum_i amplitude[i] value[i]^(L-1) for every L > nilpotent_index.

    (Crutchfield, Ellison & Riechers 2016; written for a chain that can be diagonalised away from eigenvalue
    0.)
    """

    value: Complex[
        np.ndarray, "N"
    ]  # eigenvalues other than 0, largest modulus first, of equal moduli the largest real part
    amplitude: Complex[
        np.ndarray, "N"
    ]  # share of each in H(X_L | X_1..X_{L-1}); that of eigenvalue 1 is the entropy rate
    nilpotent_index: (
        int  # size of the largest Jordan block of eigenvalue 0: after so many symbols that part has died
    )
    multiplicity: int  # algebraic multiplicity of eigenvalue 0

    def decay(self) -> float:
        """Modulus of the slowest term that h(L) - h really contains; 0 if h(L) reaches the rate after
        finitely many symbols.
        """
        inside = np.abs(self.value) < 1 - 1e-9
        live = [abs(v) for v, a in _merged(self.value[inside], self.amplitude[inside]) if abs(a) > 1e-9]
        return float(max(live, default=0.0))

    @checked
    def h(self, order: int) -> Float[np.ndarray, "L"]:
        """sum_i amplitude[i] value[i]^(L-1) for L = 1..order, nats: equal to h(L) once L >
        nilpotent_index."""
        return (self.value[None] ** np.arange(order)[:, None] @ self.amplitude).real


@checked
def spectrum(ms: MixedStates) -> Spectrum:
    """Eigenvalues of the mixed-state chain with their amplitudes in h(L).

    The part of eigenvalue 0 is split off first, by following the range of P^k until it shrinks no more,
    because eigenvalue solvers turn a nilpotent block of size k into noise of size 1e-16^(1/k). Cost: cubic in
    the number of mixed states.
    """
    P, basis, vector, index = ms.chain, np.eye(len(ms)), ms.surprise, 0
    while True:
        U, s, _ = np.linalg.svd(P @ basis, full_matrices=False)
        if (s > VANISHED).all():
            break
        basis, index, vector = U[:, s > VANISHED], index + 1, P @ vector
    value, modes = np.linalg.eig(basis.T @ P @ basis)
    right = np.linalg.solve(modes, (basis.T @ vector).astype(complex))
    amplitude = (basis[0] @ modes) * right / value**index
    moduli, real = (alike(part[:, None], EQUAL) for part in (np.abs(value), value.real))
    order = np.lexsort((-value.imag, -real, -moduli))
    return Spectrum(value[order].astype(complex), amplitude[order], index, len(ms) - len(value))


def _merged(value: np.ndarray, amplitude: np.ndarray) -> list[tuple[complex, complex]]:
    """Equal eigenvalues as one, with their amplitudes added."""
    out: list[tuple[complex, complex]] = []
    for v, a in zip(value, amplitude, strict=True):
        for k, (u, b) in enumerate(out):
            if abs(u - v) < EQUAL:
                out[k] = (u, a + b)
                break
        else:
            out.append((v, a))
    return out
