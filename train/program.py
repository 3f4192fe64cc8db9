"""The compiled training loop: one program for all recipes of equal shape."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import optax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float32, Int32, UInt32

import toy
from processes.values import earlier

from .machine import numerics
from .objectives import Data, objective
from .parameter_paths import named
from .recipe import Recipe
from .schedule import Rates, optimiser


class State(NamedTuple):
    """Everything a run carries from step to step; every leaf has the seeds as its first axis."""

    params: toy.Params
    opt_state: optax.OptState
    step: Int32[Array, "seeds"]  # updates made so far, equal over seeds
    # Raw key data; step t draws from fold_in(key, t), so the data do not depend on interruptions.
    key: UInt32[Array, "seeds 2"]
    # Objective before each update, nats per token; NaN for steps not yet made.
    loss: Float32[Array, "seeds steps"]
    excess: Float32[Array, "seeds steps"]  # KL to the exact predictor on the same contexts, nats per token


class Form(NamedTuple):
    """What of a recipe a program is compiled for, beside the shapes of its arguments."""

    model: toy.Config
    objective: str
    batch: int | None
    optimiser: str
    schedule: str
    frozen: tuple[str, ...]


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


@lru_cache(maxsize=64)
@numerics.pinned()
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
        if form.frozen:
            fixed = named(params, form.frozen)
            params = jax.tree.map(lambda fix, old, new: old if fix else new, fixed, state.params, params)
        return State(
            params,
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


EARLIER = {"rates": "train.schedule:rates"}

__getattr__ = earlier.names(__name__, EARLIER)
