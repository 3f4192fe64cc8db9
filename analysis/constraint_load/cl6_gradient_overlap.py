"""Inhibitory torque: how much of what a constraint asks of the parameters lies where the base task pulls.

The theory speaks of the gradient of alignment against the base manifold, without a formula. The ones here are
this lab's operationalisation: the share of a constraint's gradient inside the span of base-task gradients,
and cosines between gradients, of which negative ones are conflicts (as in PCGrad, Yu et al. 2020).
"""

from collections.abc import Callable
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

import processes
import toy
import train
from processes.algebra.span import column_space
from train.objectives import Examples

FAINT = 1e-10
"""Directions of base gradients fainter than this beside the strongest are rounding of float64."""


def inhibitory_torque(
    gradient: Float[np.ndarray, "*n D"], base: Float[np.ndarray, "m D"]
) -> Float[np.ndarray, "*n"]:
    """|P g| / |g|, P = orthogonal projection onto the span of the base gradients: 1 inside it, 0 orthogonal
    to it.

    sqrt(m / D) is what m base gradients come to for a random direction (`null_torque`).
    """
    span = column_space(np.asarray(base, np.float64).T, FAINT)
    g = np.asarray(gradient, np.float64)
    return np.asarray(np.linalg.norm(g @ span, axis=-1) / np.linalg.norm(g, axis=-1))


def null_torque(m: int, D: int) -> float:
    """Root mean square of |P g| / |g| for g in a uniformly random direction of D dimensions, P of rank m:
    sqrt(m / D).
    """
    return float(np.sqrt(m / D))


def cosines(gradients: Float[np.ndarray, "K D"]) -> Float[np.ndarray, "K K"]:
    """Cosines between gradients; negative where a small step for one is a step against the other."""
    unit = np.asarray(gradients, np.float64)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    return unit @ unit.T


@train.pinned()
def gradients(
    config: toy.Config, params: toy.Params, process: processes.Process, *, count: int, batch: int, seed: int
) -> Float[np.ndarray, "nets count D"]:
    """Gradients of the expected loss on a process, each from a minibatch of `batch` words, for every network
    of a stack.

    Nats per token and unit of parameter, all parameters side by side. All networks see the same minibatches.
    """
    return np.asarray(_gradient(config)(params, minibatches(config, process, count, batch, seed)), np.float64)


@train.pinned()
def excess(
    config: toy.Config, params: toy.Params, process: processes.Process, *, batch: int, seed: int
) -> Float[np.ndarray, "nets"]:
    """KL to the exact predictor on `batch` words of a process, nats per token, of every network of a stack;
    all see the same words.
    """
    return np.asarray(_excess(config)(params, minibatches(config, process, 1, batch, seed)), np.float64)


def minibatches(
    config: toy.Config, process: processes.Process, count: int, batch: int, seed: int
) -> Examples:
    """Words of a process and the exact distributions of their next tokens, as the expected objective sees
    them.

    Drawn and filtered here, not on the device: the shapes do not depend on the process, so one program serves
    all constraints.
    """
    words = processes.sample(process, (count * batch, config.n_ctx), np.random.default_rng(seed))
    next_token = processes.predict(process, processes.filter(process, words).belief)
    exact = jnp.asarray(next_token.reshape(count, batch, config.n_ctx, -1), jnp.float32)
    tokens = jnp.asarray(words.reshape(count, batch, config.n_ctx), jnp.int32)
    return Examples(tokens, None, exact, exact, jnp.full(tokens.shape, 1 / (batch * config.n_ctx)))


@lru_cache(maxsize=8)
def _gradient(config: toy.Config) -> Callable[..., jax.Array]:
    loss = train.objective("population", None, toy.network(config))  # the loss on examples that are given

    def one(params, x):
        found = jax.grad(lambda p: loss(p, None, x).loss)(params)
        return jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(found)])

    return train.jit(
        lambda params, given: jax.lax.map(lambda p: jax.lax.map(lambda x: one(p, x), given), params)
    )


@lru_cache(maxsize=8)
def _excess(config: toy.Config) -> Callable[..., jax.Array]:
    loss = train.objective("population", None, toy.network(config))
    return train.jit(
        lambda params, given: jax.lax.map(
            lambda p: loss(p, None, jax.tree.map(lambda leaf: leaf[0], given)).excess, params
        )
    )
