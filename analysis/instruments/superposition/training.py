"""Toy models of superposition trained from random starts, many at once, on their exact expected loss."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float

import train
from toy.checks import check_range

from ..descent import descended
from .expected_loss import expected_loss

STEPS, RATE = 3000, 3e-2
"""Of Adam, with a cosine: the loss has no noise, and it ends within float32 of a minimum."""


@dataclass(frozen=True, eq=False)
class ToyModels:
    """Models of n features in m dimensions that were trained side by side."""

    W: Float[np.ndarray, "R m n"]
    b: Float[np.ndarray, "R n"]

    @cached_property
    def loss(self) -> Float[np.ndarray, "R"]:
        """The expected loss of each, in float64."""
        return np.asarray(expected_loss(self.W, self.b).value)

    @property
    def best(self) -> tuple[Float[np.ndarray, "m n"], Float[np.ndarray, "n"]]:
        """W and b of the one with the least loss."""
        least = int(self.loss.argmin())
        return self.W[least], self.b[least]


def trained(n: int, m: int, *, models: int, seed: int, steps: int = STEPS, turning: bool = True) -> ToyModels:
    """So many models of n features in m dimensions, from normal starts, trained by Adam in float32.

    Where they are not `turning`, features keep the directions in which they begin, and only norms and biases
    are trained: what random directions are worth. Raises `toy.ModelError` for numbers that make no model.
    """
    for name, number in {"n": n, "m": m, "models": models, "steps": steps}.items():
        check_range(name, number, 1)
    W, b = _fit(n, m, models, steps, turning)(train.key(seed))
    return ToyModels(np.asarray(W, np.float64), np.asarray(b, np.float64))


@lru_cache(maxsize=16)
def _fit(n: int, m: int, models: int, steps: int, turning: bool) -> Callable[..., Any]:
    """The compiled training of models side by side: key -> (W, b)."""
    rule = optax.adam(optax.cosine_decay_schedule(RATE, steps))

    def run(key):
        W = jax.random.normal(key, (models, m, n)) / jnp.sqrt(m)
        norms = jnp.linalg.norm(W, axis=1, keepdims=True)
        directions = W / norms
        params = (W if turning else norms, jnp.zeros((models, n)))

        def model(params):
            return (params[0] if turning else params[0] * directions), params[1]

        def gradient(params):
            found = expected_loss(*model(params))
            return (found.W if turning else (found.W * directions).sum(1, keepdims=True)), found.b

        return model(descended(rule, gradient, params, steps))

    return train.jit(run)
