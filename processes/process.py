"""The record every other file is about: an edge-emitting stochastic process over hidden states."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.sparse.csgraph import connected_components

from .checks import ProcessError as ProcessError
from .checks import checked, not_a_law, real
from .record import Record, remembered

ROW_TOLERANCE = 1e-9
"""Rows of sum_x T[x] must sum to one within this; published matrices are printed to fewer digits than that only by mistake."""


@dataclass(frozen=True, eq=False)
class Process(Record):
    """A hidden Markov process, checked at construction and immutable after it.

    P(word) = start T[x1] ... T[xn] w, with T[x, i, j] = P(emit x, go to j | in i) and beliefs as row vectors, belief . w = 1.
    In a generalised HMM entries may be negative and only word probabilities are probabilities.
    Build one with `hmm` or `ghmm`, which check everything and fill in `start` and `w`.
    """

    T: Float[np.ndarray, "V S S"]  # probability of each labelled transition
    start: Float[np.ndarray, "S"]  # law of the hidden state before the first symbol
    w: Float[np.ndarray, "S"]  # right eigenvector of sum_x T[x]; all ones for an HMM
    name: str
    states: tuple[str, ...]  # how people call the hidden states, in order
    kind: Literal["hmm", "ghmm"] = "hmm"

    @property
    def vocab(self) -> int:
        """Number of symbols V."""
        return self.T.shape[0]

    @property
    def n_states(self) -> int:
        """Number of hidden states S."""
        return self.T.shape[1]

    @property
    def is_stationary(self) -> bool:
        """Whether `start` is invariant under sum_x T[x], so that the word law does not depend on when one starts to look."""
        return bool(np.allclose(self.start @ self.T.sum(0), self.start, rtol=0, atol=ROW_TOLERANCE))

    @remembered
    def digest(self) -> str:
        """Twelve hexadecimal digits of its numbers and kind: equal for equal T and start, whatever the names."""
        numbers = [np.array(self.T.shape, np.float64), self.T.ravel(), self.start, np.ones(int(self.kind == "ghmm"))]
        return hashlib.sha256((np.concatenate(numbers) + 0.0).astype("<f8").tobytes()).hexdigest()[:12]  # + 0.0: -0 is 0

    @property
    def zero(self) -> float:
        """Conditional probabilities up to this are impossible events: exactly 0 for an HMM, whose zeros are exact; rounding
        of signed sums for a generalised one."""
        return 0.0 if self.kind == "hmm" else 1e-12

    def __repr__(self) -> str:
        return f"<{self.name}: {self.vocab} symbols, {self.n_states} states>"


@checked
def hmm(T, start=None, *, name: str | int | float = "hmm", states: Sequence[str | int | float] | None = None) -> Process:
    """A hidden Markov model from its labelled transition matrices.

    Arguments: `T` (V, S, S), T[x, i, j] = P(emit x, go to j | in i); `start` (S,), the stationary law if it is left out.
    Names are strings that UTF-8 can write, or numbers, which are turned into strings.
    Raises `ProcessError` if T is not (V, S, S), has complex, NaN or negative entries, or rows of sum_x T[x] that do not sum
    to one; if `start` is not a law on the states; or if it is left out and the stationary law is not unique.
    """
    given, T = T, _cube(T)
    _nonnegative(T, "T")
    rows = T.sum((0, 2))
    worst = int(np.argmax(np.abs(rows - 1)))
    if abs(rows[worst] - 1) > ROW_TOLERANCE:
        raise not_a_law(given, f"row {worst} of sum_x T[x]", rows[worst], f"T[:, {worst}, :]")
    n_states = T.shape[1]
    if start is None:
        start = stationary(T.sum(0))
    else:
        given, start = start, real(start, "start")
        if start.shape != (n_states,):
            raise ProcessError(f"start has shape {start.shape}; the process has {n_states} states, so it must be ({n_states},)")
        _nonnegative(start, "start")
        if abs(start.sum() - 1) > ROW_TOLERANCE:
            raise not_a_law(given, "start", start.sum(), "it")
    return Process(T, start, np.ones(n_states), str(name), _state_names(states, n_states))


@checked
def ghmm(T, start=None, *, name: str | int | float = "ghmm", states: Sequence[str | int | float] | None = None) -> Process:
    """A generalised hidden Markov model: signed transition matrices whose word probabilities are probabilities.

    sum_x T[x] must have a simple eigenvalue 1; its right eigenvector is `w`, in the gauge sum(w) = S where that is possible.
    Arguments: `T` (V, S, S); `start` (S,) with start . w = 1, the left eigenvector if it is left out; names as of `hmm`.
    Raises `ProcessError` on bad shapes, complex or NaN entries, an eigenvalue 1 that is missing or not simple, a start with
    start . w != 1, or a word of up to six symbols with negative probability.
    """
    T = _cube(T)
    n_states = T.shape[1]
    total = T.sum(0)
    values = np.linalg.eigvals(total)
    near = np.abs(values - 1) < 1e-7
    if near.sum() != 1:
        raise ProcessError(
            f"sum_x T[x] has {near.sum()} eigenvalues equal to 1 (nearest: {values[np.argmin(np.abs(values - 1))]:.9g}); "
            "a generalised HMM needs exactly one: rescale T by its spectral radius, or split it into components"
        )
    # The null space of (total - 1), by SVD: also right where eigenvectors are ill-conditioned.
    w = np.linalg.svd(total - np.eye(n_states))[2][-1]
    w = w * (n_states / w.sum()) if abs(w.sum()) > 1e-9 * np.abs(w).sum() else w / np.abs(w).max()
    if start is None:
        start = np.linalg.svd((total - np.eye(n_states)).T)[2][-1]
        start = start / (start @ w)
    else:
        start = real(start, "start")
        if start.shape != (n_states,):
            raise ProcessError(f"start has shape {start.shape}; the process has {n_states} states, so it must be ({n_states},)")
        if abs(start @ w - 1) > ROW_TOLERANCE:
            raise ProcessError(f"start . w is {start @ w:.12g}; it must be 1: divide start by that value")
    row, emission = start[None], T @ w
    for length in range(1, 7 if len(T) ** 6 <= 5000 else 4):
        p = (row @ emission.T).reshape(-1)
        if p.min() < -1e-9:
            word = np.unravel_index(int(p.argmin()), (len(T),) * length)
            raise ProcessError(
                f"the word {''.join(map(str, word))} has probability {p.min():.3g}; no word may have a negative one: these matrices are not a process"
            )
        row = np.einsum("ni,xij->nxj", row, T).reshape(-1, n_states)
    return Process(T, start, w, str(name), _state_names(states, n_states), "ghmm")


@checked
def renamed(process: Process, name: str) -> Process:
    """The same process under another name."""
    return replace(process, name=name)


@checked
def permuted(process: Process, order: Sequence[int]) -> Process:
    """The same process with its hidden states listed in another order; nothing observable changes.

    Raises `ProcessError` if `order` is not a permutation of the states.
    """
    if sorted(order) != list(range(process.n_states)):
        raise ProcessError(f"{list(order)} is not a permutation of the {process.n_states} states; list each of 0..S-1 once")
    order = list(order)
    T = process.T[:, order][:, :, order]
    names = tuple(process.states[i] for i in order)
    return replace(process, T=T, start=process.start[order], w=process.w[order], states=names)


@checked
def similar(process: Process, A: Float[np.ndarray, "S S"]) -> Process:
    """The same word law in other coordinates: beliefs b A, T'[x] = A^-1 T[x] A, w' = A^-1 w; a generalised HMM in general.

    Raises `ProcessError` if A is not an invertible S by S matrix.
    """
    A = real(A, "A")
    if A.shape != (process.n_states,) * 2 or np.linalg.cond(A) > 1e8:
        raise ProcessError(f"A has shape {A.shape}; it must be an invertible matrix of the {process.n_states} states, far from singular")
    back = np.linalg.inv(A)
    names = tuple(f"{i}'" for i in range(process.n_states))
    return replace(process, T=back @ process.T @ A, start=process.start @ A, w=back @ process.w, states=names, kind="ghmm")


@checked
def stationary(chain: Float[np.ndarray, "S S"]) -> Float[np.ndarray, "S"]:
    """The unique law with pi = pi P of a row-stochastic matrix P (S, S); exact zeros on transient states.

    Raises `ProcessError` if the chain has several closed classes of states, because then there are many such laws.
    """
    if chain.shape[0] != chain.shape[1] or not chain.size:
        raise ProcessError(f"the chain has shape {chain.shape}; it must be (states, states) with at least one of them")
    closed = closed_classes(chain)
    if len(closed) > 1:
        listed = " and ".join("{" + ", ".join(map(str, c)) + "}" for c in closed[:3])
        raise ProcessError(
            f"the chain is not ergodic: it has {len(closed)} closed classes of states ({listed}), so no unique stationary law; "
            "pass start=..., the law of the first hidden state"
        )
    (c,) = closed
    P = chain[np.ix_(c, c)]
    # pi (P - I) = 0 and sum(pi) = 1, as one overdetermined system of full column rank.
    A = np.vstack([P.T - np.eye(len(c)), np.ones(len(c))])
    pi = np.zeros(len(chain))
    pi[c] = np.abs(np.linalg.lstsq(A, np.r_[np.zeros(len(c)), 1.0], rcond=None)[0])
    return pi / pi.sum()


def closed_classes(chain: Float[np.ndarray, "S S"]) -> list[np.ndarray]:
    """The sets of states that a chain P (S, S) can enter and never leave, each as sorted state numbers."""
    n, label = connected_components(chain > 0, directed=True, connection="strong")
    leaves = np.zeros(n, bool)
    i, j = np.nonzero(chain > 0)
    leaves[label[i][label[i] != label[j]]] = True
    return [np.flatnonzero(label == c) for c in range(n) if not leaves[c]]


def _cube(T) -> np.ndarray:
    T = real(T, "T")
    if T.ndim != 3 or T.shape[1] != T.shape[2] or 0 in T.shape:
        raise ProcessError(f"T has shape {T.shape}; it must be (symbols, states, states) with at least one of each")
    return T


def _state_names(states: Sequence[str | int | float] | None, n: int) -> tuple[str, ...]:
    if states is None:
        return tuple(str(i) for i in range(n))
    if len(states) != n:
        raise ProcessError(f"{len(states)} state names for {n} states; give one name per state, or none")
    return tuple(map(str, states))


def _nonnegative(array: np.ndarray, what: str) -> None:
    if (array < 0).any():
        where = tuple(int(i) for i in np.argwhere(array < 0)[0])
        raise ProcessError(f"{what}{list(where)} is {array[where]:.12g}; a probability cannot be negative: correct that entry")
