"""Subspaces: orthonormal bases of what vectors span, and what of a vector lies outside."""

import numpy as np
from jaxtyping import Float64

INDEPENDENT = 1e-9
"""A direction counts as new if this part of it (relative to the operators' norm) lies outside the span;
float64 noise is near 1e-15.
"""


def column_space(x: Float64[np.ndarray, "d m"], faint: float) -> Float64[np.ndarray, "d r"]:
    """Orthonormal columns that span what columns do: left singular vectors, but for those whose singular
    value is less than `faint` beside the largest, which are rounding.

    What is called faint is the caller's: it follows from how exact the columns are.
    """
    axes, size, _ = np.linalg.svd(x, full_matrices=False)
    return np.asarray(axes[:, size > faint * max(size.max(initial=0.0), np.finfo(float).tiny)])


def row_space(x: Float64[np.ndarray, "n d"], faint: float) -> Float64[np.ndarray, "r d"]:
    """Orthonormal rows that span what rows do (see `column_space`)."""
    return column_space(x.T, faint).T


def outside(v: Float64[np.ndarray, "d"], basis: Float64[np.ndarray, "r d"]) -> Float64[np.ndarray, "d"]:
    """What of a vector is orthogonal to orthonormal rows."""
    for _ in range(2):  # twice is enough (Kahan): the second pass removes what rounding left
        v = v - (v @ basis.T) @ basis
    return v


def closure(
    first: Float64[np.ndarray, "S"], operators: Float64[np.ndarray, "V S S"]
) -> Float64[np.ndarray, "r S"]:
    """Orthonormal rows that span v, v A, v A B, ... for all products of the operators; none of v = 0."""
    size = np.linalg.norm(first)
    if not size > 0:
        return np.empty((0, len(first)))
    basis = (first / size)[None]
    new, scale = basis, max(np.linalg.norm(A, 2) for A in operators)
    while len(new) and len(basis) < len(first):
        found = []
        for v in np.einsum("ni,xij->nxj", new, operators).reshape(-1, len(first)):
            v = outside(v, basis)
            if np.linalg.norm(v) > INDEPENDENT * scale:
                found.append(v / np.linalg.norm(v))
                basis = np.vstack([basis, found[-1]])
        new = np.array(found).reshape(-1, len(first))
    return basis


def orthogonalised(x: Float64[np.ndarray, "d k"]) -> Float64[np.ndarray, "d k"]:
    """Independent columns made orthonormal one after the other, each on the side where it was (Gram and
    Schmidt, by Householder's QR): what x alone decides.
    """
    q, r = np.linalg.qr(x)
    return np.asarray(q * np.where(np.diag(r) < 0, -1.0, 1.0))


def random_frame(d: int, k: int, rng: np.random.Generator) -> Float64[np.ndarray, "d k"]:
    """Orthonormal columns that span a subspace of k <= d dimensions in uniformly random position."""
    return np.asarray(np.linalg.qr(rng.normal(size=(d, k)))[0])
