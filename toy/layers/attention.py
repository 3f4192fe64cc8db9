"""Causal self-attention, over a batch of sequences or over a packed prefix tree, with the same weights."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from ..cache import Past
from ..packed_tree import Tree
from ..sites import Sites
from .fast_layers import Linear
from .rotary import rotate


class Attention(nnx.Module):
    """Multi-head attention with one fused projection to queries, keys and values.

    `rotary` turns queries and keys by their positions. `myopic` lets no gradient through the keys and values
    of earlier positions, so that training makes no position serve a later one (Wu et al. 2024); values are
    what they are without it.
    """

    def __init__(
        self, d_model: int, n_heads: int, d_head: int, rotary: bool, myopic: bool, *, rngs: nnx.Rngs
    ):
        self.n_heads, self.d_head, self.rotary, self.myopic = n_heads, d_head, rotary, myopic
        self.qkv = Linear(d_model, 3 * n_heads * d_head, rngs=rngs)
        self.out = Linear(n_heads * d_head, d_model, rngs=rngs)

    def __call__(
        self,
        x: Float[Array, "*n d"],
        tree: Tree | Past | None,
        at: Sites,
        block: str,
        last: int | None = None,
    ) -> Float[Array, "*m d"]:
        """Mix the past into x: (..., T, d_model) causally, or (N, d_model) along the branches of a `tree`
        where one is given, or (B, T, d_model) after what was kept; into the last so many positions alone
        where `last` is.
        """
        q, k, v = jnp.split(self.qkv(x).reshape(*x.shape[:-1], 3 * self.n_heads, self.d_head), 3, axis=-2)
        q, k, v = (at(f"{block}.attn.{name}", value) for name, value in (("q", q), ("k", k), ("v", v)))
        kept = tree if isinstance(tree, Past) else None
        myopic = self.myopic and not kept  # what is kept has no gradient
        position = tree.position if isinstance(tree, Tree) else np.arange(kept.room if kept else x.shape[-2])
        if self.rotary:
            rows = kept.position if kept else None
            q = at(f"{block}.attn.rot_q", rotate(q, position, rows))
            k = at(f"{block}.attn.rot_k", rotate(k, position, rows))
        q = q * self.d_head**-0.5
        past_k, past_v = jax.lax.stop_gradient((k, v)) if myopic else (k, v)
        if last is not None:  # who attends; all are attended to
            q, k, v = (value[..., -last:, :, :] for value in (q, k, v))
        if not isinstance(tree, Tree):
            of_q, of_k, of_pattern, of_own = "...thd", "...shd", "...hts", "ts"
            visible, own = jnp.tri(len(position), dtype=bool), jnp.eye(len(position))
            if last is not None:
                visible, own = visible[-last:], own[-last:]
            if kept:
                past_k, past_v = jnp.split(kept.with_new(block, jnp.concatenate([k, v], -2)), 2, axis=-2)
                visible = jnp.asarray(position) <= kept.position[:, None, :, None]
        else:
            of_q, of_k, of_pattern, of_own = "nhd", "nchd", "nhc", "nc"
            visible, own = (
                tree.ancestors[:, None, :] >= 0,
                jnp.asarray(position[:, None] == np.arange(tree.depth), x.dtype),
            )
            past_k, past_v = past_k[tree.ancestors], past_v[tree.ancestors]
        score = jnp.einsum(f"{of_q},{of_k}->{of_pattern}", q, past_k)
        if myopic:  # here and below: zero, but its gradient is that of a position's own key and value
            score += jnp.einsum(f"{of_q},{of_q},{of_own}->{of_pattern}", q, k - jax.lax.stop_gradient(k), own)
        if at.wants(site := f"{block}.attn.attn_scores"):
            score = at(site, _masked(score, visible))
        pattern = at(f"{block}.attn_pattern", jax.nn.softmax(_masked(score, visible), axis=-1))
        mixed = jnp.einsum(f"{of_pattern},{of_k}->{of_q}", pattern, past_v)
        if myopic:
            mixed += jnp.einsum(
                f"{of_pattern},{of_own},{of_q}->{of_q}", pattern, own, v - jax.lax.stop_gradient(v)
            )
        return self.out(at(f"{block}.attn.z", mixed).reshape(*mixed.shape[:-2], -1))


def _masked(score: Float[Array, "*n"], visible: Bool[Array, "*m"]) -> Float[Array, "*n"]:
    # A finite floor, not -inf: gradients stay finite, and exp underflows to an exact zero all the same.
    return jnp.where(visible, score, jnp.finfo(score.dtype).min)
