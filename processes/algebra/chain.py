"""Chains of hidden states: where they end up for good, their stationary distribution, and, of signed ones,
the right eigenvector of 1.
"""

import numpy as np
from jaxtyping import Float64
from scipy.sparse.csgraph import connected_components

from ..values.arrays import ProcessError, real
from ..values.checks import checked
from . import gth


@checked
def stationary(chain: Float64[np.ndarray, "S S"]) -> Float64[np.ndarray, "S"]:
    """The unique distribution with pi = pi P of a row-stochastic matrix P (S, S), to machine precision in
    every component (see `gth`); exact zeros on transient states.

    Raises `ProcessError` if the chain has several closed classes of states, because then there are many such
    distributions.
    """
    if chain.shape[0] != chain.shape[1] or not chain.size:
        raise ProcessError(
            f"the chain has shape {chain.shape}; it must be (states, states) with at least one of them"
        )
    closed = closed_classes(chain)
    if len(closed) > 1:
        listed = " and ".join("{" + ", ".join(map(str, c)) + "}" for c in closed[:3])
        raise ProcessError(
            f"the chain is not ergodic: it has {len(closed)} closed classes of states ({listed}), so no "
            "unique stationary distribution; "
            "pass start=..., the distribution of the first hidden state"
        )
    (c,) = closed
    pi = np.zeros(len(chain))
    try:
        pi[c] = gth.stationary(chain[np.ix_(c, c)])
    except ZeroDivisionError:
        raise ProcessError(
            "transition probabilities of the chain are too small for float64 to tell how its parts are "
            "joined; use larger ones"
        ) from None
    return pi


def closed_classes(chain: Float64[np.ndarray, "S S"]) -> list[np.ndarray]:
    """The sets of states that a chain P (S, S) can enter and never leave, each as sorted state numbers."""
    n, label = connected_components(chain > 0, directed=True, connection="strong")
    leaves = np.zeros(n, bool)
    i, j = np.nonzero(chain > 0)
    leaves[label[i][label[i] != label[j]]] = True
    return [np.flatnonzero(label == c) for c in range(n) if not leaves[c]]


def must_be_simple(total: Float64[np.ndarray, "S S"]) -> None:
    """Raises `ProcessError` unless a signed total operator sum_x T[x] has the eigenvalue 1 exactly once."""
    values = np.linalg.eigvals(total)
    near = np.abs(values - 1) < 1e-7
    if near.sum() != 1:
        raise ProcessError(
            f"sum_x T[x] has {near.sum()} eigenvalues equal to 1 (nearest: "
            f"{values[np.argmin(np.abs(values - 1))]:.9g}); "
            "a generalised HMM needs exactly one: rescale T by its spectral radius, or split it into "
            "components"
        )


def right_eigenvector(total: Float64[np.ndarray, "S S"]) -> Float64[np.ndarray, "S"]:
    """w with total w = w, in the gauge sum(w) = S where that is possible, else with largest entry 1.

    The null space of (total - 1), by SVD: also right where eigenvectors are ill-conditioned.
    """
    return gauged(np.linalg.svd(total - np.eye(len(total)))[2][-1])


def gauged(w: Float64[np.ndarray, "S"]) -> Float64[np.ndarray, "S"]:
    """The multiple of w with sum(w) = S or, where it sums to next to nothing, with largest entry 1."""
    return w * (len(w) / w.sum()) if abs(w.sum()) > 1e-9 * np.abs(w).sum() else w / np.abs(w).max()


def checked_eigenvector(total: Float64[np.ndarray, "S S"], w) -> Float64[np.ndarray, "S"]:
    """A given right vector; raises `ProcessError` unless total w = w and w is not zero."""
    w = real(w, "w")
    if (
        w.shape != (len(total),)
        or not np.abs(w).max() > 0
        or np.abs(total @ w - w).max() > 1e-8 * np.abs(w).max()
    ):
        raise ProcessError(
            f"w is {np.round(w, 6).tolist()}; sum_x T[x] must leave it as it is: leave it out, and it is "
            "computed"
        )
    return w
