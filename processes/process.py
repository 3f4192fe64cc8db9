"""The record every other file is about: an edge-emitting stochastic process over hidden states."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import Any, Literal

import numpy as np
from jaxtyping import Float64

from .algebra.chain import checked_eigenvector, closed_classes, must_be_simple, right_eigenvector, stationary
from .values import float32
from .values.arrays import not_a_distribution, real
from .values.checks import ProcessError as ProcessError
from .values.checks import checked
from .values.identity import STATIONARY, Identity, digest, identified, numbers, same_as
from .values.notes import Notes, shared
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
    Processes of one `digest` are equal, whatever their names and those of their states.
    """

    T: Float64[np.ndarray, "V S S"]  # probability of each labelled transition
    start: Float64[np.ndarray, "S"]  # distribution of the hidden state before the first symbol
    w: Float64[np.ndarray, "S"]  # right eigenvector of sum_x T[x]; all ones for an HMM
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
        """Whether `start` is invariant under sum_x T[x], so that the word distribution does not depend on
        when one starts to look.
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

    @cached_property
    def notes(self) -> Notes:
        """What has been worked out about its numbers, shared with every process that equals it."""
        return shared(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Process) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __mul__(self, other: Any) -> "Process":
        """`p * q`: both side by side and independent, a symbol of each in one token (see `product`)."""
        if not isinstance(other, Process):
            return NotImplemented
        products = import_module(".compose.product", __package__)  # known by name alone: it stands above
        return products.product([self, other]).process()

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

    def _repr_html_(self) -> str:
        return import_module(".interchange.notebook", __package__).html(self)  # above, too


@checked
def hmm(
    T, start=None, *, name: str | int | float = "hmm", states: Sequence[str | int | float] | None = None
) -> Process:
    """A hidden Markov model from its labelled transition matrices.

    Arguments: `T` (V, S, S), T[x, i, j] = P(emit x, go to j | in i); `start` (S,), the stationary
    distribution if it is left out. A start that is the stationary one to the last digits (`ROUNDED`) is
    replaced by it, so that another program's rounding makes no other process. Rows of float32 numbers are
    divided by their sums where these are 1 within its rounding, and a `Float32Warning` says so. Names are
    strings that UTF-8 can write, or numbers, which are turned into strings. Raises `ProcessError` if T is not
    (V, S, S), has complex, NaN or negative entries, or rows of sum_x T[x] that do not sum to one; if `start`
    is not a distribution on the states; or if it is left out and the stationary distribution is not
    unique.

    >>> import numpy as np
    >>> import processes
    >>> T = np.zeros((2, 2, 2))
    >>> T[0, 0, 0], T[1, 0, 1], T[1, 1, 0] = 0.5, 0.5, 1.0
    >>> processes.hmm(T, name="even by hand", states=("A", "B"))
    <even by hand: 2 symbols, 2 states>
    >>> processes.hmm(2 * T)
    Traceback (most recent call last):
        ...
    processes.values.arrays.ProcessError: row 0 of sum_x T[x] sums to 2; it must sum to 1: ...
    """
    given, T = T, _cube(T)
    _nonnegative(T, "T")
    T = float32.normal(T, given, axes=(0, 2), what="T")
    rows = T.sum((0, 2))
    worst = int(np.argmax(np.abs(rows - 1)))
    if abs(rows[worst] - 1) > ROW_TOLERANCE:
        raise not_a_distribution(given, f"row {worst} of sum_x T[x]", rows[worst], f"T[:, {worst}, :]")
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
        start = float32.normal(start, given, axes=(0,), what="start")
        if abs(start.sum() - 1) > ROW_TOLERANCE:
            raise not_a_distribution(given, "start", start.sum(), "it")
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
    T = float32.rescaled(_cube(T), T)
    n_states = T.shape[1]
    total = T.sum(0)
    if start is None or w is None:
        must_be_simple(total)
    w = right_eigenvector(total) if w is None else checked_eigenvector(total, w)
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


@checked
def renamed(process: Process, name: str) -> Process:
    """The same process under another name, made of the same (`made_of`)."""
    return same_as(replace(process, name=name), process)


def _unrounded(chain: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The stationary distribution where `start` is that, rounded otherwise; else the start itself."""
    if len(closed_classes(chain)) > 1 or not np.allclose(start @ chain, start, rtol=0, atol=ROW_TOLERANCE):
        return start
    distribution = stationary(chain)
    return distribution if (np.abs(start - distribution) <= ROUNDED * distribution).all() else start


def _starts_stationary(process: Process) -> bool:
    """Whether the start of an HMM is, to the last bit, the one that the rule gives."""
    if process.kind != "hmm" or not process.is_stationary:
        return False
    return len(closed_classes(chain := process.T.sum(0))) == 1 and np.array_equal(
        process.start, stationary(chain)
    )


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
