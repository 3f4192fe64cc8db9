"""The truth about every context a network can see, and which of them are held out together."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float, Int

import processes

HISTORY = 4
"""Contexts that share their first HISTORY tokens are held out together (fixed beforehand, see docs/evidence.md)."""
FOLDS = 8
"""Number of folds that the subtrees are dealt into."""


@dataclass(frozen=True, eq=False)
class Truth:
    """Every positive-probability context up to a length, with everything exact about it. float64, root left out."""

    process: processes.Process
    tree: processes.PrefixTree

    @property
    def n_ctx(self) -> int:
        """Longest context."""
        return self.tree.depth

    @cached_property
    def length(self) -> Int[np.ndarray, "N"]:
        """Number of tokens of each context."""
        return self.tree.length[1:]

    @cached_property
    def position(self) -> Int[np.ndarray, "N"]:
        """Position at which a network has read each context."""
        return processes.alignment.position(self.length)

    @cached_property
    def words(self) -> Int[np.ndarray, "N D"]:
        """The tokens of each context, padded on the right with -1."""
        return self.tree.words[1:]

    @cached_property
    def weight(self) -> Float[np.ndarray, "N"]:
        """P(context) / n_ctx: exact probabilities, each position equal, summing to one."""
        return self.tree.probability[1:] / self.n_ctx

    @property
    def belief(self) -> Float[np.ndarray, "N S"]:
        """Posterior over hidden states after each context."""
        return self.tree.belief[1:]

    @cached_property
    def next_token(self) -> Float[np.ndarray, "N V"]:
        """Exact law of the next token after each context."""
        return self.tree.next_token[1:]

    @cached_property
    def floor(self) -> Float[np.ndarray, "T"]:
        """Least possible loss at each position, nats."""
        return processes.floor_by_position(self.process, self.n_ctx)

    @cached_property
    def fold(self) -> Int[np.ndarray, "N"]:
        """Fold of each context: that of its first HISTORY tokens. -1 for contexts of at most HISTORY tokens.

        A short context is the past of several subtrees, so it is neither fitted nor scored when histories are held out.
        """
        long = self.length > HISTORY
        subtree = self.tree.ancestors[1:][long, HISTORY - 1]
        roots, index = np.unique(subtree, return_inverse=True)
        dealt = np.random.default_rng(0).permutation(len(roots)) % FOLDS
        fold = np.full(len(long), -1)
        fold[long] = dealt[index]
        return fold


@lru_cache(maxsize=4)
def truth(process: processes.Process, n_ctx: int) -> Truth:
    """The truth about all contexts of up to `n_ctx` tokens, remembered: claims ask for it by process as well.

    Raises `processes.ProcessError` if contexts are too short, or too few, to hold histories out.
    """
    if n_ctx <= HISTORY:
        raise processes.ProcessError(f"n_ctx is {n_ctx}; histories are held out by their first {HISTORY} tokens, so it must be larger")
    tree = processes.prefix_tree(process, n_ctx)
    roots = tree.level(HISTORY).stop - tree.level(HISTORY).start
    if roots < 3:
        raise processes.ProcessError(
            f"{process.name} has only {roots} histories of length {HISTORY}; holding out histories needs at least 3, so it cannot be probed this way"
        )
    return Truth(process, tree)
