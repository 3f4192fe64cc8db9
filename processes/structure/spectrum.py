"""The spectrum of the mixed-state chain: what h(L) - h is made of, and which part of it vanishes exactly."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float64

from ..values.checks import checked
from ..values.record import Record
from .belief_distribution import alike
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
    def h(self, order: int) -> Float64[np.ndarray, "L"]:
        """sum_i amplitude[i] value[i]^(L-1) for L = 1..order, nats: equal to h(L) once L >
        nilpotent_index."""
        return (self.value[None] ** np.arange(order)[:, None] @ self.amplitude).real


class Persistent(NamedTuple):
    """The part of a chain without eigenvalue 0."""

    basis: Float64[np.ndarray, "M R"]  # orthonormal, of the range of P^steps
    steps: int  # powers after which the range of P^k shrinks no more
    vector: Float64[np.ndarray, "M"]  # P^steps times the vector asked for, which lies in that range


@checked
def spectrum(ms: MixedStates) -> Spectrum:
    """Eigenvalues of the mixed-state chain with their amplitudes in h(L).

    The part of eigenvalue 0 is split off first, because eigenvalue solvers turn a nilpotent block of size k
    into noise of size 1e-16^(1/k); derived in docs/theory/spectrum.md. Cost: cubic in the number of mixed
    states.
    """
    P, alive = ms.chain, _persistent(ms.chain, ms.surprise)
    # On the space that is left P is invertible and acts as a smaller matrix, of the eigenvalues other than 0.
    value, modes = np.linalg.eig(alive.basis.T @ P @ alive.basis)
    # h(L) = e_0 P^(L-1) surprise = e_0 P^(L-1-steps) vector, and vector lies in that space: expand it in
    # modes,
    # each of which gains value^(L-1-steps). Mixed state 0 is where the observer begins, hence e_0.
    right = np.linalg.solve(modes, (alive.basis.T @ alive.vector).astype(complex))
    amplitude = (alive.basis[0] @ modes) * right / value**alive.steps
    moduli, real = (alike(part[:, None], EQUAL) for part in (np.abs(value), value.real))
    order = np.lexsort((-value.imag, -real, -moduli))
    return Spectrum(value[order].astype(complex), amplitude[order], alive.steps, len(ms) - len(value))


def _persistent(P: Float64[np.ndarray, "M M"], vector: Float64[np.ndarray, "M"]) -> Persistent:
    """The range of P^k, which shrinks with k until only what P never makes zero is left."""
    basis, index = np.eye(len(P)), 0
    while True:
        # Not `algebra.span.column_space`: what vanishes here is zero in itself, not beside the largest.
        U, s, _ = np.linalg.svd(P @ basis, full_matrices=False)
        if (s > VANISHED).all():
            return Persistent(basis, index, vector)
        basis, index, vector = U[:, s > VANISHED], index + 1, P @ vector


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
