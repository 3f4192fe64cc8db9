"""Learned steering vectors: a constant added to the residual stream of frozen networks, fitted so that they speak as a target process."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

import processes
import toy

from . import numerics
from .objectives import objective
from .program import Rates, optimiser
from .recipe import RecipeError
from .tables import tables


@dataclass(frozen=True)
class Steering:
    """What vectors are fitted for, where they are added, and how they are fitted: Adam with a cosine, exact targets on drawn words."""

    process: str
    """The process that the steered networks shall predict; words are drawn from it."""
    site: str
    """Place on the residual stream."""
    first: int
    """Position from which on the vector is added; 0 for every position."""
    steps: int
    learning_rate: float
    batch: int
    """Words per step."""
    seed: int
    """Of the words; each network draws its own."""


class Steered(NamedTuple):
    """Vectors, one per network, and how the fit went."""

    vector: Float[Array, "seeds d"]
    excess: Float[Array, "seeds steps"]  # KL to the exact predictor of the target before each update, nats per token


def steered(network: toy.Network, site: str, first: int) -> toy.Network:
    """The network whose parameters are (parameters, vector (d,)): it adds the vector at the site from position `first` on."""

    def apply(params, tokens, tree=None):
        frozen, vector = params

        def add(stream):
            position = jnp.arange(stream.shape[-2]) if tree is None else jnp.asarray(tree.position)
            return stream + jnp.where(position[:, None] >= first, vector, 0.0)

        return network.apply(frozen, tokens, tree, edit={site: add})

    return replace(network, apply=apply)


@numerics.pinned()
def steer(config: toy.Config, params: toy.Params, how: Steering, basis: Float[Any, "*n r d"]) -> Steered:
    """Fit one vector per network of a stack (first axis of `params`), which stays as it is: h -> h + v at the site.

    v = z basis minimises E KL(exact law || steered network) over z in R^r, from z = 0; `basis` is (r, d), or (seeds, r, d) for a span of
    each network's own, the identity where any vector will do. Raises `RecipeError` for a bad setting, `toy.ModelError` for a bad site.
    """
    process, seeds = processes.named(how.process), len(jax.tree.leaves(params)[0])
    if how.site not in config.stream:
        raise toy.ModelError(f"{how.site!r} is not on the residual stream, so no vector can be added there; choose one of {', '.join(config.stream)}")
    if process.vocab != config.vocab:
        raise RecipeError(f"{how.process} emits {process.vocab} symbols but the network reads {config.vocab}; steer towards one of equal alphabet")
    if how.steps < 0 or how.batch < 1 or not 0 <= how.first < config.n_ctx:
        raise RecipeError(f"steering with {how.steps} steps of {how.batch} words from position {how.first} means nothing; see Steering")
    basis = jnp.asarray(basis, jnp.float32)
    if basis.ndim not in (2, 3) or basis.shape[-1] != config.d_model or basis.shape[:-2] not in ((), (seeds,)):
        raise RecipeError(f"the basis has shape {basis.shape}; it must be (r, {config.d_model}) or ({seeds}, r, {config.d_model})")
    keys = jax.random.split(numerics.key(how.seed), seeds)
    spans = jnp.broadcast_to(basis, (seeds, *basis.shape[-2:]))
    given = Rates(jnp.float32(how.learning_rate), jnp.int32(0), jnp.int32(how.steps))
    found = _program(config, how.site, how.first, how.steps, how.batch)(params, keys, spans, tables(process), given)
    return Steered(*jax.device_get(found))


@lru_cache(maxsize=32)
def _program(config: toy.Config, site: str, first: int, steps: int, batch: int) -> Callable[..., tuple[Array, Array]]:
    """The compiled fit of all networks: (params, keys, bases, tables, rates) -> (vectors, excess)."""
    loss = objective("expected", batch, steered(toy.network(config), site, first))

    def one(params, key, basis, table, given):
        tx = optimiser("adam", "cosine", given)

        def step(carry, key):
            z, state = carry

            def scalar(z):
                value = loss((params, z @ basis), key, table)
                return value.loss, value.excess

            gradient, excess = jax.grad(scalar, has_aux=True)(z)
            updates, state = tx.update(gradient, state)
            return (optax.apply_updates(z, updates), state), excess

        start = jnp.zeros(len(basis))
        (z, _), excess = jax.lax.scan(step, (start, tx.init(start)), jax.random.split(key, steps))
        return z @ basis, excess

    def run(params, keys, bases, table, given):
        each = (params, keys, bases)
        if jax.default_backend() == "cpu":  # one after another, as in `program`
            return jax.lax.map(lambda x: one(x[0], x[1], x[2], table, given), each)
        return jax.vmap(lambda p, k, b: one(p, k, b, table, given))(*each)

    return numerics.jit(run)
