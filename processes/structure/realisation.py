"""Minimal linear realisations: how many dimensions the word distribution needs, and a generalised HMM with no
more than those.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from ..algebra.span import INDEPENDENT, closure
from ..process import Process
from ..values.checks import checked
from ..values.identity import identified


@checked
def belief_span(process: Process) -> Float64[np.ndarray, "R S"]:
    """Orthonormal basis (rows) of the span of all start T[x1]...T[xn]: what beliefs can be, up to scale."""
    return closure(process.start, process.T)


@checked
def future_span(process: Process) -> Float64[np.ndarray, "R S"]:
    """Orthonormal basis (rows) of the span of all T[x1]...T[xn] w: what of a belief any future can reveal."""
    return closure(process.w, process.T.transpose(0, 2, 1))


class Hankel(NamedTuple):
    """The Hankel matrix P(past word, future word) through the two spans it factors over: R O^T = U diag(s)
    V^T, cut at its rank d.
    """

    past: Float64[np.ndarray, "R S"]  # R, the belief span
    future: Float64[np.ndarray, "O S"]  # O, the future span
    U: Float64[np.ndarray, "R d"]
    s: Float64[np.ndarray, "d"]
    V: Float64[np.ndarray, "O d"]


def _hankel(process: Process) -> Hankel:
    past, future = belief_span(process), future_span(process)
    U, s, Vt = np.linalg.svd(past @ future.T)
    keep = s > INDEPENDENT
    return Hankel(past, future, U[:, : len(s)][:, keep], s[keep], Vt[: len(s)][keep].T)


@checked
def minimal_dimension(process: Process) -> int:
    """Rank of the Hankel matrix P(past word, future word): the dimension of the smallest GHMM with this word
    distribution.

    Computed as the rank of (belief span)(future span)^T, which are at most S by S, so no word table is built
    (Heller 1965; Jaeger 2000). A finite-state HMM with this word distribution may need more states, never
    fewer.
    """
    return len(_hankel(process).s)


@checked
def minimal_ghmm(process: Process) -> Process:
    """A generalised HMM with the same word distribution and `minimal_dimension(process)` states, in the gauge
    w = (1, ..., 1).

    The balanced realisation of Ho & Kalman (1966), rotated and scaled to that gauge; derived in
    docs/theory/minimal_realisation.md. Its coordinates are no probabilities.
    """
    H = _hankel(process)
    # Coordinates of a belief b on the minimal space: b right; back again: left; left right = 1.
    left, right = (H.U / np.sqrt(H.s)).T @ H.past, H.future.T @ (H.V / np.sqrt(H.s))
    w = left @ process.w
    # An orthogonal change of these coordinates turns w to a multiple of (1, .., 1), a scale makes it that.
    gauge = _rotation_to_ones(w)
    into, back = right @ gauge.T, gauge @ left
    ones, scale = np.ones(len(w)), np.linalg.norm(w) / np.sqrt(len(w))
    T = np.stack([back @ T @ into for T in process.T])
    start, states = process.start @ into * scale, tuple(map(str, range(len(w))))
    made = replace(
        process, T=T, start=start, w=ones, name=f"minimal({process.name})", states=states, kind="ghmm"
    )
    return identified(made, "minimal", process.identity)


def _rotation_to_ones(w: np.ndarray) -> np.ndarray:
    """Orthogonal matrix (a Householder reflection) that takes w to a positive multiple of (1, ..., 1)."""
    target = np.full(len(w), np.linalg.norm(w) / np.sqrt(len(w)))
    u = w - target
    return (
        np.eye(len(w))
        if np.linalg.norm(u) < 1e-12 * np.linalg.norm(w)
        else np.eye(len(w)) - 2 * np.outer(u, u) / (u @ u)
    )
