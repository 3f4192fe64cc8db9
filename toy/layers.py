"""Two layers of NNX, computing the same, written so that XLA for CPUs makes fast programs of their gradients."""

import jax
from flax import nnx
from jaxtyping import Array, Float


class LayerNorm(nnx.LayerNorm):
    """Centre, divide by the standard deviation, scale, shift: (x - mean) / sqrt(var + epsilon) * scale + bias.

    Centred once and used twice. NNX subtracts the mean in two places, of which XLA makes one fusion that works each mean out
    again for every element it touches.
    """

    def __call__(self, x: Float[Array, "*n d"], *, mask: Array | None = None) -> Float[Array, "*n d"]:
        """Normalise over the last axis."""
        assert self.scale is not None and self.bias is not None and mask is None
        centred = x - x.mean(-1, keepdims=True)
        scale = jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + self.epsilon)
        return centred * scale * self.scale[...] + self.bias[...]


class Linear(nnx.Linear):
    """x @ kernel + bias, on one flat axis of tokens.

    Over several leading axes the gradient of the kernel would be contracted over all of them, which XLA transposes and copies for.
    """

    def __call__(self, inputs: Float[Array, "*n d"], out_sharding: None = None) -> Float[Array, "*n e"]:
        """Map the last axis."""
        return super().__call__(inputs.reshape(-1, inputs.shape[-1])).reshape(*inputs.shape[:-1], self.out_features)
