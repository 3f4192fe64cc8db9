"""Which nodes of a directed graph can reach which others."""

import numpy as np
from jaxtyping import Bool, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components


def graph(source: np.ndarray, target: np.ndarray, n: int) -> csr_array:
    """The graph on n nodes with these edges, each given as the node it leaves and the one it enters."""
    edges = csr_array((np.ones(len(source), np.int8), (source, target)), (n, n))
    edges.data[:] = 1
    return edges


def reaching(edges: csr_array, targets: Bool[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Which nodes have a walk to one of the targets; these have one of no edges."""
    i, j = edges.nonzero()
    n, into = edges.shape[0], np.flatnonzero(targets)
    # Backwards from one more node, which every target leads to.
    back = graph(np.concatenate([j, np.full(len(into), n)]), np.concatenate([i, into]), n + 1)
    found = np.zeros(n + 1, bool)
    found[breadth_first_order(back, n, return_predecessors=False)] = True
    return found[:n]


def endless(edges: csr_array) -> Bool[np.ndarray, "n"]:
    """Which nodes have walks of any length: those that can reach a cycle."""
    _, label = connected_components(edges, directed=True, connection="strong")
    i, j = edges.nonzero()
    around = np.bincount(label)[label] > 1
    around[i[i == j]] = True
    return reaching(edges, around)


def phases(edges: csr_array) -> Int[np.ndarray, "n"]:
    """Cyclic class of each node of a strongly connected graph: distance from node 0 modulo the gcd of all
    cycle lengths.
    """
    reached, parent = breadth_first_order(edges, 0, directed=True)
    distance = np.zeros(edges.shape[0], int)
    for i in reached[1:]:
        distance[i] = distance[parent[i]] + 1
    i, j = edges.nonzero()
    return np.asarray(distance % int(np.gcd.reduce(np.abs(distance[i] + 1 - distance[j]))))
