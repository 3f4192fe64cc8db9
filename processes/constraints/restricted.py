"""The restricted operator: a base process that is stopped as soon as it violates a constraint."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int
from scipy.sparse import csr_array

from ..process import Process, ProcessError
from ..values.checks import checked
from ..values.record import Record, remembered
from .automaton import Automaton


@dataclass(frozen=True, eq=False)
class Restricted(Record, copies=False):
    """The sub-stochastic process on pairs (hidden state i, automaton state a).

    T_C[x, (i, a), (j, b)] = T[x, i, j] where b = next[a, x] is allowed, else 0. For an HMM only the pairs
    that the start can reach are kept. P(word and it satisfies C) = start T_C[x1] ... T_C[xn] final.
    """

    base: Process
    constraint: Automaton
    pairs: Int[np.ndarray, "P 2"]  # hidden state, automaton state
    T: tuple[csr_array, ...]  # one (P, P) sparse matrix per symbol
    start: Float64[np.ndarray, "P"]
    final: Float64[np.ndarray, "P"]  # w of the base on final automaton states, zero on the others

    def __len__(self) -> int:
        return len(self.pairs)

    @remembered
    def chain(self) -> csr_array:
        """sum_x T_C[x], (P, P): its powers say how much probability survives."""
        total = sum(self.T[1:], start=self.T[0])
        total.sum_duplicates()
        return total

    @property
    def states(self) -> tuple[str, ...]:
        """A name for each pair."""
        return tuple(f"{self.base.states[i]}|{a}" for i, a in self.pairs)


@checked
def restricted(base: Process, constraint: Automaton, *, max_pairs: int = 100_000) -> Restricted:
    """The base process restricted to the words that satisfy the constraint.

    Raises `ProcessError` if the alphabets differ, or beyond `max_pairs` pairs of states.
    """
    check_alphabet(base, constraint)
    number = np.full((constraint.n_states, base.n_states), -1)
    kept = _reachable(base, constraint)
    size = int(kept.sum())
    if size > max_pairs:
        raise ProcessError(
            f"{base.name} with {constraint.name} has {size} pairs of states, over {max_pairs}; use "
            "finite_load, or fewer constraints"
        )
    number[kept] = np.arange(size)
    a, i = np.nonzero(kept)
    T = []
    for x in range(base.vocab):
        after = constraint.next[a, x]
        flow = np.where(constraint.allowed[after][:, None], base.T[x][i], 0.0)
        p, j = np.nonzero(flow)
        T.append(csr_array((flow[p, j], (p, number[after[p], j])), (size, size)))
    start = np.where(a == constraint.start, base.start[i], 0.0)
    final = np.where(constraint.final[a], base.w[i], 0.0)
    return Restricted(base, constraint, np.column_stack([i, a]), tuple(T), start, final)


def check_alphabet(base: Process, constraint: Automaton) -> None:
    """Raises `ProcessError` unless the constraint reads the symbols that the process emits."""
    if base.vocab != constraint.vocab:
        raise ProcessError(
            f"{base.name} emits {base.vocab} symbols, but {constraint.name} reads {constraint.vocab}; they "
            "need one alphabet"
        )


def _reachable(base: Process, constraint: Automaton) -> Bool[np.ndarray, "A S"]:
    """Which (automaton, hidden) pairs the start reaches; all hidden states of a generalised HMM, whose states
    are not events.
    """
    signed = base.kind == "ghmm"
    step = np.ones((base.vocab, base.n_states, base.n_states), bool) if signed else base.T > 0
    kept = np.zeros((constraint.n_states, base.n_states), bool)
    kept[constraint.start] = True if signed else base.start > 0
    todo = [constraint.start]
    while todo:
        a = todo.pop()
        for x in range(base.vocab):
            b = int(constraint.next[a, x])
            reached = kept[a] @ step[x]
            if constraint.allowed[b] and (reached & ~kept[b]).any():
                kept[b] |= reached
                todo.append(b)
    return kept
