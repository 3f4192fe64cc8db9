"""State-emitting hidden Markov models (Moore machines), as most libraries have them, and back."""

from typing import Literal

import numpy as np
from jaxtyping import Float64

from ..algebra.chain import stationary
from ..process import ROUNDED, ROW_TOLERANCE, Process, ProcessError, hmm
from ..values import float32
from ..values.arrays import not_a_distribution, real
from ..values.checks import checked


@checked
def from_moore(
    start, transition, emission, *, emits: Literal["left", "arrived"] = "left", name: str = "moore"
) -> Process:
    """The process of a model whose states emit: z_1 ~ start, x_t ~ emission[z_t], z_t+1 ~ transition[z_t].

    `start` (S,), the stationary distribution if it is None; `transition` (S, S), rows to columns; `emission`
    (S, V). Here a symbol stands on an edge between states, so one has to say which end of it emits; words
    have the same probabilities either way, and beliefs are of different times:

    `left`      T[x, i, j] = emission[i, x] transition[i, j]: a step emits from the state that it leaves.
                The belief after x_t is about z_t+1, the state that emits next
    `arrived`   T[x, i, j] = transition[i, j] emission[j, x]: a step emits from the state it arrives at.
                The belief after x_t is about z_t, the filtered posterior that libraries report; where `start`
                is not stationary, one more state, `start`, comes before all others and is left at once

    Raises `ProcessError` unless shapes agree and rows are distributions (those of float32 numbers are divided
    by their sums, with a `Float32Warning`).

    >>> import processes
    >>> weather = processes.from_moore([0.5, 0.5], [[0.9, 0.1], [0.3, 0.7]], [[0.5, 0.5], [0.1, 0.9]])
    >>> weather.T.shape  # symbols, from, to
    (2, 2, 2)
    """
    A, E = _rows(transition, "transition"), _rows(emission, "emission")
    S = len(A)
    if A.shape != (S, S) or len(E) != S:
        raise ProcessError(
            f"transition has shape {A.shape} and emission {E.shape}; give (states, states) and (states, "
            "symbols)"
        )
    first = stationary(A) if start is None else _rows(start, "start", axes=1)
    if first.shape != (S,):
        raise ProcessError(f"start has shape {first.shape}; the model has {S} states, so it must be ({S},)")
    if emits == "left":
        return hmm(np.einsum("ix,ij->xij", E, A), first, name=name)
    T = np.einsum("ij,jx->xij", A, E)
    if np.allclose(first @ A, first, rtol=0, atol=ROUNDED):
        return hmm(T, first, name=name)
    with_start = np.zeros((E.shape[1], S + 1, S + 1))
    with_start[:, 1:, 1:], with_start[:, 0, 1:] = T, (first[:, None] * E).T
    states = ["start", *map(str, range(S))]
    return hmm(with_start, np.eye(S + 1)[0], name=name, states=states)


@checked
def to_moore(
    process: Process,
) -> tuple[Float64[np.ndarray, "S"], Float64[np.ndarray, "S S"], Float64[np.ndarray, "S V"]]:
    """`start`, `transition` and `emission` of a state-emitting model with the same words, for any library.

    With the states of the process where what it emits and where it goes are independent; else with one state
    for every symbol and the state it leads to. Raises `ProcessError` for a generalised HMM, whose states are
    no events.
    """
    if process.kind != "hmm":
        raise ProcessError(
            f"{process.name} is a generalised HMM: no finite set of states need emit its words; take its "
            "matrices T"
        )
    A, E = process.T.sum(0), process.T.sum(2).T
    if np.allclose(np.einsum("ix,ij->xij", E, A), process.T, rtol=0, atol=ROUNDED):
        return process.start, A, E
    first = np.einsum("i,xij->xj", process.start, process.T)
    x, j = np.nonzero((process.T.sum(1) > 0) | (first > 0))
    return first[x, j], process.T[x[None, :], j[:, None], j[None, :]], np.eye(process.vocab)[x]


def _rows(given, what: str, axes: int = 2) -> np.ndarray:
    """Distributions along the last axis, whatever library the array is of."""
    array = real(given, what)
    if array.ndim != axes or not array.size:
        raise ProcessError(
            f"{what} has shape {array.shape}; it must have {axes} ax{'e' if axes > 1 else 'i'}s"
        )
    if (array < 0).any():
        where = tuple(int(i) for i in np.argwhere(array < 0)[0])
        raise ProcessError(f"{what}{list(where)} is {array[where]:.12g}; a probability cannot be negative")
    array = float32.normal(array, given, axes=(axes - 1,), what=what)
    sums = np.atleast_1d(array.sum(-1))
    if not (np.abs(sums - 1) <= ROW_TOLERANCE).all():
        worst = int(np.argmax(np.abs(sums - 1)))
        row = f"row {worst} of {what}" if axes > 1 else what
        raise not_a_distribution(given, row, sums[worst], "it")
    return array
