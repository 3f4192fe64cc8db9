"""Hypothesis strategies: random valid processes, words they can emit, and relabellings of their states.

Use them to state properties of your own:

    @given(hmms())
    def test_entropy_never_increases(process): ...
"""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from .algebra.chain import closed_classes
from .compose.presentation import similar
from .process import Process, ghmm, hmm
from .tree import prefix_tree
from .zoo.moon import operators
from .zoo.quantum_rrxor import PAULI


@st.composite
def hmms(draw, *, max_states: int = 4, max_vocab: int = 3, kind: str | None = None) -> Process:
    """A random HMM with a stationary start.

    `kind` is one of `dense` (every entry positive), `sparse` (exact zeros, ergodic), `periodic` (a cycle of
    at least two phases), `one_state` (independent symbols), or None for any of them. Entries are multiples of
    1/20 before normalisation, so that shrinking ends at readable matrices.
    """
    kind = kind or draw(st.sampled_from(["dense", "sparse", "periodic", "one_state"]))
    V = draw(st.integers(1, max_vocab))
    S = 1 if kind == "one_state" else draw(st.integers(2, max_states))
    low = 1 if kind == "dense" else 0
    weights = np.array(
        draw(st.lists(st.integers(low, 20), min_size=V * S * S, max_size=V * S * S)), float
    ).reshape(V, S, S)
    if kind == "periodic":
        weights *= np.roll(np.eye(S), 1, axis=1)  # only i -> i+1
    # One guaranteed way around all states keeps the chain irreducible, hence its stationary distribution
    # unique.
    x = draw(st.lists(st.integers(0, V - 1), min_size=S, max_size=S))
    for i in range(S):
        weights[x[i], i, (i + 1) % S] += 1
    T = weights / weights.sum((0, 2))[None, :, None]
    assert len(closed_classes(T.sum(0))) == 1
    return hmm(T, name=f"random {kind}")


@st.composite
def similarities(draw, n_states: int) -> np.ndarray:
    """An invertible matrix (n_states, n_states), well conditioned: a diagonal of 2 n_states and other entries
    -1, 0 or 1.
    """
    entries = draw(st.lists(st.integers(-1, 1), min_size=n_states**2, max_size=n_states**2))
    return np.array(entries, float).reshape(n_states, n_states) + 2 * n_states * np.eye(n_states)


@st.composite
def ghmms(draw, *, max_states: int = 4, max_vocab: int = 3, kind: str | None = None) -> Process:
    """A random generalised HMM with a stationary start, valid by construction.

    `kind` is one of `similar` (a random HMM in other coordinates), `quantum` (a qubit measured by random
    Kraus operators, beliefs in the Bloch ball), `moon` (a random member of the post-quantum family of Fanizza
    et al. 2024), or None for any of them.
    """
    kind = kind or draw(st.sampled_from(["similar", "quantum", "moon"]))
    if kind == "similar":
        process = draw(hmms(max_states=max_states, max_vocab=max_vocab))
        return similar(process, draw(similarities(process.n_states)))
    if kind == "quantum":
        V = draw(st.integers(2, max_vocab))
        entries = draw(st.lists(st.integers(-4, 4), min_size=8 * V, max_size=8 * V))
        return _qubit(np.array(entries, float).reshape(2, V, 2, 2))
    alpha, beta = draw(st.integers(11, 40)) / 10, draw(st.integers(1, 9)) / 10
    return ghmm(operators(alpha, beta), name=f"random moon({alpha}, {beta})")


def _qubit(parts: np.ndarray) -> Process:
    """T[x, i, j] = tr(B_j K_x B_i K_x^+) / 2 in the basis B = (1, X, Y, Z), with sum_x K_x^+ K_x = 1.

    The entries `parts` (2, V, 2, 2) are real and imaginary parts before normalisation; a little of (1, X, Z)
    is mixed in so that the normaliser is invertible and the stationary state unique.
    """
    K = (
        parts[0]
        + 1j * parts[1]
        + PAULI[[1, 3, 0]][np.arange(parts.shape[1]) % 3] * np.sqrt(0.5)
        + 0.25 * np.array([[1, 0.5], [0, -0.3]])
    )
    values, vectors = np.linalg.eigh(np.einsum("xji,xjk->ik", K.conj(), K))
    K = K @ (vectors / np.sqrt(values)) @ vectors.conj().T
    T = 0.5 * np.einsum("jab,xbc,icd,xad->xij", PAULI, K, PAULI, K.conj()).real
    assume(np.sort(np.abs(np.linalg.eigvals(T.sum(0)) - 1))[1] > 1e-3 and values.min() > 1e-3 * values.max())
    return ghmm(T, name="random quantum")


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
