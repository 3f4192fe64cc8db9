"""What a network keeps of the tokens that it has read, so that it can read on without reading them again:
keys and values, or states.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class Cache(NamedTuple):
    """What is kept of B sequences, which need not be equally long. A pytree; rows of all its leaves are
    sequences.

    What is kept is kept by position, so a sequence is cut short by a smaller `length` alone: what stands
    beyond is never looked at, and written over.
    """

    length: Int[Array, "B"]
    """Tokens read of each."""
    blocks: Mapping[str, Float[Array, "B n_ctx ..."]]
    """What each block keeps of a token, by name."""


def empty(shapes: Mapping[str, tuple[int, ...]], n_ctx: int, batch: int) -> Cache:
    """Of sequences of which nothing is read."""
    return Cache(
        jnp.zeros(batch, jnp.int32),
        {name: jnp.zeros((batch, n_ctx, *shape), jnp.float32) for name, shape in shapes.items()},
    )


class Past:
    """A cache during one pass over the next T tokens of each sequence: what was kept, and what is added."""

    def __init__(self, cache: Cache, tokens: int):
        self.before = cache
        self.blocks: dict[str, jax.Array] = {}
        self.room = next(iter(cache.blocks.values())).shape[1]
        self.position: Int[Array, "B T"] = cache.length[:, None] + jnp.arange(tokens)

    def with_new(self, block: str, new: Float[Array, "B T ..."]) -> Float[Array, "B n_ctx ..."]:
        """What the block keeps of all positions, those of these tokens among them."""
        rows = jnp.arange(len(new))[:, None]
        self.blocks[block] = self.before.blocks[block].at[rows, self.position].set(new)
        return self.blocks[block]

    def last(self, block: str) -> Float[Array, "B ..."]:
        """What the block kept of the last token read; zeros where none was."""
        kept, length = self.before.blocks[block], self.before.length
        there = jnp.take_along_axis(
            kept, jnp.maximum(length - 1, 0).reshape(-1, *[1] * (kept.ndim - 1)), 1
        ).squeeze(1)
        return jnp.where(length.reshape(-1, *[1] * (there.ndim - 1)) > 0, there, 0)

    @property
    def after(self) -> Cache:
        """What is kept when the pass is done."""
        return Cache(self.before.length + self.position.shape[1], self.blocks)
