"""Ready-made constraints. Each says what it asks of every prefix (and so of infinite words) and what only of
the end of a word.
"""

from collections.abc import Collection, Sequence

import numpy as np

from ..process import ProcessError
from ..values.arrays import integers
from ..values.checks import checked
from .automaton import Automaton, automaton, said


@checked
def forbidden_word(word, *, vocab: int) -> Automaton:
    """No occurrence of `word` anywhere: the automaton of Knuth, Morris and Pratt (1977), whose state is the
    longest matched prefix.

    The word is a sequence of symbols, or a string of digits. Raises `ProcessError` on the empty word or a
    symbol outside the alphabet.
    """
    given = integers(word, "word of forbidden_word")
    if given.ndim != 1:
        raise ProcessError(f"the word has shape {given.shape}; give one word, a sequence of symbols")
    word = [_symbol(x, vocab) for x in given.tolist()]
    if not word:
        raise ProcessError("the empty word occurs everywhere; forbid a word of at least one symbol")
    n = len(word)
    next = np.full((n + 1, vocab), n)
    border = 0  # state of word[1:a], the longest proper suffix that is also a prefix
    for a in range(n):
        next[a] = next[border] if a else 0
        next[a, word[a]] = a + 1
        border = next[border, word[a]] if a else 0
    made = automaton(next, [n], name=f"no {''.join(map(str, word))}")
    return said(made, f"no {symbols(word)}")


@checked
def at_most(m: int, symbol: int, *, vocab: int) -> Automaton:
    """At most `m` times `symbol` in the whole word, however long; the next one is forbidden for ever.

    On a base that must emit the symbol for ever the load is infinite; on one that need not, the conditioned
    infinite word has the load of never emitting it (the m permitted ones are spread over an infinite time).
    """
    _symbol(symbol, vocab), _count(m, 0)
    next = np.tile(np.arange(m + 2)[:, None], vocab)
    next[:-1, symbol] += 1
    return _said(automaton(next, [m + 1], name=f"at most {m} of {symbol}"))


@checked
def at_most_in_a_row(m: int, symbol: int, *, vocab: int) -> Automaton:
    """Never more than `m` of `symbol` in a row (a run-length limit)."""
    _symbol(symbol, vocab), _count(m, 0)
    next = np.zeros((m + 2, vocab), int)
    next[:, symbol] = np.minimum(np.arange(m + 2) + 1, m + 1)
    next[m + 1] = m + 1
    return _said(automaton(next, [m + 1], name=f"at most {m} of {symbol} in a row"))


@checked
def parity(symbol: int, *, vocab: int, odd: bool, period: int | None) -> Automaton:
    """An even (or odd) number of `symbol`, in every block of `period` symbols or, with `period=None`, in the
    whole finite word.

    With a period it is a constraint on infinite words: the count is checked, and starts anew, after every
    block. Without one it asks something of the end of a word only (`final` states): it matters at a finite
    horizon and has load zero on infinite words, unless the base itself fixes the parity.
    """
    _symbol(symbol, vocab)
    wanted, name = int(odd), f"{'odd' if odd else 'even'} number of {symbol}"
    flip = np.zeros(vocab, int)
    flip[symbol] = 1
    if period is None:
        return automaton(np.arange(2)[:, None] ^ flip, [], final=[wanted], name=f"{name} at the end")
    _count(period, 1)
    sink = 2 * period
    next = np.full((sink + 1, vocab), sink)
    for t in range(period):
        for count in range(2):
            after = count ^ flip
            next[2 * t + count] = (
                2 * (t + 1) + after if t + 1 < period else np.where(after == wanted, 0, sink)
            )
    return _said(automaton(next, [sink], name=f"{name} in every {period}"))


@checked
def order(first: int, second: int, *, vocab: int) -> Automaton:
    """`first` comes before `second`: no `second` until there has been a `first`."""
    _symbol(first, vocab), _symbol(second, vocab)
    if first == second:
        raise ProcessError(f"symbol {first} cannot come before itself; name two different symbols")
    next = np.tile(np.arange(3)[:, None], vocab)
    next[0, first], next[0, second] = 1, 2
    return _said(automaton(next, [2], name=f"{first} before {second}"))


@checked
def phases(permitted: Sequence[Collection[int]], *, vocab: int) -> Automaton:
    """At time t only the symbols in `permitted[t mod n]`, n = len(permitted)."""
    n = len(permitted)
    _count(n, 1)
    _alphabet(vocab)
    next = np.full((n + 1, vocab), n)
    for t, allowed in enumerate(permitted):
        next[t, [_symbol(x, vocab) for x in allowed]] = (t + 1) % n
    made = automaton(next, [n], name="phases " + "/".join("".join(map(str, sorted(s))) for s in permitted))
    return said(made, "phases " + "/".join(symbols(sorted(s)) for s in permitted) if all(permitted) else None)


@checked
def period(n: int, *, vocab: int, max_states: int = 100_000) -> Automaton:
    """x_t = x_{t-n} for all t >= n: the word repeats with period n. Its memory is the first n symbols, V^n
    states.

    Raises `ProcessError` beyond `max_states` states.
    """
    _count(n, 1)
    _alphabet(vocab)
    if vocab ** (n + 1) > max_states:
        raise ProcessError(
            f"repeating {n} of {vocab} symbols needs about {float(vocab) ** n:.3g} states, over "
            f"{max_states}; use a shorter period"
        )
    states: list[tuple[int, ...]] = [()]
    for u in states:
        if len(u) < n:
            states.extend((*u, x) for x in range(vocab))
    number = {u: i for i, u in enumerate(states)}
    sink = len(states)
    next = np.full((sink + 1, vocab), sink)
    for u, i in number.items():
        if len(u) < n:
            next[i] = [number[*u, x] for x in range(vocab)]
        else:
            next[i, u[0]] = number[*u[1:], u[0]]
    return _said(automaton(next, [sink], name=f"period {n}"))


@checked
def bounded_depth(opening: int, closing: int, *, vocab: int, depth: int, closed: bool) -> Automaton:
    """Brackets: never more `closing` than `opening` symbols so far, never more than `depth` open at once.

    With `closed` a finite word must also end with none open; on infinite words that adds nothing where
    closing stays possible.
    """
    _symbol(opening, vocab), _symbol(closing, vocab), _count(depth, 0)
    if opening == closing:
        raise ProcessError(f"symbol {opening} cannot both open and close; name two different symbols")
    sink = depth + 1
    next = np.tile(np.arange(sink + 1)[:, None], vocab)
    next[:sink, opening] += 1
    next[:sink, closing] -= 1
    next[0, closing] = sink
    made = automaton(
        next,
        [sink],
        final=[0] if closed else None,
        name=f"{'closed ' if closed else ''}depth at most {depth}",
    )
    return said(made, None if closed else f"depth of {opening}/{closing} at most {depth}")


def symbols(word: Sequence[int]) -> str:
    """Symbols as a sentence has them: side by side, or with commas where one of them is above 9 (`10,2`,
    `12,`).
    """
    return "".join(map(str, word)) if max(word) < 10 else ",".join(map(str, word)) + "," * (len(word) == 1)


def _said(made: Automaton) -> Automaton:
    """A constraint that goes by its sentence."""
    return said(made, made.name)


def _alphabet(vocab: int) -> None:
    if vocab < 1:
        raise ProcessError(f"an alphabet has at least 1 symbol, not {vocab}")


def _symbol(x: int, vocab: int) -> int:
    if not 0 <= x < vocab:
        raise ProcessError(f"symbol {x} is not in the alphabet; symbols are 0 to {vocab - 1}")
    return int(x)


def _count(m: int, least: int) -> int:
    if m < least:
        raise ProcessError(f"a constraint was asked for with the count {m}; it must be at least {least}")
    return m
