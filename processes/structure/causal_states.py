"""Causal states: beliefs with one future are one state, and the machine over them is the epsilon-machine."""

import numpy as np
from jaxtyping import Float64, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from .belief_distribution import alike

SAME_DISTRIBUTION = 1e-9
"""Next-symbol distributions closer than this are one distribution; mixed states of a finite set stay much
further apart (`mixed_states.DISTINCT`).
"""


def same_future(
    following: Int[np.ndarray, "M V"], probability: Float64[np.ndarray, "M V"]
) -> Int[np.ndarray, "M"]:
    """Number the states of a unifilar machine so that states with equal futures have equal numbers (Moore's
    partition refinement).

    `following[m, x]` is the state after symbol x (-1: impossible), `probability[m, x]` its probability.
    """
    label = alike(probability, SAME_DISTRIBUTION)
    while True:
        after = np.where(following >= 0, label[following], -1)
        refined = np.unique(np.column_stack([label, after]), axis=0, return_inverse=True)[1].reshape(-1)
        if refined.max() == label.max():
            return refined
        label = refined


def longest_disagreement(following: Int[np.ndarray, "M V"], causal_class: Int[np.ndarray, "M"]) -> float:
    """Longest word after which the observer who started in state 0 and one who started elsewhere may still
    expect different futures.

    Read off the pairs (state after the word from state 0, state after it from any reachable state): the
    length of the longest walk among pairs of different causal classes, counting nodes; infinite if such a
    pair can recur.
    """
    representative = np.unique(causal_class, return_index=True)[1]
    step = np.where(following >= 0, causal_class[following], -1)[representative]
    first = int(causal_class[0])
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


def _longest_walk(n: int, edges: list[tuple[int, int]]) -> float:
    """Nodes on the longest walk of a directed graph; infinity if it has a cycle."""
    if not n:
        return 0.0
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
    return float(length.max())
