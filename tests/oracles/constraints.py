"""Constraints in plain Python, and the operators of all of them on all processes of the catalogue."""

from functools import lru_cache

import numpy as np
from hypothesis import settings

from oracles import all_words, distribution_of_words
from processes import (
    coin,
    named,
)
from processes.constraints import (
    at_most,
    at_most_in_a_row,
    bounded_depth,
    escape,
    forbidden_word,
    order,
    parity,
    period,
    phases,
    restricted,
)
from processes.constraints.strategies import automata
from processes.names.catalogue import CATALOGUE
from processes.strategies import hmms

modest = settings(deadline=None, max_examples=40)
ROUNDING = 1e-11
"""A few thousand float64 roundings: sums over at most a few hundred words of products of a few factors."""
FAIR = coin(p=0.5)


def text(word) -> str:
    return "".join(map(str, word))


def within(prefix_of, m, n):
    """Bracket depths of all prefixes stay in m..n."""
    depth = np.cumsum([{0: 1, 1: -1}.get(x, 0) for x in prefix_of])
    return all(m <= d <= n for d in depth)


# name -> (constraint on an alphabet of V symbols, what it says in plain Python)
READY = {
    "forbidden word": (lambda V: forbidden_word([1, 1, 0, 1, 1], vocab=V), lambda w: "11011" not in text(w)),
    "forbidden short": (lambda V: forbidden_word([1, 1], vocab=V), lambda w: "11" not in text(w)),
    "at most": (lambda V: at_most(2, 1, vocab=V), lambda w: list(w).count(1) <= 2),
    "at most in a row": (lambda V: at_most_in_a_row(2, 0, vocab=V), lambda w: "000" not in text(w)),
    "parity of blocks": (
        lambda V: parity(1, vocab=V, odd=True, period=3),
        lambda w: all(list(w[i : i + 3]).count(1) % 2 == 1 for i in range(0, len(w) - 2, 3)),
    ),
    "parity at the end": (
        lambda V: parity(1, vocab=V, odd=False, period=None),
        lambda w: list(w).count(1) % 2 == 0,
    ),
    "order": (lambda V: order(0, 1, vocab=V), lambda w: 1 not in w or 0 in w[: list(w).index(1)]),
    "period": (lambda V: period(2, vocab=V), lambda w: all(w[t] == w[t - 2] for t in range(2, len(w)))),
    "phases": (
        lambda V: phases([[0], [0, 1], [1]], vocab=V),
        lambda w: all(x in ([0], [0, 1], [1])[t % 3] for t, x in enumerate(w)),
    ),
    "depth": (lambda V: bounded_depth(0, 1, vocab=V, depth=2, closed=False), lambda w: within(w, 0, 2)),
    "closed depth": (
        lambda V: bounded_depth(0, 1, vocab=V, depth=2, closed=True),
        lambda w: within(w, 0, 2) and list(w).count(0) == list(w).count(1),
    ),
}
PAIRS = [(member, constraint) for member in CATALOGUE for constraint in READY]
# Survival carries a factor n^2 here: a pole of order three, which cannot be resolved where signs may cancel.
REFUSED = [
    ("fanizza", "at most"),
    ("moon", "at most"),
    ("bloch_walk", "at most"),
    ("quantum_rrxor", "at most"),
]
BORNE = [pair for pair in PAIRS if pair not in REFUSED]

member_named = lru_cache(named)


@lru_cache
def ready(constraint, V):
    return READY[constraint][0](V)


@lru_cache
def operator(member, constraint):
    base = member_named(member)
    return restricted(base, ready(constraint, base.vocab))


@lru_cache
def escaping(member, constraint):
    return escape(operator(member, constraint))


@lru_cache
def satisfied(constraint, V, n):
    """Which of all words satisfy the constraint, by its meaning in plain Python."""
    return np.array([bool(READY[constraint][1](w)) for w in map(tuple, all_words(V, n).tolist())])


def words_with_probability(process, n):
    """Every word of length n and its probability, by multiplying matrices; up to `process.zero` it is
    impossible.
    """
    p = distribution_of_words(process, n)
    return all_words(process.vocab, n), np.where(p > process.zero, p, 0.0)


def longest(V):
    """Length of the words to enumerate: every ready constraint can be broken by five symbols."""
    return 6 if V <= 3 else 5


FAR = 600


def constrained(data, count=2):
    base = data.draw(hmms(max_states=3))
    return base, [data.draw(automata(vocab=base.vocab)) for _ in range(count)]
