"""How parameters are updated: optax's optimisers, with step sizes that a compiled program is given as
numbers."""

from typing import NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float32, Int32

from .recipe import Optimiser


class Rates(NamedTuple):
    """What of an optimiser a program is given as numbers, so that others need no other program."""

    peak: Float32[Array, ""]
    warmup: Int32[Array, ""]
    steps: Int32[Array, ""]


def rates(settings: Optimiser, steps: int) -> Rates:
    """The numbers of an optimiser for `steps` updates."""
    return Rates(jnp.float32(settings.learning_rate), jnp.int32(settings.warmup), jnp.int32(steps))


def optimiser(name: str, schedule: str, given: Rates) -> optax.GradientTransformation:
    """The optax transformation "adam" or "sgd", with a step size that rises linearly over the warm-up.

    With n updates made so far, w of warm-up and N in all, the next has the size

        peak min(1, (n + 1) / w) s,      s = 1  or, for "cosine",  (1 + cos(pi clip((n - w) / (N - w), 0, 1)))
                                                                   / 2.
    """

    def size(count):
        # Starting at peak / warmup, not at zero: a step of size zero is a step lost.
        rising = jnp.minimum(1.0, (count + 1) / jnp.maximum(1, given.warmup))
        passed = jnp.clip((count - given.warmup) / (given.steps - given.warmup), 0, 1)
        return given.peak * rising * ((1 + jnp.cos(jnp.pi * passed)) / 2 if schedule == "cosine" else 1.0)

    return {"adam": optax.adam, "sgd": optax.sgd}[name](size)
