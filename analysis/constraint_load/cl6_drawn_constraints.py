"""Constraints drawn at random, of kinds that differ in what they forbid and in what they remember."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

import processes
from processes.constraints import (
    Automaton,
    at_most_in_a_row,
    bounded_depth,
    conditioned,
    forbidden_word,
    load,
    parity,
    phases,
)
from processes.values.notes import noted

COUNT = 48
"""Constraints that are drawn together."""
TRIES = 20 * COUNT
"""Draws after which a process is said to bear too few of them."""
LIGHTEST, HEAVIEST = 0.01, 1.0
"""Loads of those that are taken, nats per token: a lighter one hardly asks for anything, and a heavier one
leaves hardly anything of the base.
"""

Rng = np.random.Generator


class Drawn(NamedTuple):
    """One constraint, and what it costs on the process that it was drawn for."""

    kind: str  # one of `KINDS`
    constraint: Automaton
    load: float  # nats per token


def _some(rng: Rng, vocab: int, most: int) -> list[int]:
    """One symbol to `most` of them, every number equally likely."""
    return sorted(rng.choice(vocab, size=int(rng.integers(1, most + 1)), replace=False).tolist())


def _symbols(rng: Rng, vocab: int) -> Automaton:
    return phases([_some(rng, vocab, vocab - 1)], vocab=vocab)


def _word(rng: Rng, vocab: int) -> Automaton:
    return forbidden_word(rng.integers(vocab, size=int(rng.integers(2, 5))).tolist(), vocab=vocab)


def _turns(rng: Rng, vocab: int) -> Automaton:
    return phases([_some(rng, vocab, vocab) for _ in range(int(rng.integers(2, 4)))], vocab=vocab)


def _parity(rng: Rng, vocab: int) -> Automaton:
    symbol, odd, period = (int(rng.integers(*span)) for span in ((vocab,), (2,), (2, 6)))
    return parity(symbol, vocab=vocab, odd=bool(odd), period=period)


def _run(rng: Rng, vocab: int) -> Automaton:
    symbol, most = (int(rng.integers(*span)) for span in ((vocab,), (1, 4)))
    return at_most_in_a_row(most, symbol, vocab=vocab)


def _brackets(rng: Rng, vocab: int) -> Automaton:
    opening, closing = rng.choice(vocab, size=2, replace=False).tolist()
    return bounded_depth(opening, closing, vocab=vocab, depth=int(rng.integers(1, 4)), closed=False)


KINDS: Mapping[str, Callable[[Rng, int], Automaton]] = {
    "symbols": _symbols,
    "word": _word,
    "turns": _turns,
    "parity": _parity,
    "run": _run,
    "brackets": _brackets,
}
"""Only some symbols; one word of two to four symbols nowhere; other symbols in turns of two or three; an even
or odd number of a symbol in every two to five; at most one to three of a symbol in a row; brackets that are
never more than one to three deep. Each is as likely as the next.
"""


@noted(64)
def drawn(process: processes.Process, seed: int) -> tuple[Drawn, ...]:
    """`COUNT` different constraints of loads from `LIGHTEST` to `HEAVIEST`, each of a kind drawn at random,
    by a seed; fewer where `TRIES` draws do not find as many.
    """
    rng, names = np.random.default_rng(seed), list(KINDS)
    found: dict[str, Drawn] = {}
    for _ in range(TRIES):
        kind = names[int(rng.integers(len(names)))]
        made = KINDS[kind](rng, process.vocab)
        if str(made.spec) not in found and (cost := _cost(process, made)) is not None:
            found[str(made.spec)] = Drawn(kind, made, cost)
            if len(found) == COUNT:
                break
    return tuple(found.values())


def _cost(process: processes.Process, constraint: Automaton) -> float | None:
    """Its load, if it is one that is taken and leaves a process to be learned."""
    try:
        cost = load(process, constraint)
        if not math.isfinite(cost) or not LIGHTEST <= cost <= HEAVIEST:
            return None
        conditioned(process, constraint)
    except processes.ProcessError:
        return None
    return cost
