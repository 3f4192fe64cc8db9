"""Random HMMs of a given shape: a dense ensemble, one with few mixed states by construction, and a proof of infinitely many."""

import numpy as np

from .process import Process, hmm

SINGULAR = 1e-12
"""A smallest singular value below this share of the largest is taken for zero: float64 noise is near 1e-16."""
MOVED = 1e-9
"""A belief that one symbol changes by less than this (largest coordinate) is taken to be fixed by it."""


def dense(vocab: int, n_states: int, rng: np.random.Generator) -> Process:
    """An HMM whose law of (symbol, next state) is drawn, for each state, uniformly from the simplex: Dirichlet(1, ..., 1)."""
    rows = rng.dirichlet(np.ones(vocab * n_states), size=n_states)
    return hmm(rows.reshape(n_states, vocab, n_states).transpose(1, 0, 2), name="random dense")


def resetting(vocab: int, n_states: int, rng: np.random.Generator) -> Process:
    """An HMM whose next state is a random function of the symbol alone, symbols drawn from Dirichlet(1, ..., 1) in each state.

    One symbol tells the state, so there are at most vocab + 1 mixed states.
    """
    T = np.zeros((vocab, n_states, n_states))
    T[np.arange(vocab), :, rng.integers(n_states, size=vocab)] = rng.dirichlet(np.ones(vocab), size=n_states).T
    return hmm(T, name="random resetting")


def certainly_infinite(process: Process) -> bool:
    """Whether some symbol by itself proves that an HMM has infinitely many mixed states; False proves nothing.

    A positive matrix T[x] contracts the simplex strictly in Hilbert's metric (Birkhoff 1957), so b -> b T[x] / (b T[x] w) has one
    periodic point, which is fixed. An invertible T[x] makes it injective. If it does both, and moves the start, then the beliefs
    after x, xx, xxx, ... are all different: two equal ones would make the start periodic.
    """
    if process.kind != "hmm":
        return False
    for T in process.T:
        size = np.linalg.svd(T, compute_uv=False)
        after = process.start @ T
        moved = after.sum() > 0 and np.abs(after / after.sum() - process.start).max() > MOVED
        if (T > 0).all() and size[-1] > SINGULAR * size[0] and moved:
            return True
    return False
