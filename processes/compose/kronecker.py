"""Kronecker products of what factors have: vectors, operators, names of states; the first factor is the most
significant.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np
from jaxtyping import Float64

from ..process import Process


def outer(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Outer product along the last axis, flattened: (.., n) and (.., m) as (.., n m)."""
    return reduce(_outer, parts)


def every_symbol_with_every(T: Sequence[Float64[np.ndarray, "_ _ _"]]) -> Float64[np.ndarray, "V S S"]:
    """T[(x, y)] = A[x] (x) B[y] of operators (V_k, S_k, S_k)."""
    return reduce(_with_every, T)


def symbol_by_symbol(T: Sequence[Float64[np.ndarray, "V _ _"]]) -> Float64[np.ndarray, "V S S"]:
    """T[x] = A[x] (x) B[x] of operators (V, S_k, S_k)."""
    return reduce(_by_symbol, T)


def ends(factors: Sequence[Process]) -> tuple[Float64[np.ndarray, "S"], Float64[np.ndarray, "S"]]:
    """The start vector and w, which ends words."""
    return outer([p.start for p in factors]), outer([p.w for p in factors])


def state_names(factors: Sequence[Process]) -> list[str]:
    """`s,t` for every combination of states."""
    return reduce(_names, [list(p.states) for p in factors])


def _outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a[..., :, None] * b[..., None, :]).reshape(*a.shape[:-1], a.shape[-1] * b.shape[-1])


def _with_every(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    n = A.shape[1] * B.shape[1]
    return np.einsum("xij,ykl->xyikjl", A, B).reshape(len(A) * len(B), n, n)


def _by_symbol(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    n = A.shape[1] * B.shape[1]
    return np.einsum("xij,xkl->xikjl", A, B).reshape(len(A), n, n)


def _names(a: list[str], b: list[str]) -> list[str]:
    return [f"{s},{t}" for s in a for t in b]
