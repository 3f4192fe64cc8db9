"""Minimal linear realisations: how many dimensions the word law needs, and a generalised HMM with no more
than those.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from ..process import Process
from ..values.checks import checked
from ..values.identity import identified

INDEPENDENT = 1e-9
"""A direction counts as new if this part of it (relative to the operators' norm) lies outside the span;
float64 noise is near 1e-15.
"""


@checked
def belief_span(process: Process) -> Float[np.ndarray, "R S"]:
    """Orthonormal basis (rows) of the span of all start T[x1]...T[xn]: what beliefs can be, up to scale."""
    return _closure(process.start, process.T)


@checked
def future_span(process: Process) -> Float[np.ndarray, "R S"]:
    """Orthonormal basis (rows) of the span of all T[x1]...T[xn] w: what of a belief any future can reveal."""
    return _closure(process.w, process.T.transpose(0, 2, 1))


@checked
def minimal_dimension(process: Process) -> int:
    """Rank of the Hankel matrix P(past word, future word): the dimension of the smallest GHMM with this word
    law.

    Computed as the rank of (belief span)(future span)^T, which are at most S by S, so no word table is built
    (Heller 1965; Jaeger 2000). A finite-state HMM with this word law may need more states, never fewer.
    """
    return len(_common_directions(process)[1])


@checked
def minimal_ghmm(process: Process) -> Process:
    """A generalised HMM with the same word law and `minimal_dimension(process)` states, in the gauge w = (1,
    ..., 1).

    With R, O the orthonormal spans and U diag(s) V^T the SVD of R O^T cut at its rank: T'[x] = s^-1/2 U^T R
    T[x] O^T V s^-1/2 (Ho & Kalman 1966), then rotated and scaled so that w' is all ones. Its coordinates are
    no probabilities.
    """
    (U, s, V), past, future = _common_directions(process), belief_span(process), future_span(process)
    left, right = (
        (U / np.sqrt(s)).T @ past,
        future.T @ (V / np.sqrt(s)),
    )  # left @ right = identity on the minimal space
    w = left @ process.w
    gauge = _rotation_to_ones(w)
    into, back = right @ gauge.T, gauge @ left
    ones, scale = np.ones(len(s)), np.linalg.norm(w) / np.sqrt(len(s))
    T = np.stack([back @ T @ into for T in process.T])
    start, states = process.start @ into * scale, tuple(map(str, range(len(s))))
    made = replace(
        process, T=T, start=start, w=ones, name=f"minimal({process.name})", states=states, kind="ghmm"
    )
    return identified(made, "minimal", process.identity)


def _closure(first: np.ndarray, operators: np.ndarray) -> np.ndarray:
    """Orthonormal rows that span first, first A, first A B, ... for all products of the operators (V, S,
    S)."""
    basis = (first / np.linalg.norm(first))[None]
    new, scale = basis, max(np.linalg.norm(A, 2) for A in operators)
    while len(new) and len(basis) < len(first):
        found = []
        for v in np.einsum("ni,xij->nxj", new, operators).reshape(-1, len(first)):
            for _ in range(2):  # twice is enough (Kahan): the second pass removes what rounding left
                v = v - (v @ basis.T) @ basis
            if np.linalg.norm(v) > INDEPENDENT * scale:
                found.append(v / np.linalg.norm(v))
                basis = np.vstack([basis, found[-1]])
        new = np.array(found).reshape(-1, len(first))
    return basis


def _common_directions(process: Process) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """SVD of (belief span)(future span)^T cut at its rank, as (U, s, V)."""
    U, s, Vt = np.linalg.svd(belief_span(process) @ future_span(process).T)
    keep = s > INDEPENDENT
    return U[:, : len(s)][:, keep], s[keep], Vt[: len(s)][keep].T


def _rotation_to_ones(w: np.ndarray) -> np.ndarray:
    """Orthogonal matrix (a Householder reflection) that takes w to a positive multiple of (1, ..., 1)."""
    target = np.full(len(w), np.linalg.norm(w) / np.sqrt(len(w)))
    u = w - target
    return (
        np.eye(len(w))
        if np.linalg.norm(u) < 1e-12 * np.linalg.norm(w)
        else np.eye(len(w)) - 2 * np.outer(u, u) / (u @ u)
    )
