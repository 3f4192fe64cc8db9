"""What networks make of all words of a window, impossible ones too."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

import processes
import toy
import train

from ..forward import alone, forward, log_distribution

MOST_WORDS = 120_000
"""Words, shorter ones included, that are enumerated."""


def spelled(padded: Int[np.ndarray, "L"]) -> tuple[int, ...]:
    """A word without what it is padded with, -1."""
    return tuple(padded[padded >= 0].tolist())


class AllWords(NamedTuple):
    """Every word of up to some length over an alphabet, and what a network gives after it."""

    tree: processes.PrefixTree
    probability: Float[np.ndarray, "N V"]  # of each next symbol, after each word of at least one symbol

    @property
    def length(self) -> int:
        """Symbols of the longest words."""
        return int(self.tree.length.max())

    def word(self, row: int) -> tuple[int, ...]:
        """The word of a row."""
        return spelled(self.tree.words[1 + row])

    def possible(self, process: processes.Process) -> Bool[np.ndarray, "N"]:
        """Which words the process can emit."""
        return possible(process, self.tree.words[1:])


def possible(process: processes.Process, words: np.ndarray) -> Bool[np.ndarray, "N"]:
    """Which words, padded with -1, a process can emit."""
    belief = np.broadcast_to(process.start, (len(words), process.n_states)).copy()
    for x in words.T:
        on = np.flatnonzero(x >= 0)
        belief[on] = np.einsum("bi,bij->bj", belief[on], process.T[x[on]])
        total = np.abs(belief).sum(1, keepdims=True)
        belief = belief / np.where(total > 0, total, 1.0)
    return np.asarray((belief @ process.w) > process.zero)


def every(vocab: int, length: int) -> processes.PrefixTree:
    """The tree of all words: that of the process whose symbols are drawn independently."""
    drawn = processes.hmm(np.full((vocab, 1, 1), 1 / vocab), name="every word")
    return processes.prefix_tree(drawn, length)


def longest(vocab: int, most: int = MOST_WORDS) -> int:
    """The longest words such that there are at most so many in all."""
    length, count = 0, 0
    while (count := count + vocab ** (length + 1)) <= most and length < 16:
        length += 1
    return max(length, 1)


def all_words(config: toy.Config, params: toy.Params) -> AllWords:
    """What one network gives after every word of its window, as float32 computes it. Raises `toy.ModelError`
    where there are too many.
    """
    if sum(config.vocab**k for k in range(1, config.n_ctx + 1)) > MOST_WORDS:
        raise toy.ModelError(
            f"there are more than {MOST_WORDS} words of up to {config.n_ctx} of {config.vocab} symbols, "
            "too many to enumerate; take a network with a shorter window"
        )
    tree = every(config.vocab, config.n_ctx)
    batch = train.packed(tree, config.n_ctx)
    logits = forward(config, alone(params), batch.tokens, tree=batch.tree)["logits"][0]
    return AllWords(tree, np.exp(log_distribution(logits)))
