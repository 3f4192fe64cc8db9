"""Perron root and vectors of an irreducible non-negative matrix, whatever its period."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from scipy.sparse import csr_array
from scipy.sparse.linalg import eigs

from ..algebra.graph import phases


class Perron(NamedTuple):
    """The eigenvalue of largest modulus of an irreducible block, with its vectors, largest entry 1."""

    radius: float
    right: Float64[np.ndarray, "P"]
    left: Float64[np.ndarray, "P"]


def perron(block: csr_array) -> Perron:
    """Of one communicating class; radius 0 for a pair without a loop.

    A class of period d splits into d phases; the product of the d blocks around is primitive on a phase, with
    radius^d. Working there keeps the d eigenvalues of equal modulus apart, and makes a trellis that returns
    to one state a 1 x 1 problem.
    """
    if block.nnz == 0:
        return Perron(0.0, np.ones(1), np.ones(1))
    phase = phases(block)
    d = int(phase.max()) + 1
    first = int(np.argmin(np.bincount(phase)))
    ids = [np.flatnonzero(phase == (first + k) % d) for k in range(d)]
    steps = [block[ids[k]][:, ids[(k + 1) % d]] for k in range(d)]
    around, log_scale = steps[0], 0.0
    for step in steps[1:]:
        around = around @ step
        top = around.max()
        around, log_scale = around / top, log_scale + np.log(top)
    value, right, left = _primitive(around)
    radius = float(np.exp((np.log(value) + log_scale) / d))
    v, u = np.empty(len(phase)), np.empty(len(phase))
    v[ids[0]], u[ids[0]] = right, left
    for k in range(d - 1, 0, -1):
        v[ids[k]] = steps[k] @ v[ids[(k + 1) % d]] / radius
    for k in range(1, d):
        u[ids[k]] = u[ids[k - 1]] @ steps[k - 1] / radius
    return Perron(radius, v / v.max(), u / u.max())


def _primitive(block: csr_array) -> tuple[float, np.ndarray, np.ndarray]:
    """Perron value, right and left vector of a primitive matrix, with every entry positive."""
    vectors = []
    for M in (block, block.T):
        if M.shape[0] <= 800:
            values, columns = np.linalg.eig(M.toarray())
            v = np.abs(columns[:, np.argmax(values.real)].real)
        else:
            v = np.abs(eigs(M, k=1, which="LM", v0=np.ones(M.shape[0]))[1][:, 0].real)
        for _ in range(
            3
        ):  # rounding leaves zeros and noise in small entries; the operator itself makes them positive again
            v = M @ v
            v = v / v.max()
        vectors.append(v)
    right, left = vectors
    return float(left @ (block @ right) / (left @ right)), right, left
