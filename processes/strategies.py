"""Hypothesis strategies: random valid processes, words they can emit, and relabellings of their states.

Use them to state properties of your own:

    @given(hmms())
    def test_entropy_never_increases(process): ...
"""

import numpy as np
from hypothesis import strategies as st

from .process import Process, closed_classes, hmm
from .tree import prefix_tree


@st.composite
def hmms(draw, *, max_states: int = 4, max_vocab: int = 3, kind: str | None = None) -> Process:
    """A random HMM with a stationary start.

    `kind` is one of `dense` (every entry positive), `sparse` (exact zeros, ergodic), `periodic` (a cycle of at least two phases),
    `one_state` (independent symbols), or None for any of them. Entries are multiples of 1/20 before normalisation, so that
    shrinking ends at readable matrices.
    """
    kind = kind or draw(st.sampled_from(["dense", "sparse", "periodic", "one_state"]))
    V = draw(st.integers(1, max_vocab))
    S = 1 if kind == "one_state" else draw(st.integers(2, max_states))
    low = 1 if kind == "dense" else 0
    weights = np.array(draw(st.lists(st.integers(low, 20), min_size=V * S * S, max_size=V * S * S)), float).reshape(V, S, S)
    if kind == "periodic":
        weights *= np.roll(np.eye(S), 1, axis=1)  # only i -> i+1
    # One guaranteed way around all states keeps the chain irreducible, hence its stationary law unique.
    x = draw(st.lists(st.integers(0, V - 1), min_size=S, max_size=S))
    for i in range(S):
        weights[x[i], i, (i + 1) % S] += 1
    T = weights / weights.sum((0, 2))[None, :, None]
    assert len(closed_classes(T.sum(0))) == 1
    return hmm(T, name=f"random {kind}")


@st.composite
def words(draw, process: Process, *, min_length: int = 0, max_length: int = 8) -> tuple[int, ...]:
    """A word that `process` emits with positive probability."""
    length = draw(st.integers(min_length, max_length))
    word: list[int] = []
    belief = process.start
    for _ in range(length):
        joint = belief @ process.T
        mass = joint @ process.w
        x = draw(st.sampled_from(np.flatnonzero(mass > process.zero).tolist()))
        word.append(x)
        belief = joint[x] / mass[x]
    return tuple(word)


def permutations(process: Process) -> st.SearchStrategy[tuple[int, ...]]:
    """An order of the hidden states, for `processes.permuted`."""
    return st.permutations(range(process.n_states)).map(tuple)


def prefixes(process: Process, *, depth: int) -> st.SearchStrategy[tuple[int, ...]]:
    """One of all the words up to `depth`, uniformly: for properties of a whole tree."""
    tree = prefix_tree(process, depth)
    return st.integers(0, len(tree) - 1).map(lambda n: tuple(int(x) for x in tree.words[n][: tree.length[n]]))
