"""What it costs not to be synchronised: how much more than the entropy rate an observer pays until the causal
state is known.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import splu

from ..algebra import gth
from ..entropy import divergence
from ..structure.mixed_states import MixedStates

DENSE = 1200
"""Pairs up to which they are eliminated without a subtraction; more of them by sparse factors, which lose
digits where synchronising is rare.
"""


class Pairs(NamedTuple):
    """An observer who started without knowledge (mixed state `blind`) beside the causal state that words
    really come from (`true`).
    """

    blind: Int[np.ndarray, "P"]
    true: Int[np.ndarray, "P"]
    start: Float64[np.ndarray, "P"]  # probability of each pair before the first symbol
    source: Int[np.ndarray, "E"]  # moves between pairs in which the two still expect different futures
    target: Int[np.ndarray, "E"]
    probability: Float64[np.ndarray, "E"]
    leaves: Float64[np.ndarray, "P"]  # probability that the next symbol synchronises


def surplus(ms: MixedStates) -> tuple[float, float]:
    """sum_L (h(L) - h) and sum_L L (h(L) - h) of a stationary process, nats and nats x symbols.

    Let a causal state be drawn from its long-run distribution, emit words, and an observer read along who
    knows nothing at first. Then h(L) - h is the mean of KL(next | true || next | blind) over the pairs
    (blind, true) after L - 1 symbols: only pairs with different futures count, they die out, and with Q the
    moves among them, p their distribution at first and d that divergence,

        sum_L (h(L) - h) = p (I - Q)^-1 d,      sum_L L (h(L) - h) = p (I - Q)^-2 d.

    Derived in docs/theory/merging_and_surplus.md, also why not by the fundamental matrix of the mixed-state
    chain.
    """
    pairs = unsynchronised(ms)
    if not len(pairs.blind):
        return 0.0, 0.0
    once = _solve(pairs, divergence(ms.probability[pairs.true], ms.probability[pairs.blind]))
    return float(pairs.start @ once), float(pairs.start @ _solve(pairs, once))


def unsynchronised(ms: MixedStates) -> Pairs:
    """Every reachable pair whose futures differ, and how they move."""
    kind, V = ms.causal_class, ms.next.shape[1]
    true = np.flatnonzero(ms.limit[0] > 0)
    true = true[kind[true] != kind[0]]
    first = np.column_stack([np.zeros_like(true), true])
    number = {pair: i for i, pair in enumerate(map(tuple, first.tolist()))}
    edges, leaves, todo = [], [], list(number)
    for i, (m, s) in enumerate(todo):
        gone = 0.0
        for x in range(V):
            p, pair = ms.probability[s, x], (int(ms.next[m, x]), int(ms.next[s, x]))
            if pair[1] < 0 or pair[0] < 0:
                continue
            if kind[pair[0]] == kind[pair[1]]:
                gone += p
                continue
            if pair not in number:
                number[pair] = len(number)
                todo.append(pair)
            edges.append((i, number[pair], p))
        leaves.append(gone)
    start = np.zeros(len(todo))
    start[: len(true)] = ms.limit[0][true]
    blind, known = np.array(todo, int).reshape(-1, 2).T
    source, target, probability = np.array(edges, float).reshape(-1, 3).T
    return Pairs(blind, known, start, source.astype(int), target.astype(int), probability, np.array(leaves))


def _solve(pairs: Pairs, value: Float64[np.ndarray, "P"]) -> Float64[np.ndarray, "P"]:
    """(I - Q)^-1 value."""
    n = len(pairs.blind)
    Q = csc_array((pairs.probability, (pairs.source, pairs.target)), (n, n))
    if n <= DENSE:
        return gth.absorbing(Q.toarray(), pairs.leaves, value[:, None])[:, 0]
    Q.setdiag(0)
    out = pairs.leaves + Q.sum(1)
    return splu((diags_array(out) - Q).tocsc()).solve(value)
