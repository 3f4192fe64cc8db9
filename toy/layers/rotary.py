"""Rotary position embedding: queries and keys turned by angles that grow with position, so that scores know
distances only.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

BASE = 10_000.0
"""Ratio of the slowest to the fastest rotation in the limit of wide heads (Su et al. 2021)."""


def rotate(
    x: Float[Array, "*n h d"], position: Int[np.ndarray, "t"], rows: Int[Array, "*b"] | None = None
) -> Float[Array, "*n h d"]:
    """Turn the plane of channels j and j + d/2 by position * BASE**(-2j/d) radians (Su et al. 2021, eq. 34).

    The axis of x (..., T, heads, d) before the heads is that of `position` (T,), or of its `rows`, which may
    be known when the program runs only; d is even.
    """
    half = x.shape[-1] // 2
    angle = position[:, None, None] * BASE ** (-np.arange(half) / half)
    cos, sin = jnp.asarray(np.cos(angle), x.dtype), jnp.asarray(np.sin(angle), x.dtype)
    if rows is not None:
        cos, sin = cos[rows], sin[rows]
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)
