"""Two layers of NNX, computing the same, written so that XLA for CPUs makes fast programs of their
gradients."""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float


class LayerNorm(nnx.LayerNorm):
    """Centre, divide by the standard deviation, scale, shift: (x - mean) / sqrt(var + epsilon) * scale +
    bias.

    Both means are products with a column of 1/d. As sums over the last axis, XLA fuses them with what uses
    them and works each of them out again for every element, forwards and backwards: most of the time of a
    training step with NNX's own layer (docs/log.md has the numbers).
    """

    def __call__(self, x: Float[Array, "*n d"], *, mask: Array | None = None) -> Float[Array, "*n d"]:
        """Normalise over the last axis."""
        assert self.scale is not None and self.bias is not None and mask is None
        d = x.shape[-1]
        average = jnp.full((d, 1), 1 / d, x.dtype)
        flat = x.reshape(-1, d)
        centred = flat - jnp.matmul(
            flat, average, precision="highest"
        )  # a GPU would round the factors otherwise
        scale = jax.lax.rsqrt(jnp.matmul(centred * centred, average, precision="highest") + self.epsilon)
        return (centred * scale * self.scale[...] + self.bias[...]).reshape(x.shape)


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
