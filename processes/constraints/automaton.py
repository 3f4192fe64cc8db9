"""Constraints on words as deterministic finite automata with forbidden states."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int

from ..algebra.graph import endless, graph, reaching
from ..filter import in_alphabet
from ..process import ProcessError
from ..values.arrays import integers
from ..values.checks import checked
from ..values.identity import Identity, bits
from ..values.record import Record
from ..values.structure import listed


@dataclass(frozen=True, eq=False)
class Automaton(Record):
    """A constraint: a word satisfies it if its run from `start` visits only allowed states and ends in a
    final one.

    Where every allowed state is final the constraint is about every prefix, and so about infinite words; a
    smaller set of final states asks something of the end of a finite word only. Build one with `automaton`,
    which checks it.
    """

    next: Int[np.ndarray, "A V"]  # state after each symbol
    allowed: Bool[np.ndarray, "A"]  # False: forbidden, a run that enters it violates the constraint for ever
    final: Bool[np.ndarray, "A"]  # where a finite word may end; False on forbidden states
    start: int
    name: str
    spec: str | None = field(
        default=None, init=False, repr=False
    )  # the sentence that `constraint` reads as it; None where there is none
    parts: tuple["Automaton", ...] = field(
        default=(), init=False, repr=False
    )  # what it is the conjunction of

    @property
    def vocab(self) -> int:
        """Number of symbols V."""
        return self.next.shape[1]

    @property
    def n_states(self) -> int:
        """Number of automaton states A, forbidden ones included."""
        return self.next.shape[0]

    @property
    def identity(self) -> Identity:
        """What it is, as plain values: its table, its states, and nothing of its name."""
        return [
            "automaton",
            list(self.next.shape),
            bits(np.column_stack([self.next, self.allowed, self.final])),
            self.start,
        ]

    def __repr__(self) -> str:
        return f"<{self.name}: {self.vocab} symbols, {self.n_states} automaton states>"


@checked
def automaton(
    next, forbidden, *, start: int = 0, final=None, name: str | int | float = "constraint"
) -> Automaton:
    """A constraint from its transition table.

    Arguments: `next` (A, V), the state after each symbol; `forbidden`, the numbers of the forbidden states;
    `final`, the numbers of the states a finite word may end in (every allowed one if left out). Raises
    `ProcessError` on a table that is not (A, V) integers, an undefined transition, a state number out of
    range, a forbidden start, a forbidden final state, or an empty language: no arbitrarily long word
    satisfies the constraint.
    """
    next = integers(next, "next")
    if next.ndim != 2 or 0 in next.shape:
        raise ProcessError(
            f"next has shape {next.shape} and dtype {next.dtype}; it must be integers of shape (automaton "
            "states, symbols)"
        )
    n = len(next)
    bad = np.argwhere((next < 0) | (next >= n))
    if len(bad):
        a, x = (int(i) for i in bad[0])
        raise ProcessError(
            f"the transition of state {a} on symbol {x} is undefined ({next[a, x]}); name one of the states "
            f"0 to {n - 1}"
        )
    allowed = ~_marked(forbidden, n, "forbidden")
    ends = allowed if final is None else _marked(final, n, "final")
    _marked([start], n, "start")
    if not allowed[start]:
        raise ProcessError(
            f"the start state {start} of {name} is forbidden, so even the empty word violates it; allow that "
            "state"
        )
    if (ends & ~allowed).any():
        raise ProcessError(
            f"state {int(np.argmax(ends & ~allowed))} of {name} is both final and forbidden; it can only be "
            "one of them"
        )
    made = Automaton(next, allowed, ends, start, str(name))
    if not live(made)[start]:
        raise ProcessError(
            f"no arbitrarily long word satisfies {name}: its language is empty; allow more states or check "
            "the transitions"
        )
    return made


@checked
def anything(vocab: int) -> Automaton:
    """The constraint that every word satisfies: the neutral element of `conjunction`. Raises `ProcessError`
    if `vocab` < 1.
    """
    if vocab < 1:
        raise ProcessError(f"an alphabet of {vocab} symbols has no words; give at least 1")
    return automaton(np.zeros((1, vocab), int), [], name="anything")


@checked
def runs(constraint: Automaton, words: Int[np.ndarray, "*batch L"]) -> Int[np.ndarray, "*batch M"]:
    """States visited by each word, the start included (M = L + 1); a forbidden state, once entered, is never
    left.

    Raises `ProcessError` on a symbol outside the alphabet.
    """
    words = in_alphabet(words, constraint.vocab, constraint.name)
    states = np.empty((*words.shape[:-1], words.shape[-1] + 1), np.int64)
    states[..., 0] = constraint.start
    for t in range(words.shape[-1]):
        here = states[..., t]
        states[..., t + 1] = np.where(constraint.allowed[here], constraint.next[here, words[..., t]], here)
    return states


@checked
def accepts(constraint: Automaton, words: Int[np.ndarray, "*batch L"]) -> Bool[np.ndarray, "*batch"]:
    """Whether each word (..., L) satisfies the constraint."""
    return np.asarray(constraint.final[runs(constraint, words)[..., -1]])


@checked
def conjunction(constraints: Sequence[Automaton], *, max_states: int = 200_000) -> Automaton:
    """All constraints at once: the product automaton, restricted to its reachable states.

    Tuples with a forbidden component are one forbidden state. The result may be unsatisfiable (`live` is then
    False at its start): that is a finding about the constraints (see `conflicting_subset`), not an error.
    Raises `ProcessError` without constraints, if alphabets differ, or beyond `max_states` states.
    """
    if not constraints:
        raise ProcessError("a conjunction of no constraints has no alphabet; use anything(vocab)")
    V = constraints[0].vocab
    for c in constraints:
        if c.vocab != V:
            raise ProcessError(
                f"{constraints[0].name} reads {V} symbols and {c.name} reads {c.vocab}; constraints share "
                "one alphabet"
            )
    sink: tuple[int, ...] = ()
    number = {tuple(c.start for c in constraints): 0}
    todo, rows = list(number), []
    for q in todo:
        row = []
        for x in range(V):
            r = tuple(int(c.next[a, x]) for c, a in zip(constraints, q, strict=True)) if q else sink
            if r and not all(c.allowed[a] for c, a in zip(constraints, r, strict=True)):
                r = sink
            if r not in number:
                if len(number) == max_states:
                    raise ProcessError(
                        f"the conjunction has over {max_states} states; combine fewer or smaller constraints"
                    )
                number[r] = len(number)
                todo.append(r)
            row.append(number[r])
        rows.append(row)
    allowed = np.array([q != sink for q in todo])
    final = np.array(
        [q != sink and all(c.final[a] for c, a in zip(constraints, q, strict=True)) for q in todo]
    )
    made = Automaton(np.array(rows), allowed, final, 0, " and ".join(c.name for c in constraints))
    object.__setattr__(made, "parts", tuple(constraints))
    return said(made, listed([c.spec for c in constraints], "; "))


def said(constraint: Automaton, spec: str | None) -> Automaton:
    """The constraint, known from now on by the sentence that `constraint` reads as it."""
    object.__setattr__(constraint, "spec", spec)
    return constraint


@checked
def pulled_back(constraint: Automaton, symbols, *, name: str | None = None) -> Automaton:
    """The same constraint on another alphabet, of which symbol x is read as `symbols[x]`.

    With the digits of a composite token it constrains one factor of a product.
    Raises `ProcessError` if a read symbol is not in the constraint's alphabet.
    """
    symbols = integers(symbols, "symbols")
    if symbols.ndim != 1 or not symbols.size:
        raise ProcessError(
            f"symbols have shape {symbols.shape}; give the symbol that each of the new alphabet is read as, "
            "(V,)"
        )
    if symbols.min() < 0 or symbols.max() >= constraint.vocab:
        raise ProcessError(
            f"symbols are read as {symbols.min()} to {symbols.max()}, but {constraint.name} reads 0 to "
            f"{constraint.vocab - 1}"
        )
    return Automaton(
        constraint.next[:, symbols],
        constraint.allowed,
        constraint.final,
        constraint.start,
        name or constraint.name,
    )


@checked
def live(constraint: Automaton) -> Bool[np.ndarray, "A"]:
    """States from which arbitrarily long satisfying words exist: the greatest set of allowed states that can
    all reach a final one and each have a successor in the set.
    """
    n, allowed = constraint.n_states, constraint.allowed
    a, b = np.repeat(np.arange(n), constraint.vocab), constraint.next.ravel()
    inside = allowed[a] & allowed[b]
    useful = reaching(graph(a[inside], b[inside], n), allowed & constraint.final)
    inside = useful[a] & useful[b]
    return endless(graph(a[inside], b[inside], n))


def _marked(numbers, n: int, what: str) -> np.ndarray:
    numbers = integers(
        list(numbers) if isinstance(numbers, set | frozenset) else numbers, f"the {what} states"
    )
    if numbers.ndim != 1:
        raise ProcessError(f"{what} has shape {numbers.shape}; it must be a list of state numbers")
    if len(numbers) and not (numbers.min() >= 0 and numbers.max() < n):
        raise ProcessError(
            f"{what} names the states {numbers.tolist()}; the automaton has the states 0 to {n - 1}"
        )
    marks = np.zeros(n, bool)
    marks[numbers] = True
    return marks
