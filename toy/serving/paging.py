"""What a network keeps of many sequences in pages of one pool, so that sequences share the pages of a common
beginning, and take no more than they have read (Kwon et al. 2023, arXiv:2309.06180).
"""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from ..bridge import Network, Params
from ..cache import Cache
from ..checks import check_range, fitted, shown
from ..inputs import read
from ..sites import ModelError


class Pages:
    """A pool of pages, and for each open sequence the pages that hold what is kept of it, in order.

    A page is copied before it is written to, if another sequence holds it too. Sequences are called by the
    numbers that `open` and `fork` give them. A network that reads often is best given compiled, as
    `dataclasses.replace(net, extend=jax.jit(net.extend))`.
    """

    def __init__(self, net: Network, page: int = 4, most: int = 1024):
        """Room for `most` pages of so many tokens each. Raises `ModelError` for numbers that are none."""
        self.net = fitted("net", Network, net, remedy="make one with toy.network")
        self.page, self.most = fitted("page", int, page), fitted("most", int, most)
        check_range("page", self.page, 1)
        check_range("most", self.most, 1)
        self.pool = {
            name: np.zeros((most, page, *shape), np.float32) for name, shape in net.config.kept.items()
        }
        self.holders = np.zeros(most, int)
        self.pages: dict[int, list[int]] = {}
        self.length: dict[int, int] = {}
        self._next = 0

    @property
    def used(self) -> int:
        """Pages that some sequence holds."""
        return int((self.holders > 0).sum())

    def open(self) -> int:
        """A new sequence, of which nothing is read."""
        return self._named([], 0)

    def fork(self, sequence: int) -> int:
        """Another sequence with the same beginning, in the same pages."""
        self._check([fitted("sequence", int, sequence)])
        self.holders[self.pages[sequence]] += 1
        return self._named(list(self.pages[sequence]), self.length[sequence])

    def close(self, sequence: int) -> None:
        """Forget a sequence; pages that no other holds are free again."""
        self._check([fitted("sequence", int, sequence)])
        self.holders[self.pages.pop(sequence)] -= 1
        del self.length[sequence]

    def extend(self, params: Params, tokens: Any, sequences: Sequence[int]) -> Float[np.ndarray, "B T V"]:
        """Read the tokens (B, T) that come next of as many sequences; returns the logits.

        Raises `ModelError` as `Network.extend` does, for sequences that are not open or named twice, where
        one would grow beyond n_ctx, and where no page is free; then nothing has changed.
        """
        tokens = np.asarray(read(self.net.config.vocab, self.net.config.n_ctx, tokens))
        sequences = fitted("sequences", tuple[int, ...], sequences, remedy="name those that are open")
        self._check(sequences)
        if tokens.ndim != 2 or len(tokens) != len(sequences):
            raise ModelError(
                f"the tokens have shape {tokens.shape}; give (B, T), a row for each of the {len(sequences)} "
                "sequences"
            )
        ends = [self.length[s] + tokens.shape[1] for s in sequences]
        if max(ends, default=0) > self.net.config.n_ctx:
            raise ModelError(
                f"a sequence would have {max(ends)} tokens, but the network reads at most n_ctx = "
                f"{self.net.config.n_ctx}"
            )
        self._check_room(sequences, ends)
        logits, after = self.net.extend(params, tokens, self.gathered(sequences))
        kept = {name: np.asarray(block) for name, block in after.blocks.items()}
        for row, (sequence, end) in enumerate(zip(sequences, ends, strict=True)):
            for at in range(self.length[sequence], end):
                number = self._own(sequence, at // self.page)
                for name, block in kept.items():
                    self.pool[name][number, at % self.page] = block[row, at]
            self.length[sequence] = end
        return np.asarray(logits)

    def gathered(self, sequences: Sequence[int]) -> Cache:
        """What is kept of some sequences, as `Network.extend` takes it."""
        self._check(sequences)
        n_ctx, per = self.net.config.n_ctx, -(-self.net.config.n_ctx // self.page)
        table: Int[np.ndarray, "B per"] = np.zeros((len(sequences), per), int)
        for row, sequence in enumerate(sequences):
            table[row, : len(self.pages[sequence])] = self.pages[sequence]
        blocks = {
            name: jnp.asarray(pool[table].reshape(len(table), per * self.page, *pool.shape[2:])[:, :n_ctx])
            for name, pool in self.pool.items()
        }
        return Cache(jnp.array([self.length[s] for s in sequences], jnp.int32), blocks)

    def _named(self, pages: list[int], length: int) -> int:
        name, self._next = self._next, self._next + 1
        self.pages[name], self.length[name] = pages, length
        return name

    def _own(self, sequence: int, k: int) -> int:
        """The k-th page of a sequence, which no other holds: a free one, or a copy, where it has none yet."""
        held = self.pages[sequence]
        if k < len(held) and self.holders[held[k]] == 1:
            return held[k]
        free = int(np.argmin(self.holders))
        self.holders[free] = 1
        if k == len(held):
            held.append(free)
            return free
        for pool in self.pool.values():
            pool[free] = pool[held[k]]
        self.holders[held[k]] -= 1
        held[k] = free
        return free

    def _check_room(self, sequences: Sequence[int], ends: Sequence[int]) -> None:
        """Raises `ModelError` if there are fewer free pages than the sequences will take."""
        needed, holders = 0, self.holders.copy()
        for sequence, end in zip(sequences, ends, strict=True):
            held = self.pages[sequence]
            needed += max(0, -(-end // self.page) - len(held))
            for number in held[self.length[sequence] // self.page :]:  # written to in the middle
                if holders[number] > 1:
                    holders[number] -= 1
                    needed += 1
        free = self.most - self.used
        if needed > free:
            raise ModelError(
                f"{needed} pages are needed and {free} of {self.most} are free; close sequences, or make "
                "more pages"
            )

    def _check(self, sequences: Sequence[int]) -> None:
        unknown = [s for s in sequences if s not in self.pages]
        if unknown or len(set(sequences)) < len(sequences):
            raise ModelError(
                f"the sequences are {shown(list(sequences))}; each must be open, as `open` and `fork` name "
                "them, and named once"
            )
