"""The record every other file is about: an edge-emitting stochastic process over hidden states."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from scipy.sparse.csgraph import connected_components

from .algebra import gth
from .values.checks import ProcessError as ProcessError
from .values.checks import checked, not_a_law, real
from .values.identity import STATIONARY, Identity, bits, digest, identified, numbers, same_as
from .values.record import Record, remembered
from .values.structure import Structure

ROW_TOLERANCE = 1e-9
"""Rows of sum_x T[x] must sum to one within this; published matrices are printed to fewer digits than that
only by mistake.
"""
ROUNDED = 1e-12
"""A start whose every component is the stationary one to this relative precision is the stationary one, as
some other program rounded it.
"""

MOST_ENTRIES = 2_000_000
"""Rows of words times states up to which a generalised HMM is searched for words of negative probability, six
symbols at most.
"""


@dataclass(frozen=True, eq=False)
class Process(Record):
    """A hidden Markov process, checked at construction and immutable after it.

    P(word) = start T[x1] ... T[xn] w, with T[x, i, j] = P(emit x, go to j | in i) and beliefs as row vectors,
    belief . w = 1. In a generalised HMM entries may be negative and only word probabilities are
    probabilities. Build one with `hmm` or `ghmm`, which check everything and fill in `start` and `w`.
    """

    T: Float[np.ndarray, "V S S"]  # probability of each labelled transition
    start: Float[np.ndarray, "S"]  # law of the hidden state before the first symbol
    w: Float[np.ndarray, "S"]  # right eigenvector of sum_x T[x]; all ones for an HMM
    name: str
    states: tuple[str, ...]  # how people call the hidden states, in order
    kind: Literal["hmm", "ghmm"] = "hmm"
    _identity: Identity | None = field(
        default=None, init=False, repr=False
    )  # where it is no matter of numbers; `replace` forgets it
    made_of: Structure | None = field(
        default=None, init=False, repr=False
    )  # what a function made it of; None of numbers of one's own, and of whatever `replace` changed

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
        """Whether `start` is invariant under sum_x T[x], so that the word law does not depend on when one
        starts to look.
        """
        return bool(np.allclose(self.start @ self.T.sum(0), self.start, rtol=0, atol=ROW_TOLERANCE))

    @remembered
    def identity(self) -> Identity:
        """What it is, as plain values that are the same on any CPU: its numbers, its text, or its parts (see
        `identity`).
        """
        return self._identity or numbers(
            self.kind, self.T, STATIONARY if _starts_stationary(self) else self.start
        )

    @remembered
    def digest(self) -> str:
        """Twelve hexadecimal digits of its `identity`: equal for what is written alike, whatever the names
        and the machine.
        """
        return digest(self.identity)

    @property
    def spec(self) -> str | None:
        """What `named` reads as this process, to the last bit: `rrxor(p1=0.5, p2=0.5) * coin(p=0.25)`.

        None where there is no such text: of arrays of one's own, and of what is made of them. A file gives
        them a name: `write` the process, and what the file is called is its text.
        """
        return None if self.made_of is None else self.made_of.spec

    @property
    def zero(self) -> float:
        """Conditional probabilities up to this are impossible events: exactly 0 for an HMM, whose zeros are
        exact; rounding of signed sums for a generalised one.
        """
        return 0.0 if self.kind == "hmm" else 1e-12

    def __repr__(self) -> str:
        return f"<{self.name}: {self.vocab} symbols, {self.n_states} states>"


@checked
def hmm(
    T, start=None, *, name: str | int | float = "hmm", states: Sequence[str | int | float] | None = None
) -> Process:
    """A hidden Markov model from its labelled transition matrices.

    Arguments: `T` (V, S, S), T[x, i, j] = P(emit x, go to j | in i); `start` (S,), the stationary law if it
    is left out. A start that is the stationary one to the last digits (`ROUNDED`) is replaced by it, so that
    another program's rounding makes no other process. Names are strings that UTF-8 can write, or numbers,
    which are turned into strings. Raises `ProcessError` if T is not (V, S, S), has complex, NaN or negative
    entries, or rows of sum_x T[x] that do not sum to one; if `start` is not a law on the states; or if it is
    left out and the stationary law is not unique.
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
            raise ProcessError(
                f"start has shape {start.shape}; the process has {n_states} states, so it must be "
                f"({n_states},)"
            )
        _nonnegative(start, "start")
        if abs(start.sum() - 1) > ROW_TOLERANCE:
            raise not_a_law(given, "start", start.sum(), "it")
        start = _unrounded(T.sum(0), start)
    return Process(T, start, np.ones(n_states), str(name), _state_names(states, n_states))


@checked
def ghmm(
    T,
    start=None,
    *,
    w=None,
    name: str | int | float = "ghmm",
    states: Sequence[str | int | float] | None = None,
) -> Process:
    """A generalised hidden Markov model: signed transition matrices whose word probabilities are
    probabilities.

    sum_x T[x] must have a simple eigenvalue 1, unless `start` and `w` are both given; its right eigenvector
    is `w`, in the gauge sum(w) = S where that is possible. Arguments: `T` (V, S, S); `start` (S,) with start
    . w = 1, the left eigenvector if it is left out; `w` (S,) with sum_x T[x] w = w, for another gauge; names
    as of `hmm`. Raises `ProcessError` on bad shapes, complex or NaN entries, an eigenvalue 1 that is missing
    or not simple, a `w` that is no eigenvector of it, a start with start . w != 1, or a short word (of up to
    six symbols) with negative probability.
    """
    T = _cube(T)
    n_states = T.shape[1]
    total = T.sum(0)
    if start is None or w is None:
        _simple(total)
    w = _right_eigenvector(total) if w is None else _kept(total, w)
    if start is None:
        rule: Any = STATIONARY
        start = np.linalg.svd((total - np.eye(n_states)).T)[2][-1]
        start = start / (start @ w)
    else:
        rule = start = real(start, "start")
        if start.shape != (n_states,):
            raise ProcessError(
                f"start has shape {start.shape}; the process has {n_states} states, so it must be "
                f"({n_states},)"
            )
        if abs(start @ w - 1) > ROW_TOLERANCE:
            raise ProcessError(f"start . w is {start @ w:.12g}; it must be 1: divide start by that value")
    row, emission = start[None], T @ w
    for length in range(1, 7):
        if length > 1 and row.size * len(T) > MOST_ENTRIES:
            break
        p = (row @ emission.T).reshape(-1)
        if p.min() < -1e-9:
            word = np.unravel_index(int(p.argmin()), (len(T),) * length)
            raise ProcessError(
                f"the word {''.join(map(str, word))} has probability {p.min():.3g}; no word may have a "
                "negative one: these matrices are not a process"
            )
        row = np.einsum("ni,xij->nxj", row, T).reshape(-1, n_states)
    return identified(
        Process(T, start, w, str(name), _state_names(states, n_states), "ghmm"), *numbers("ghmm", T, rule)
    )


def _simple(total: np.ndarray) -> None:
    values = np.linalg.eigvals(total)
    near = np.abs(values - 1) < 1e-7
    if near.sum() != 1:
        raise ProcessError(
            f"sum_x T[x] has {near.sum()} eigenvalues equal to 1 (nearest: "
            f"{values[np.argmin(np.abs(values - 1))]:.9g}); "
            "a generalised HMM needs exactly one: rescale T by its spectral radius, or split it into "
            "components"
        )


def _right_eigenvector(total: np.ndarray) -> np.ndarray:
    """The null space of (total - 1), by SVD: also right where eigenvectors are ill-conditioned."""
    w = np.linalg.svd(total - np.eye(len(total)))[2][-1]
    return w * (len(w) / w.sum()) if abs(w.sum()) > 1e-9 * np.abs(w).sum() else w / np.abs(w).max()


def _kept(total: np.ndarray, w) -> np.ndarray:
    """A right vector, checked."""
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


@checked
def renamed(process: Process, name: str) -> Process:
    """The same process under another name, made of the same (`made_of`)."""
    return same_as(replace(process, name=name), process)


@checked
def permuted(process: Process, order: Sequence[int]) -> Process:
    """The same process with its hidden states listed in another order; nothing observable changes.

    Raises `ProcessError` if `order` is not a permutation of the states.
    """
    if sorted(order) != list(range(process.n_states)):
        raise ProcessError(
            f"{list(order)} is not a permutation of the {process.n_states} states; list each of 0..S-1 once"
        )
    order = list(order)
    T = process.T[:, order][:, :, order]
    names = tuple(process.states[i] for i in order)
    made = replace(process, T=T, start=process.start[order], w=process.w[order], states=names)
    if order == list(range(process.n_states)):
        return same_as(made, process)
    kind, *what = process.identity
    if kind not in ("hmm", "ghmm"):
        return identified(made, "permuted", process.identity, order)
    return identified(made, *numbers(kind, T, STATIONARY if what[-1] == STATIONARY else made.start))


@checked
def similar(process: Process, A: Float[np.ndarray, "S S"]) -> Process:
    """The same word law in other coordinates: beliefs b A, T'[x] = A^-1 T[x] A, w' = A^-1 w; a generalised
    HMM in general.

    Raises `ProcessError` if A is not an invertible S by S matrix.
    """
    A = real(A, "A")
    if A.shape != (process.n_states,) * 2 or np.linalg.cond(A) > 1e8:
        raise ProcessError(
            f"A has shape {A.shape}; it must be an invertible matrix of the {process.n_states} states, far "
            "from singular"
        )
    back = np.linalg.inv(A)
    names = tuple(f"{i}'" for i in range(process.n_states))
    made = replace(
        process,
        T=back @ process.T @ A,
        start=process.start @ A,
        w=back @ process.w,
        states=names,
        kind="ghmm",
    )
    return identified(made, "similar", process.identity, bits(A))


@checked
def stationary(chain: Float[np.ndarray, "S S"]) -> Float[np.ndarray, "S"]:
    """The unique law with pi = pi P of a row-stochastic matrix P (S, S), to machine precision in every
    component (see `gth`); exact zeros on transient states.

    Raises `ProcessError` if the chain has several closed classes of states, because then there are many such
    laws.
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
            "unique stationary law; "
            "pass start=..., the law of the first hidden state"
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


def _unrounded(chain: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The stationary law where `start` is that, rounded otherwise; else the start itself."""
    if len(closed_classes(chain)) > 1 or not np.allclose(start @ chain, start, rtol=0, atol=ROW_TOLERANCE):
        return start
    law = stationary(chain)
    return law if (np.abs(start - law) <= ROUNDED * law).all() else start


def _starts_stationary(process: Process) -> bool:
    """Whether the start of an HMM is, to the last bit, the one that the rule gives."""
    if process.kind != "hmm" or not process.is_stationary:
        return False
    return len(closed_classes(chain := process.T.sum(0))) == 1 and np.array_equal(
        process.start, stationary(chain)
    )


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
        raise ProcessError(
            f"T has shape {T.shape}; it must be (symbols, states, states) with at least one of each"
        )
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
        raise ProcessError(
            f"{what}{list(where)} is {array[where]:.12g}; a probability cannot be negative: correct that "
            "entry"
        )
