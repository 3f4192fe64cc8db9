"""A nonlinear probe: a small multilayer perceptron, fitted on one half of the histories and scored on the
other, and the reverse.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float

import train

from ..contexts import Contexts
from ..descent import descended
from ..statistics import systematic

HIDDEN, STEPS, RATE = 64, 300, 1e-2
"""Of one layer; steps of Adam with a cosine."""
ROWS = 1024
"""Contexts of a half that it is fitted on, drawn beforehand by their weight."""


class Reader(nnx.Module):
    """One hidden layer of GELU."""

    def __init__(self, d: int, m: int, *, rngs: nnx.Rngs):
        self.first = nnx.Linear(d, HIDDEN, rngs=rngs)
        self.last = nnx.Linear(HIDDEN, m, rngs=rngs)

    def __call__(self, x: Float[Array, "N d"]) -> Float[Array, "N m"]:
        """Labels that are read."""
        return self.last(jax.nn.gelu(self.first(x)))


@train.pinned()
def nonlinear_r2(
    features: Sequence[Float[np.ndarray, "N d"]], y: Float[np.ndarray, "N m"], of: Contexts, *, seed: int
) -> Float[np.ndarray, "K"]:
    """Held-out R2 of labels, as small networks read them from each of several features: pooled over both
    halves of the histories. Features are centred, and scaled by one number.
    """
    x = np.stack([np.asarray(f, np.float64) for f in features])
    error, spread = np.zeros(len(x)), 0.0
    for half in (0, 1):
        judged, fitted = np.flatnonzero(of.half(half)), np.flatnonzero(of.half(1 - half))
        rows = fitted[systematic(of.weight[fitted], ROWS)]
        mean, centre = x[:, rows].mean(1, keepdims=True), y[rows].mean(0)
        scale = np.sqrt(((x[:, rows] - mean) ** 2).mean((1, 2), keepdims=True))
        z = (x - mean) / np.maximum(scale, np.finfo(float).tiny)
        unit = max(float(np.sqrt(((y[rows] - centre) ** 2).mean())), np.finfo(float).tiny)
        given, asked = (jnp.asarray(a, jnp.float32) for a in (z[:, rows], (y[rows] - centre) / unit))
        told = _fit(x.shape[2], y.shape[1])(
            train.key(seed), given, asked, jnp.asarray(z[:, judged], jnp.float32)
        )
        off = y[judged] - centre - unit * np.asarray(told, np.float64)
        w = of.weight[judged]
        error += (w * (off**2).sum(2)).sum(1)
        spread += float(w @ ((y[judged] - centre) ** 2).sum(1))
    return 1 - error / max(spread, np.finfo(float).tiny)


@lru_cache(maxsize=8)
def _fit(d: int, m: int) -> Callable[..., Any]:
    """The compiled fit: (key, features (K, n, d), labels (n, m), others (K, N, d)) -> what others tell."""
    rule = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))

    def one(key, x, y, others):
        structure, params = nnx.split(Reader(d, m, rngs=nnx.Rngs(key)), nnx.Param)

        def loss(params):
            return jnp.square(nnx.merge(structure, params)(x) - y).mean()

        return nnx.merge(structure, descended(rule, jax.grad(loss), params, STEPS))(others)

    return train.jit(jax.vmap(one, in_axes=(None, 0, None, 0)))
