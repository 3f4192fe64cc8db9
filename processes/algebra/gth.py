"""Markov chains solved without a subtraction: Grassmann, Taksar & Heyman's elimination, exact to machine
precision in every component.

(See docs/theory/merging_and_surplus.md.) Ordinary solvers form 1 - P[k, k], which loses all digits where a
state is hardly ever left: of two states left at rates e and 3 e, whose stationary distribution is (.75, .25),
least squares returns .74999 at e = 1e-12 and .5 at 1e-16. Here 1 - P[k, k] is the *sum of what leaves k*, so
the error is a few roundings of each component, however nearly the chain falls apart (O'Cinneide 1993). Only
products, sums and quotients of float64 in a stated order are used, no BLAS and no LAPACK: the bits are the
same on every CPU. (Grassmann, Taksar & Heyman 1985; as the elimination of a censored chain, Heyman & O'Leary
1998.)
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int


def stationary(P: Float64[np.ndarray, "n n"]) -> Float64[np.ndarray, "n"]:
    """The distribution with pi = pi P of an irreducible chain P (n, n), of which only what is off the
    diagonal is looked at.

    State k is left out of the chain, last one first: P[i, j] += P[i, k] P[k, j] / sum_{l < k} P[k, l]. What
    is left of column k then says how often k is visited between visits of the states before it. Raises
    `ZeroDivisionError` where rates underflow.
    """
    A = np.array(P, np.float64)
    for k in range(len(A) - 1, 0, -1):
        A[:k, k] /= _positive(A[k, :k])
        A[:k, :k] += A[:k, k, None] * A[k, :k]
    pi = np.ones(len(A))
    for k in range(1, len(A)):
        pi[k] = math.fsum(pi[:k] * A[:k, k])
    return pi / math.fsum(pi)


def absorbing(
    Q: Float64[np.ndarray, "n n"], leaves: Float64[np.ndarray, "n"], value: Float64[np.ndarray, "n m"]
) -> Float64[np.ndarray, "n m"]:
    """(I - Q)^-1 value: the expected sum of `value` over the states that a walk from each state visits until
    it leaves for good.

    Q (n, n) is substochastic and `leaves` (n,) the probability with which each state ends the walk, given
    because 1 - sum_j Q[i, j] would cancel. Where `value` holds no signs that cancel either, every component
    is exact to a few roundings.
    """
    A, X = np.array(Q, np.float64), np.array(value, np.float64)
    gone, out = np.array(leaves, np.float64), np.empty(len(A))
    for k in range(len(A) - 1, -1, -1):
        out[k] = _positive([*A[k, :k], gone[k]])
        share = A[:k, k] / out[k]
        A[:k, :k] += share[:, None] * A[k, :k]
        gone[:k] += share * gone[k]
        X[:k] += share[:, None] * X[k]
    for k in range(len(A)):
        X[k] = (X[k] + (A[k, :k, None] * X[:k]).sum(0)) / out[k]
    return X


def absorption(
    P: Float64[np.ndarray, "n n"], transient: Int[np.ndarray, "t"], classes: Sequence[Int[np.ndarray, "_"]]
) -> Float64[np.ndarray, "t C"]:
    """The probability that a walk from each transient state of a chain ends up in each of its closed
    classes.
    """
    into = np.stack([P[np.ix_(transient, c)].sum(1) for c in classes], 1)
    return absorbing(P[np.ix_(transient, transient)], into.sum(1), into)


def _positive(rates) -> float:
    total = math.fsum(rates)
    if not total > 0:
        raise ZeroDivisionError("a state is never left: the chain is reducible, or its rates underflow")
    return total
