"""Learned steering vectors: a constant added to the residual stream of frozen networks, fitted so that they
speak as a target process.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Float32

import processes
import toy
from toy.bridge import parameter_shapes
from toy.checks import MAX_INT32, check_fields, check_range, fitted
from toy.inputs import check_stack
from toy.sites import shown

from .errors import RecipeError
from .machine import numerics
from .objectives import objective
from .optimiser import MAX_FLOAT32, MAX_STEPS, Optimiser, check_rate
from .recipe import NAMING
from .schedule import Rates, optimiser
from .tables import tables


@dataclass(frozen=True)
class Steering:
    """What vectors are fitted for, where they are added, and how they are fitted: Adam with a cosine, exact
    targets on drawn words.
    """

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

    def __post_init__(self):
        least, most = (
            {"first": 0, "steps": 0, "batch": 1, "seed": 0},
            {"steps": MAX_STEPS, "seed": 2**32 - 1},
        )
        check_fields(self, least, most, error=RecipeError, remedy={"process": NAMING})
        check_rate(self.learning_rate, max(self.steps, 1))


class Steered(NamedTuple):
    """Vectors, one per network, and how the fit went."""

    vector: Float32[Array, "seeds d"]
    # KL to the exact predictor of the target before each update, nats per token.
    excess: Float32[Array, "seeds steps"]


def steered(network: toy.Network, site: str, first: int) -> toy.Network:
    """The network whose parameters are (parameters, vector (d,)): it adds the vector at the site from
    position `first` on.

    Raises `toy.ModelError` for a site that is not on the residual stream, and `RecipeError` for a position
    that the network has not.
    """
    network = fitted("network", toy.Network, network, RecipeError, "make one with toy.network")
    return replace(network, apply=partial(_apply, network.apply, *_place(network.config, site, first)))


def _apply(
    plain: Callable[..., dict[str, jax.Array]],
    site: str,
    first: int,
    params: Any,  # whatever a user gives; refused below, or by the plain network
    tokens: Any,
    tree: Any = None,
    sites: Any = None,
) -> dict[str, jax.Array]:
    if not (isinstance(params, tuple | list) and len(params) == 2):
        raise toy.ModelError(
            f"the parameters of a steered network are {shown(params)}; they must be a pair (parameters, "
            "vector)"
        )
    frozen, vector = params

    def add(stream):
        if jnp.shape(vector) != stream.shape[-1:]:
            raise toy.ModelError(
                f"the vector has shape {jnp.shape(vector)} but {site} holds vectors of shape "
                f"{stream.shape[-1:]}; use one of those"
            )
        position = jnp.arange(stream.shape[-2]) if tree is None else jnp.asarray(tree.position)
        return stream + jnp.where(position[:, None] >= first, vector, 0.0)

    return plain(frozen, tokens, tree, edit={site: add}, sites=sites)


def _place(config: toy.Config, site: str, first: int) -> tuple[str, int]:
    if fitted("site", str, site, RecipeError) not in config.stream:
        raise toy.ModelError(
            f"{site!r} is not on the residual stream, so no vector can be added there; choose one of "
            f"{', '.join(config.stream)}"
        )
    first = fitted("first", int, first, RecipeError)
    check_range("first", first, 0, config.n_ctx - 1, RecipeError)
    return site, first


@numerics.pinned()
def steer(config: toy.Config, params: toy.Params, how: Steering, basis: Float[Any, "*n r d"]) -> Steered:
    """Fit one vector per network of a stack (first axis of `params`), which stays as it is: h -> h + v at the
    site.

    v = z basis minimises E KL(exact next-token distribution || steered network) over z in R^r, from z = 0;
    `basis` is (r, d), or
    (seeds, r, d) for a span of each network's own, the identity where any vector will do. Raises
    `RecipeError` for a bad setting, `toy.ModelError` for a bad site or parameters of another network.
    """
    config, how = fitted("config", toy.Config, config, RecipeError), fitted("how", Steering, how, RecipeError)
    site, first = _place(config, how.site, how.first)
    seeds = check_stack(parameter_shapes(config), params)
    process = processes.named(how.process)
    if process.vocab != config.vocab:
        raise RecipeError(
            f"{how.process} emits {process.vocab} symbols but the network reads {config.vocab}; steer "
            "towards one of equal alphabet"
        )
    check_range("batch * n_ctx", how.batch * config.n_ctx, 1, MAX_INT32, RecipeError)
    basis = _basis(basis, seeds, config.d_model)
    keys = jax.random.split(numerics.key(how.seed), seeds)
    spans = jnp.broadcast_to(basis, (seeds, *basis.shape[-2:]))
    given = Rates(jnp.float32(how.learning_rate), jnp.int32(0), jnp.int32(how.steps))
    fitted_vectors = _program(config, site, first, how.steps, how.batch)(
        params, keys, spans, tables(process), given
    )
    return Steered(*jax.device_get(fitted_vectors))


def _basis(basis: Any, seeds: int, d: int) -> Float32[Array, "*n r d"]:
    try:
        directions = np.asarray(basis)
    except ValueError:  # rows of unequal length
        directions = np.array(None)
    if directions.dtype.kind not in "iuf":
        raise RecipeError(
            f"the basis is {shown(basis)}; it must be an array of numbers, of shape (r, {d}) or ({seeds}, r, "
            f"{d})"
        )
    if (
        directions.ndim not in (2, 3)
        or directions.shape[-1] != d
        or directions.shape[:-2] not in ((), (seeds,))
    ):
        raise RecipeError(f"the basis has shape {directions.shape}; it must be (r, {d}) or ({seeds}, r, {d})")
    if not (np.abs(directions) <= MAX_FLOAT32).all():
        raise RecipeError(
            "the basis holds numbers that are not finite in float32; give directions of ordinary size"
        )
    return jnp.asarray(directions, jnp.float32)


@lru_cache(maxsize=32)
def _program(
    config: toy.Config, site: str, first: int, steps: int, batch: int
) -> Callable[..., tuple[Array, Array]]:
    """The compiled fit of all networks: (params, keys, bases, tables, rates) -> (vectors, excess)."""
    loss = objective("expected", batch, steered(toy.network(config), site, first))

    def one(params, key, basis, table, given):
        tx = optimiser(Optimiser("adam", 1.0, schedule="cosine"), given)

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
