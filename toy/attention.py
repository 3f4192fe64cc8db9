"""Causal self-attention, over a batch of sequences or over a packed prefix tree, with the same weights."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Bool, Float

from .layers import Linear
from .sites import Sites
from .tree import Tree


class Attention(nnx.Module):
    """Multi-head attention with one fused projection to queries, keys and values."""

    def __init__(self, d_model: int, n_heads: int, d_head: int, *, rngs: nnx.Rngs):
        self.n_heads, self.d_head = n_heads, d_head
        self.qkv = Linear(d_model, 3 * n_heads * d_head, rngs=rngs)
        self.out = Linear(n_heads * d_head, d_model, rngs=rngs)

    def __call__(self, x: Float[Array, "*n d"], tree: Tree | None, at: Sites, block: str) -> Float[Array, "*n d"]:
        """Mix the past into x: (..., T, d_model) causally, or (N, d_model) along the branches of a `tree` where one is given."""
        q, k, v = jnp.split(self.qkv(x).reshape(*x.shape[:-1], 3 * self.n_heads, self.d_head), 3, axis=-2)
        q = q * self.d_head**-0.5
        if tree is None:
            score = jnp.einsum("...thd,...shd->...hts", q, k)
            pattern = at(f"{block}.attn_pattern", _softmax(score, jnp.tri(x.shape[-2], dtype=bool)))
            mixed = jnp.einsum("...hts,...shd->...thd", pattern, v)
        else:
            score = jnp.einsum("nhd,nchd->nhc", q, k[tree.ancestors])
            pattern = at(f"{block}.attn_pattern", _softmax(score, tree.ancestors[:, None, :] >= 0))
            mixed = jnp.einsum("nhc,nchd->nhd", pattern, v[tree.ancestors])
        return self.out(mixed.reshape(*x.shape[:-1], -1))


def _softmax(score: Float[Array, "*n"], visible: Bool[Array, "*m"]) -> Float[Array, "*n"]:
    # A finite floor, not -inf: gradients stay finite, and exp underflows to an exact zero all the same.
    return jax.nn.softmax(jnp.where(visible, score, jnp.finfo(score.dtype).min), axis=-1)
