"""A predictor that reads n symbols and writes its own text is a Markov chain on words of n symbols: what it
comes to in the long run, how fast it forgets, and what becomes of its errors.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse
import scipy.sparse.linalg
from jaxtyping import Bool, Float, Int

import processes
import toy
from processes.entropy import total_variation as total_variation

from ..forward import alone, forward, log_distribution
from ..proofs.words import possible

MOST_WORDS = 10_000
"""Words of n symbols: linear equations of this size are solved."""
DENSE = 700
"""Up to so many words every eigenvalue is worked out; beyond, the largest few."""


def words(vocab: int, n: int) -> Int[np.ndarray, "N n"]:
    """All words of n symbols, in lexicographic order. Raises `toy.ModelError` where there are too many."""
    if vocab**n > MOST_WORDS:
        raise toy.ModelError(
            f"there are {vocab}**{n} words of {n} symbols, more than {MOST_WORDS}; take a shorter window"
        )
    return np.stack(np.unravel_index(np.arange(vocab**n), (vocab,) * n), -1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Chain:
    """Word w goes to w without its first symbol and with x behind it, with probability[w, x]."""

    probability: Float[np.ndarray, "N V"]

    @cached_property
    def next(self) -> Int[np.ndarray, "N V"]:
        """The word after each symbol."""
        N, V = self.probability.shape
        return (np.arange(N)[:, None] * V + np.arange(V)) % N

    @cached_property
    def matrix(self) -> scipy.sparse.csr_array:
        """P[w, w'], (N, N)."""
        N, V = self.probability.shape
        rows = np.repeat(np.arange(N), V)
        entries = (self.probability.ravel(), (rows, self.next.ravel()))
        return scipy.sparse.csr_array(scipy.sparse.coo_array(entries, shape=(N, N)))

    @cached_property
    def _solver(self) -> scipy.sparse.linalg.SuperLU:
        """Of v (1 - P) = b with sum(v) = b[-1]: the last equation says nothing that the others do not."""
        N = len(self.probability)
        equations = scipy.sparse.lil_array((scipy.sparse.eye_array(N) - self.matrix).T)
        equations[N - 1] = np.ones(N)
        return scipy.sparse.linalg.splu(scipy.sparse.csc_matrix(equations))

    @cached_property
    def stationary(self) -> Float[np.ndarray, "N"]:
        """Distribution of words in the long run."""
        right = np.zeros(len(self.probability))
        right[-1] = 1.0
        found = np.maximum(self._solver.solve(right), 0.0)
        for _ in range(3):  # what the equations round, a few steps mend
            found = found @ self.matrix
            found = found / found.sum()
        return np.asarray(found)

    @cached_property
    def entropy_rate(self) -> float:
        """Of its own text, nats per symbol."""
        return float(self.stationary @ processes.entropy(self.probability))

    @cached_property
    def second_eigenvalue(self) -> float:
        """Modulus of the second largest eigenvalue: differences die out as its powers."""
        if len(self.probability) <= DENSE:
            values = np.linalg.eigvals(self.matrix.toarray())
        else:
            start = np.random.default_rng(0).random(len(self.probability))
            values = scipy.sparse.linalg.eigs(self.matrix, k=6, v0=start, return_eigenvectors=False)
        return float(np.sort(np.abs(values))[-2])

    def responds(self, error: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
        """To first order, the change of the stationary distribution where every step adds `error`, which sums
        to 0: sum_t error P^t.
        """
        right = error.copy()
        right[-1] = 0.0
        return np.asarray(self._solver.solve(right))


def network_chain(config: toy.Config, params: toy.Params, n: int | None = None) -> Chain:
    """The chain of one network that sees n symbols, by default as many as it reads."""
    n = config.n_ctx if n is None else n
    out = forward(config, alone(params), words(config.vocab, n), position="last")["logits"][0]
    return Chain(np.exp(log_distribution(out)))


@dataclass(frozen=True, eq=False)
class Truth:
    """What a process is on words of n symbols."""

    process: processes.Process
    n: int

    @cached_property
    def words(self) -> Int[np.ndarray, "N n"]:
        """All words."""
        return words(self.process.vocab, self.n)

    @cached_property
    def distribution(self) -> Float[np.ndarray, "N"]:
        """Probability of each."""
        return self._along(self.words)[0]

    @cached_property
    def possible(self) -> Bool[np.ndarray, "N"]:
        """Which it can emit."""
        return possible(self.process, self.words)

    @cached_property
    def chain(self) -> Chain:
        """The chain of exact conditionals. After an impossible word it goes on as after the longest end of
        it that is possible: such words are left and never met again.
        """
        found = np.full((len(self.words), self.process.vocab), np.nan)
        for first in range(self.n + 1):
            left = np.flatnonzero(np.isnan(found[:, 0]))
            ends = self.words[left, first:]
            good = possible(self.process, ends) if first < self.n else np.ones(len(left), bool)
            belief = self._along(ends[good])[1]
            found[left[good]] = processes.predict(self.process, belief)
        return Chain(found)

    def _along(self, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities of words, and beliefs after them."""
        belief = np.broadcast_to(self.process.start, (len(words), self.process.n_states))
        for x in words.T:
            belief = np.einsum("bi,bij->bj", belief, self.process.T[x])
        total = belief @ self.process.w
        return total, belief / np.where(total > 0, total, 1.0)[:, None]

    @cached_property
    def h(self) -> float:
        """Entropy of a symbol after n, nats: the entropy rate of its exact chain."""
        return float(self.distribution @ processes.entropy(self.chain.probability))

    @cached_property
    def amplification(self) -> float:
        """Total variation of the stationary distribution over that of one step, where every step puts a
        symbol drawn uniformly in place of the right one, now and then: how long an error lasts, by the exact
        chain alone.
        """
        uniform = Chain(np.full_like(self.chain.probability, 1 / self.process.vocab))
        error = self.distribution @ uniform.matrix - self.distribution @ self.chain.matrix
        return float(np.abs(self.chain.responds(error)).sum() / np.abs(error).sum())


def markov_chain(truth: Truth, k: int) -> Chain:
    """The chain of the Markov approximation of order k, which knows the last k symbols of a word."""
    short = Truth(truth.process, k).chain.probability
    return Chain(short[np.arange(len(truth.words)) % len(short)])


def left(n: int, generations: int) -> float:
    """Expected part of the variety of words (the probability that two differ) that is left where each
    generation learns the frequencies of n words drawn from the last: (1 - 1/n)**generations (Wright 1931).
    """
    return float((1 - 1 / n) ** generations)


def drifted(
    distribution: Float[np.ndarray, "N"], n: int, generations: int, *, lines: int, seed: int = 0
) -> Float[np.ndarray, "G"]:
    """The variety of words 1 - sum p**2 after every generation, over that of `distribution`, mean of so many
    lines of descent.
    """
    rng, variety = np.random.default_rng(seed), []
    now = np.broadcast_to(distribution / distribution.sum(), (lines, len(distribution)))
    for _ in range(generations):
        now = rng.multinomial(n, now) / n
        variety.append((1 - np.square(now).sum(1)).mean())
    return np.array(variety) / (1 - np.square(distribution / distribution.sum()).sum())
