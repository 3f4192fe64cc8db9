"""Bases that no rounding chooses: which rows span the most, and principal axes where variances coincide."""

import numpy as np
from jaxtyping import Float64

from .span import orthogonalised

EQUAL = 1e-9
"""Sizes that agree to this relative precision are equal, and of equally good rows the first is taken."""


def pivots(rows: Float64[np.ndarray, "N d"]) -> list[int]:
    """min(N, d) rows that span a large volume: the longest one, then again and again the one of which most is
    outside the span of those before.

    It is QR with column pivoting (Businger & Golub 1965), but for ties, which that leaves to the last bit.
    """
    left, found = rows, []
    for _ in range(min(rows.shape)):
        size = np.linalg.norm(left, axis=1)
        found.append(int(np.argmax(size >= (1 - EQUAL) * size.max())))
        axis = left[found[-1]] / (size[found[-1]] or 1.0)
        left = left - np.outer(left @ axis, axis)
    return found


def principal_axes(x: Float64[np.ndarray, "N d"]) -> Float64[np.ndarray, "k d"]:
    """Right singular vectors of x as rows, largest singular value first, k = min(N, d); in a basis that x
    alone decides.

    A singular vector has no sign, and where singular values coincide any rotation of theirs will do. Here
    each such group is spanned by the projections onto it of the coordinate axes that lie in it most, one
    after the other made orthogonal.
    """
    _, size, axes = np.linalg.svd(x, full_matrices=False)
    cuts = np.flatnonzero(-np.diff(size) > EQUAL * size[0]) + 1
    return np.concatenate([_by_coordinates(group) for group in np.split(axes, cuts)])


def _by_coordinates(group: np.ndarray) -> np.ndarray:
    projected = group.T @ group
    return orthogonalised(projected[pivots(projected)[: len(group)]].T).T
