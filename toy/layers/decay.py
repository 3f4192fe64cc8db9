"""Linear attention with a decaying state: a recurrence in place of a softmax over the past, with the same
projections.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ..cache import Past
from ..packed_tree import Tree
from ..sites import Sites
from .recurrence import states


class Decay(nnx.Module):
    """Heads that each carry a matrix, forget it channel by channel, and read it by a query.

    S_t = diag(a) S_{t-1} + k_t v_t^T,   y_t = S_t^T q_t / sqrt(d_head),   that is   y_t = sum_{s <= t} (q_t .
        a^{t-s} k_s) v_s / sqrt(d_head)

    with learned a in (0, 1), one for each head and key channel (Sun et al. 2023, retention; Peng et al. 2024,
    RWKV-5, channel by channel).
    """

    def __init__(self, d_model: int, n_heads: int, d_head: int, n_ctx: int, myopic: bool, *, rngs: nnx.Rngs):
        self.n_heads, self.d_head, self.myopic = n_heads, d_head, myopic
        self.qkv = nnx.Linear(d_model, 3 * n_heads * d_head, rngs=rngs)
        self.out = nnx.Linear(n_heads * d_head, d_model, rngs=rngs)
        # At first the channels forget over 2 to n_ctx tokens, spaced evenly in the logarithm: every lag there
        # is has its channel.
        forget = jnp.geomspace(0.5, 1 / max(n_ctx, 2), n_heads * d_head)
        self.log_odds = nnx.Param(jnp.log(1 / forget - 1).reshape(n_heads, d_head))

    def __call__(
        self, x: Float[Array, "*n d"], tree: Tree | Past | None, at: Sites, block: str
    ) -> Float[Array, "*n d"]:
        """Mix the past into x: (..., T, d_model) causally, or (N, d_model) along the branches of a `tree`
        where one is given, or (B, T, d_model) after what was kept.

        Site `state` holds every S_t, as n_heads * d_head * d_head numbers: head, key channel, value channel.
        """
        q, k, v = jnp.split(self.qkv(x).reshape(*x.shape[:-1], 3 * self.n_heads, self.d_head), 3, axis=-2)
        q, k, v = (at(f"{block}.attn.{name}", value) for name, value in (("q", q), ("k", k), ("v", v)))
        written = (k[..., None] * v[..., None, :]).reshape(*x.shape[:-1], -1)
        kept = jnp.repeat(jax.nn.sigmoid(self.log_odds[...]).ravel(), self.d_head)
        carried = jax.lax.stop_gradient(written) if self.myopic else written
        state = states(
            lambda before, now: kept * before + now, carried, kept.size, tree, at, f"{block}.state"
        )
        if self.myopic:  # zero, but its gradient is that of a position's own key and value
            state = state + (written - carried)
        read = jnp.einsum("...hk,...hkv->...hv", q * self.d_head**-0.5, state.reshape(*k.shape, self.d_head))
        return self.out(at(f"{block}.attn.z", read).reshape(*x.shape[:-1], -1))
