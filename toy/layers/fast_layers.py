"""Layers of NNX, computing the same: two are written so that XLA for CPUs makes fast programs of their
gradients, and those that normalise have sites.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float

from ..sites import NOWHERE, Sites


class LayerNorm(nnx.LayerNorm):
    """Centre, divide by the standard deviation, scale, shift: (x - mean) / sqrt(var + epsilon) * scale +
    bias.

    Both means are products with a column of 1/d. As sums over the last axis, XLA fuses them with what uses
    them and works each of them out again for every element, forwards and backwards: most of the time of a
    training step with NNX's own layer (docs/log.md has the numbers).
    """

    def __call__(
        self, x: Float[Array, "*n d"], *, mask: Array | None = None, at: Sites = NOWHERE, name: str = ""
    ) -> Float[Array, "*n d"]:
        """Normalise over the last axis; records what norm `name` divides by, and what it comes to, with
        `at`.
        """
        assert self.scale is not None and self.bias is not None and mask is None
        d = x.shape[-1]
        average = jnp.full((d, 1), 1 / d, x.dtype)
        flat = x.reshape(-1, d)
        centred = flat - jnp.matmul(
            flat, average, precision="highest"
        )  # a GPU would round the factors otherwise
        square = jnp.matmul(centred * centred, average, precision="highest") + self.epsilon
        scale = jax.lax.rsqrt(square)
        if at.wants(site := f"{name}.scale"):
            ratio = _as_edited(square.reshape(*x.shape[:-1], 1), at, site)
            scale = scale if ratio is None else scale * ratio.reshape(-1, 1)
        out = (centred * scale * self.scale[...] + self.bias[...]).reshape(x.shape)
        return at(f"{name}.normalized", out)


class RMSNorm(nnx.RMSNorm):
    """Divide by the root of the mean square, and scale: x / sqrt(mean(x**2) + epsilon) * scale."""

    def __call__(
        self, x: Float[Array, "*n d"], mask: Array | None = None, *, at: Sites = NOWHERE, name: str = ""
    ) -> Float[Array, "*n d"]:
        """Normalise over the last axis; records what norm `name` divides by, and what it comes to, with
        `at`.
        """
        out = super().__call__(x, mask)
        if at.wants(site := f"{name}.scale"):
            ratio = _as_edited(jnp.square(x).mean(-1, keepdims=True) + self.epsilon, at, site)
            out = out if ratio is None else out * ratio
        return at(f"{name}.normalized", out)


def _as_edited(square: Float[Array, "*n 1"], at: Sites, site: str) -> Float[Array, "*n 1"] | None:
    """By what to multiply, so that a norm divides by what an edit makes of the root of `square`: one, to the
    bit, where the edit leaves it as it is. None without an edit.
    """
    root = jnp.sqrt(square)
    edited = at(site, root)
    return root / edited if site in at.edit else None


class Linear(nnx.Linear):
    """x @ kernel + bias, on one flat axis of tokens.

    Over several leading axes the gradient of the kernel would be contracted over all of them, which XLA
    transposes and copies for. Where a layer narrows, that gradient is worked out as (g^T x)^T, half the time
    of x^T g for Eigen; the barrier keeps XLA from turning one into the other.
    """

    def __call__(self, inputs: Float[Array, "*n d"], out_sharding: None = None) -> Float[Array, "*n e"]:
        """Map the last axis."""
        kernel, flat = self.kernel[...], inputs.reshape(-1, inputs.shape[-1])
        narrows = self.out_features < self.in_features
        out = flat @ jax.lax.optimization_barrier(kernel.T).T if narrows else flat @ kernel
        if self.bias is not None:
            out = out + self.bias[...]
        return out.reshape(*inputs.shape[:-1], self.out_features)
