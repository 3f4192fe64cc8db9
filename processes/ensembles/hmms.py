"""Random HMMs of a given shape, dense, sparse or with few mixed states by construction, drawn with a
generator or from a seed; and a proof of infinitely many.
"""

import numpy as np

from ..algebra.chain import closed_classes
from ..process import Process, ProcessError, hmm
from ..values.checks import checked
from ..values.randomness import generator

SINGULAR = 1e-12
"""A smallest singular value below this share of the largest is taken for zero: float64 noise is near 1e-16.
"""
MOVED = 1e-9
"""A belief that one symbol changes by less than this (largest coordinate) is taken to be fixed by it."""

LONGEST = 4
"""Words tried as proofs."""


@checked
def dense(
    vocab: int, n_states: int, rng: np.random.Generator | None = None, *, seed: int | None = None
) -> Process:
    """An HMM whose distribution of (symbol, next state) is drawn, for each state, uniformly from the simplex:
    Dirichlet(1, ..., 1).
    """
    rng = _drawn_with(vocab, n_states, rng, seed)
    rows = rng.dirichlet(np.ones(vocab * n_states), size=n_states)
    return hmm(rows.reshape(n_states, vocab, n_states).transpose(1, 0, 2), name="random dense")


@checked
def sparse(
    vocab: int, n_states: int, rng: np.random.Generator | None = None, *, seed: int | None = None
) -> Process:
    """An HMM of which each transition is forbidden with probability 1/2 and the rows are otherwise as in
    `dense`.

    Drawn again until every state has a transition and all states but transient ones form one class.
    """
    rng = _drawn_with(vocab, n_states, rng, seed)
    while True:
        weight = rng.exponential(size=(vocab, n_states, n_states)) * (
            rng.random((vocab, n_states, n_states)) < 0.5
        )
        rows = weight.sum((0, 2))
        if (rows > 0).all() and len(closed_classes(weight.sum(0))) == 1:
            return hmm(weight / rows[None, :, None], name="random sparse")


@checked
def resetting(
    vocab: int, n_states: int, rng: np.random.Generator | None = None, *, seed: int | None = None
) -> Process:
    """An HMM whose next state is a random function of the symbol alone, symbols drawn from Dirichlet(1, ...,
    1) in each state.

    One symbol tells the state, so there are at most vocab + 1 mixed states.
    """
    rng = _drawn_with(vocab, n_states, rng, seed)
    T = np.zeros((vocab, n_states, n_states))
    T[np.arange(vocab), :, rng.integers(n_states, size=vocab)] = rng.dirichlet(
        np.ones(vocab), size=n_states
    ).T
    return hmm(T, name="random resetting")


def _drawn_with(
    vocab: int, n_states: int, rng: np.random.Generator | None, seed: int | None
) -> np.random.Generator:
    if vocab < 1 or n_states < 1:
        raise ProcessError(
            f"{vocab} symbols and {n_states} states make no process; give at least one of each"
        )
    return generator(rng, seed, "a random process")


def certainly_infinite(process: Process) -> bool:
    """Whether some word of at most `LONGEST` symbols by itself proves that an HMM has infinitely many mixed
    states.

    A positive matrix T[u] contracts the simplex strictly in Hilbert's metric (Birkhoff 1957), so b -> b T[u]
    / (b T[u] w) has one periodic point, which is fixed. An invertible T[u] makes it injective. If it does
    both, and moves the start, then the beliefs after u, uu, uuu, ... are all different: two equal ones would
    make the start periodic. False proves nothing.
    """
    if process.kind != "hmm":
        return False
    words = process.T
    for length in range(1, LONGEST + 1):
        if any(_proves(process.start, T) for T in words):
            return True
        if length < LONGEST:
            words = np.einsum("uij,xjk->uxik", words, process.T).reshape(-1, *words.shape[1:])
    return False


def _proves(start: np.ndarray, T: np.ndarray) -> bool:
    if not (T > 0).all():
        return False
    size, after = np.linalg.svd(T, compute_uv=False), start @ T
    return bool(size[-1] > SINGULAR * size[0] and np.abs(after / after.sum() - start).max() > MOVED)
