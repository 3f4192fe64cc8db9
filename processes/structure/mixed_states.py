"""Merged mixed states: the beliefs an observer can hold, as a finite unifilar machine where there are
finitely many.
"""

from dataclasses import dataclass
from importlib import import_module

import numpy as np
from jaxtyping import Bool, Float64, Int
from scipy.sparse.csgraph import connected_components

from ..algebra import gth
from ..algebra.chain import closed_classes, stationary
from ..entropy import entropy
from ..filter import predict
from ..process import Process, ProcessError
from ..values.checks import checked
from ..values.record import Record, remembered
from .belief_distribution import are_same
from .causal_states import longest_disagreement, same_future

DISTINCT = 1e-7
"""Mixed states of a finite set stay further apart than this. Anything closer that is not equal is an
accumulating, hence infinite, set.
"""


@dataclass(frozen=True, eq=False)
class MixedStates(Record):
    """The finite set of beliefs reachable from `process.start` (number 0), and how symbols move between
    them."""

    process: Process
    belief: Float64[np.ndarray, "M S"]  # one row per mixed state, in order of discovery (shortest word first)
    next: Int[np.ndarray, "M V"]  # mixed state after each symbol; -1 where the symbol is impossible
    probability: Float64[np.ndarray, "M V"]  # distribution of the next symbol in each mixed state

    def __len__(self) -> int:
        return len(self.belief)

    def _repr_html_(self) -> str:
        return import_module("..interchange.notebook", __package__).html_of_states(self)  # above

    @remembered
    def chain(self) -> Float64[np.ndarray, "M M"]:
        """P[m, m'] = probability of moving from mixed state m to m' in one symbol."""
        m, x = np.nonzero(self.next >= 0)
        P = np.zeros((len(self), len(self)))
        np.add.at(P, (m, self.next[m, x]), self.probability[m, x])
        return P

    @remembered
    def recurrent(self) -> Bool[np.ndarray, "M"]:
        """Which mixed states are visited for ever; the others are transient (the observer still
        synchronises).
        """
        keep = np.zeros(len(self), bool)
        keep[np.concatenate(closed_classes(self.chain))] = True
        return keep

    @remembered
    def surprise(self) -> Float64[np.ndarray, "M"]:
        """Entropy of the next symbol in each mixed state, nats."""
        return entropy(self.probability)

    @remembered
    def limit(self) -> Float64[np.ndarray, "M M"]:
        """Cesaro limit of the powers of `chain`: row m is the long-run distribution over mixed states after
        starting in m.
        """
        P, classes = self.chain, closed_classes(self.chain)
        limit = np.zeros_like(P)
        transient = np.flatnonzero(~self.recurrent)
        absorbed = gth.absorption(P, transient, classes)
        for k, c in enumerate(classes):
            distribution = stationary(P[np.ix_(c, c)])
            limit[np.ix_(c, c)] = distribution
            limit[np.ix_(transient, c)] = np.outer(absorbed[:, k], distribution)
        return limit

    @remembered
    def causal_class(self) -> Int[np.ndarray, "M"]:
        """Class of each mixed state under equality of all futures."""
        return same_future(self.next, self.probability)

    @remembered
    def causal_distribution(self) -> Float64[np.ndarray, "C"]:
        """Long-run probability of each causal state (class of recurrent mixed states with equal futures),
        zeros left out.
        """
        distribution = np.bincount(self.causal_class, weights=self.limit[0])
        return distribution[distribution > 0]

    @remembered
    def transient_modulus(self) -> float:
        """Largest |eigenvalue| of the transient part of `chain`: the rate at which an observer synchronises.

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
        """Smallest R such that the last R symbols fix the distribution of the future; infinity if there is
        none.

        Meaningful for a stationary start only, because only then is "the last R symbols" a statement about
        the process.
        """
        return longest_disagreement(self.next, self.causal_class)


@checked
def mixed_states(process: Process, *, max_states: int = 2000) -> MixedStates | None:
    """All beliefs reachable from `process.start`, merged where equal; None if no finite set closes within
    `max_states`.

    Two beliefs are merged when they are equal in floating point (see `belief_distribution.SAME`: to a
    relative 1e-12 in every coordinate for an HMM, with the same exact zeros). A set in which other beliefs
    come closer than `DISTINCT` is taken to accumulate at a point, and so to be infinite: a finite set has a
    gap there, a converging sequence crosses it. None is therefore the cautious answer: it can also mean a
    finite set of more than `max_states` beliefs, or one with two beliefs that are almost equal; a word of
    `endless_word` proves that they are infinitely many.

    >>> import processes
    >>> states = processes.mixed_states(processes.named("rrxor"))
    >>> len(states), int(states.recurrent.sum())
    (36, 5)
    """
    if max_states < 1:
        raise ProcessError(
            f"max_states is {max_states}; an observer has at least one belief, so give 1 or more"
        )
    belief, shadow = np.empty((max_states, process.n_states)), np.empty(max_states)
    belief[0], found, frontier = process.start, 1, 0
    # Beliefs closer than DISTINCT have closer shadows on this line, so that one comparison of numbers finds
    # the few candidates.
    line = np.cos(np.arange(1, process.n_states + 1))
    line /= np.abs(line).sum()
    shadow[0] = process.start @ line
    following, probability = [], []
    while frontier < found:
        here = belief[frontier:found]
        p = predict(process, here)
        joint = np.einsum("mi,xij->mxj", here, process.T)
        m, x = np.nonzero(p > process.zero)
        p = np.where(p > process.zero, p, 0.0)
        table = np.full(p.shape, -1)
        frontier = found
        for k, b in zip(zip(m, x, strict=True), joint[m, x] / p[m, x][:, None], strict=True):
            reach, at = DISTINCT * max(1.0, np.abs(b).max()), b @ line
            near = equal = np.flatnonzero(np.abs(shadow[:found] - at) < reach)
            if len(near):
                near = near[np.abs(belief[near] - b).max(1) < reach]
                equal = near[are_same(process, belief[near], b)]
            if not len(equal):
                if found == max_states or len(near):
                    return None
                belief[found], shadow[found] = b, at
                found += 1
            table[k] = equal[0] if len(equal) else found - 1
        following.append(table)
        probability.append(p)
    table = np.concatenate(following)
    return MixedStates(process, belief[:found].copy(), table, np.concatenate(probability))
