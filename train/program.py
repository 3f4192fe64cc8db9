"""The compiled training loop: one program for all recipes of equal shape."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int

import toy
from toy.inputs import dotted

from .machine import numerics
from .objectives import Data, objective
from .recipe import Optimiser, Recipe


class State(NamedTuple):
    """Everything a run carries from step to step; every leaf has the seeds as its first axis."""

    params: toy.Params
    opt_state: optax.OptState
    step: Int[Array, "seeds"]  # updates made so far, equal over seeds
    # (seeds, 2) raw key data; step t draws from fold_in(key, t), so the data do not depend on interruptions
    key: Array
    loss: Float[
        Array, "seeds steps"
    ]  # objective before each update, nats per token; NaN for steps not yet made
    excess: Float[Array, "seeds steps"]  # KL to the exact predictor on the same contexts, nats per token


class Form(NamedTuple):
    """What of a recipe a program is compiled for, beside the shapes of its arguments."""

    model: toy.Config
    objective: str
    batch: int | None
    optimiser: str
    schedule: str
    frozen: tuple[str, ...]


class Rates(NamedTuple):
    """What of a recipe a program is given as numbers."""

    peak: Float[Array, ""]
    warmup: Int[Array, ""]
    steps: Int[Array, ""]


def form(recipe: Recipe) -> Form:
    """Recipes of equal form, sizes of process and number of steps share a compiled program."""
    settings = recipe.optimiser
    return Form(
        recipe.model,
        recipe.objective,
        recipe.batch,
        settings.name,
        settings.schedule,
        recipe.origin.frozen if recipe.origin else (),
    )


def rates(settings: Optimiser, steps: int) -> Rates:
    """The numbers of an optimiser for `steps` updates."""
    return Rates(jnp.float32(settings.learning_rate), jnp.int32(settings.warmup), jnp.int32(steps))


def optimiser(name: str, schedule: str, given: Rates) -> optax.GradientTransformation:
    """The optax transformation: a step size that rises linearly over the warm-up, then stays or falls along a
    cosine.
    """

    def size(count):
        # Starting at peak / warmup, not at zero: a step of size zero is a step lost.
        rising = jnp.minimum(1.0, (count + 1) / jnp.maximum(1, given.warmup))
        passed = jnp.clip((count - given.warmup) / (given.steps - given.warmup), 0, 1)
        return given.peak * rising * ((1 + jnp.cos(jnp.pi * passed)) / 2 if schedule == "cosine" else 1.0)

    return {"adam": optax.adam, "sgd": optax.sgd}[name](size)


def named(tree: toy.Params, names: tuple[str, ...]) -> toy.Params:
    """Which leaves have a path that starts with one of the names, as "blocks.0" or "embed"."""

    def matches(path, leaf):
        written = dotted(path)
        return any(written == name or written.startswith(name + ".") for name in names)

    return jax.tree_util.tree_map_with_path(matches, tree)


@lru_cache(maxsize=64)
def starter(
    model: toy.Config, name: str, stage: int
) -> Callable[[Int[Array, "seeds"]], tuple[toy.Params, optax.OptState, Array]]:
    """The compiled initialisation: seeds -> (params, opt_state, key data), all with the seeds as first axis.

    `stage` counts the origins before: what is new in a later stage is drawn anew, and so are its data.
    """
    network, tx = toy.network(model), optimiser(name, "constant", Rates(*map(jnp.int32, (1, 0, 1))))

    def one(seed):
        key = numerics.key(seed)
        init_key, data_key = jax.random.split(jax.random.fold_in(key, stage) if stage else key)
        params = network.init(init_key)
        return params, tx.init(params), jax.random.key_data(data_key)

    return numerics.jit(lambda seeds: jax.lax.map(one, seeds))


@lru_cache(maxsize=64)
def program(form: Form, mesh: Mesh) -> Callable[[State, int, Rates, Data], State]:
    """The compiled loop: (state, step to stop at, rates, data) -> state.

    The first axis of the state lies over the mesh's `seed`, that of the data over its `data`; gradients are
    summed over `data`. On CPU devices the seeds of a device run one after another: its cores are busy with
    one seed's matrix products, and the working set stays in cache (measured 1.1-1.5 times faster than vmap).
    Accelerators want the seeds as one batch.
    """
    shards = mesh.shape["data"]
    loss = objective(form.objective, form.batch, toy.network(form.model), shards)

    def step(state: State, given: Rates, data: Data) -> State:
        key = jax.random.fold_in(numerics.key_of(state.key), state.step)

        def scalar(params):
            value = loss(params, key, data, jax.lax.axis_index("data"))
            return value.loss, value

        grads, value = jax.grad(scalar, has_aux=True)(state.params)
        if shards > 1:
            grads, value = jax.lax.psum((grads, value), "data")
        tx = optimiser(form.optimiser, form.schedule, given)
        updates, opt_state = tx.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        return State(
            jax.tree.map(
                lambda frozen, old, new: old if frozen else new,
                named(params, form.frozen),
                state.params,
                params,
            ),
            opt_state,
            state.step + 1,
            state.key,
            state.loss.at[state.step].set(value.loss),
            state.excess.at[state.step].set(value.excess),
        )

    def block(states: State, until, given: Rates, data: Data) -> State:
        own = jax.tree.map(lambda leaf: leaf[0], data)

        def run(state: State) -> State:
            return jax.lax.fori_loop(state.step, until, lambda _, s: step(s, given, own), state)

        return jax.lax.map(run, states) if mesh.devices.flat[0].platform == "cpu" else jax.vmap(run)(states)

    seeds, everywhere = PartitionSpec("seed"), PartitionSpec()
    specs = (seeds, everywhere, everywhere, PartitionSpec("data"))
    return numerics.jit(jax.shard_map(block, mesh=mesh, in_specs=specs, out_specs=seeds, check_vma=False))
