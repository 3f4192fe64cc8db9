"""Random HMMs of a given shape, dense, sparse or with few mixed states by construction, drawn with a
generator or from a seed; and a proof of infinitely many.
"""

import math

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

LONGEST = 5
"""Words tried as proofs."""
SETTLING = 3
"""Symbols of the words that come before."""


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
    vocab: int,
    n_states: int,
    rng: np.random.Generator | None = None,
    *,
    seed: int | None = None,
    forbidden: float = 0.5,
) -> Process:
    """An HMM of which each transition is forbidden with probability `forbidden`, and the rows are otherwise
    as in `dense`.

    Drawn again until every state has a transition and all states but transient ones form one class.
    """
    rng = _drawn_with(vocab, n_states, rng, seed)
    if not 0 <= forbidden < 1:
        raise ProcessError(
            f"forbidden is {forbidden}; it is the probability that a transition is impossible, from 0 to "
            "below 1"
        )
    while True:
        weight = rng.exponential(size=(vocab, n_states, n_states)) * (
            rng.random((vocab, n_states, n_states)) < 1 - forbidden
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
    """Whether some word of at most `LONGEST` symbols, said again and again after some other word, proves that
    an HMM has infinitely many mixed states.

    Let b be a belief that a word leads to and u a word, and take b T[u]^S in place of b where T[u] (S, S) is
    not invertible, so that none of it lies where T[u] is nilpotent. If the beliefs after u, uu, uuu, ... were
    finitely many, all parts of b would have eigenvalues of one modulus; b is not negative, so this is the
    spectral radius of the states that it can reach, and these eigenvalues are roots of unity of order S or
    less times it (Perron and Frobenius, class by class). So the beliefs would come round after lcm(1, ..., S)
    times u. False proves nothing.
    """
    if process.kind != "hmm":
        return False
    beliefs, words = _led_to(process), process.T
    for length in range(1, LONGEST + 1):
        if _never_comes_round(beliefs, words):
            return True
        if length < LONGEST:
            words = np.einsum("uij,xjk->uxik", words, process.T).reshape(-1, *words.shape[1:])
    return False


def _led_to(process: Process) -> np.ndarray:
    """Beliefs that words of at most `SETTLING` symbols lead to, (N, S)."""
    now, found = process.start[None], [process.start[None]]
    for _ in range(SETTLING):
        after = np.einsum("ni,xij->nxj", now, process.T).reshape(-1, process.n_states)
        now = after[after.sum(1) > 0]
        now = now / now.sum(1, keepdims=True)
        found.append(now)
    return np.concatenate(found)


def _never_comes_round(beliefs: np.ndarray, words: np.ndarray) -> bool:
    """Whether one of these operators (W, S, S), applied for ever, leads one of these beliefs (N, S) to
    infinitely many.
    """
    n = words.shape[1]
    size = np.linalg.svd(words, compute_uv=False)
    invertible = size[:, -1] > SINGULAR * size[:, 0]
    begun = np.where(invertible[:, None, None], np.eye(n), _power(words, n))
    round_once = _power(words, math.lcm(*range(1, n + 1)))
    before = np.einsum("ni,wij->wnj", beliefs, begun).reshape(-1, n)
    word = np.repeat(np.arange(len(words)), len(beliefs))
    possible = before.sum(1) > 0
    before, word = before[possible] / before[possible].sum(1, keepdims=True), word[possible]
    after = np.einsum("mi,mij->mj", before, round_once[word])
    total = after.sum(1)
    moved = np.abs(after[total > 0] / total[total > 0, None] - before[total > 0]).max(1, initial=0)
    return bool((moved > MOVED).any())


def _power(operators: np.ndarray, k: int) -> np.ndarray:
    """Their k-th powers, each up to a factor."""
    largest = operators.max((1, 2), keepdims=True)
    return np.asarray(np.linalg.matrix_power(operators / np.where(largest > 0, largest, 1), k))
