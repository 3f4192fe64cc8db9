"""Merged mixed states: the beliefs an observer can hold, as a finite unifilar machine where there are finitely many."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from .filter import predict
from .process import Process, closed_classes, stationary

SAME = 1e-12
"""Beliefs closer than this (largest coordinate) are one mixed state: a few hundred float64 roundings."""
DISTINCT = 1e-7
"""Mixed states of a finite set stay further apart than this. Anything in between is an accumulating, hence infinite, set."""


@dataclass(frozen=True, eq=False)
class MixedStates:
    """The finite set of beliefs reachable from `process.start` (number 0), and how symbols move between them."""

    process: Process
    belief: Float[np.ndarray, "M S"]  # one row per mixed state, in order of discovery (shortest word first)
    next: Int[np.ndarray, "M V"]  # mixed state after each symbol; -1 where the symbol is impossible
    probability: Float[np.ndarray, "M V"]  # law of the next symbol in each mixed state

    def __len__(self) -> int:
        return len(self.belief)

    @cached_property
    def chain(self) -> Float[np.ndarray, "M M"]:
        """P[m, m'] = probability of moving from mixed state m to m' in one symbol."""
        m, x = np.nonzero(self.next >= 0)
        P = np.zeros((len(self), len(self)))
        np.add.at(P, (m, self.next[m, x]), self.probability[m, x])
        return P

    @cached_property
    def recurrent(self) -> Bool[np.ndarray, "M"]:
        """Which mixed states are visited for ever; the others are transient (the observer still synchronises)."""
        keep = np.zeros(len(self), bool)
        keep[np.concatenate(closed_classes(self.chain))] = True
        return keep

    @cached_property
    def surprise(self) -> Float[np.ndarray, "M"]:
        """Entropy of the next symbol in each mixed state, nats."""
        return entropy(self.probability)

    @cached_property
    def limit(self) -> Float[np.ndarray, "M M"]:
        """Cesaro limit of the powers of `chain`: row m is the long-run law over mixed states after starting in m."""
        P, classes = self.chain, closed_classes(self.chain)
        limit = np.zeros_like(P)
        transient = np.flatnonzero(~self.recurrent)
        for c in classes:
            law = stationary(P[np.ix_(c, c)])
            limit[np.ix_(c, c)] = law
            if len(transient):
                into = P[np.ix_(transient, c)].sum(1)
                absorbed = np.linalg.solve(np.eye(len(transient)) - P[np.ix_(transient, transient)], into)
                limit[np.ix_(transient, c)] = np.outer(absorbed, law)
        return limit

    @cached_property
    def causal_class(self) -> Int[np.ndarray, "M"]:
        """Class of each mixed state under equality of all futures (Moore's partition refinement of the machine)."""
        label = _group(np.round(self.probability, 10))
        while True:
            after = np.where(self.next >= 0, label[self.next], -1)
            refined = _group(np.column_stack([label, after]))
            if refined.max() == label.max():
                return refined
            label = refined

    @cached_property
    def causal_law(self) -> Float[np.ndarray, "C"]:
        """Long-run probability of each causal state (class of recurrent mixed states with equal futures), zeros left out."""
        law = np.bincount(self.causal_class, weights=self.limit[0])
        return law[law > 0]

    @cached_property
    def transient_modulus(self) -> float:
        """Largest |eigenvalue| of the transient part of `chain`: the rate at which h(L) reaches the entropy rate.

        Taken block by block over strongly connected components, so that a nilpotent part gives exactly zero.
        """
        keep = np.flatnonzero(~self.recurrent)
        block = self.chain[np.ix_(keep, keep)]
        if not len(keep):
            return 0.0
        n, label = connected_components(block > 0, directed=True, connection="strong")
        members = [np.flatnonzero(label == c) for c in range(n)]
        return float(max(np.abs(np.linalg.eigvals(block[np.ix_(c, c)])).max() for c in members))

    def markov_order(self) -> float:
        """Smallest R such that the last R symbols fix the law of the future; infinity if there is none.

        Read off the pairs (state after a word from the start, state after it from any reachable mixed state): the order is the
        longest word along which some pair stays in different causal classes, infinite if such a pair can recur.
        Meaningful for a stationary start only, because only then is "the last R symbols" a statement about the process.
        """
        representative = np.unique(self.causal_class, return_index=True)[1]
        step = np.where(self.next >= 0, self.causal_class[self.next], -1)[representative]
        first = int(self.causal_class[0])
        seen = {(first, m): i for i, m in enumerate(c for c in range(len(step)) if c != first)}
        todo, edges = list(seen), []
        for pair in todo:
            for a, b in zip(step[pair[0]], step[pair[1]], strict=True):
                if a < 0 or b < 0 or a == b:
                    continue
                after = (int(a), int(b))
                if after not in seen:
                    seen[after] = len(seen)
                    todo.append(after)
                edges.append((seen[pair], seen[after]))
        return _longest_walk(len(seen), edges)


def mixed_states(process: Process, *, max_states: int = 2000) -> MixedStates | None:
    """All beliefs reachable from `process.start`, merged where equal; None if no finite set closes within `max_states`.

    Two beliefs are merged when they agree to `SAME`. A set in which distinct beliefs come closer than `DISTINCT` is taken to
    accumulate at a point, and so to be infinite: a finite set has a gap there, a converging sequence crosses it.
    """
    belief = np.empty((max_states, process.n_states))
    belief[0], found, frontier = process.start, 1, 0
    following, law = [], []
    while frontier < found:
        here = belief[frontier:found]
        p = predict(process, here)
        joint = np.einsum("mi,xij->mxj", here, process.T)
        m, x = np.nonzero(p > process.zero)
        table = np.full(p.shape, -1)
        frontier = found
        for k, b in zip(zip(m, x, strict=True), joint[m, x] / p[m, x][:, None], strict=True):
            distance = np.abs(belief[:found] - b).max(1)
            nearest = int(distance.argmin())
            if distance[nearest] > SAME:
                if distance[nearest] < DISTINCT or found == max_states:
                    return None
                nearest, found = found, found + 1
                belief[nearest] = b
            table[k] = nearest
        following.append(table)
        law.append(p)
    return MixedStates(process, belief[:found].copy(), np.concatenate(following), np.concatenate(law))


def entropy(p: Float[np.ndarray, "*batch V"]) -> Float[np.ndarray, "*batch"]:
    """-sum p log p over the last axis, nats, with 0 log 0 = 0."""
    return 0.0 - np.sum(p * np.log(np.where(p > 0, p, 1.0)), -1)


def _group(rows: np.ndarray) -> np.ndarray:
    """Number the rows so that equal rows have equal numbers."""
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def _longest_walk(n: int, edges: list[tuple[int, int]]) -> float:
    """Nodes on the longest walk of a directed graph; infinity if it has a cycle."""
    if not n:
        return 0
    i, j = np.array(edges, int).reshape(-1, 2).T
    graph = csr_array((np.ones(len(i)), (i, j)), (n, n))
    if connected_components(graph, directed=True, connection="strong")[0] < n or (i == j).any():
        return np.inf
    length = np.ones(n, int)
    for _ in range(n):
        longer = length.copy()
        np.maximum.at(longer, i, length[j] + 1)
        if (longer == length).all():
            break
        length = longer
    return int(length.max())
