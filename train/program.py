"""What is compiled of a training: its beginning, and the loop, each one program for all recipes of equal
shape."""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Bool, Float32, Int, Int32, PyTree, UInt32

import toy
from processes.values import earlier
from toy.inputs import marked

from . import schedule
from .errors import RecipeError
from .machine import devices, numerics
from .objectives import Data, Loss, objective
from .optimiser import Optimiser
from .recipe import Recipe
from .schedule import Rates
from .tables import stratified, tables


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
    optimiser: Optimiser  # but for its rates
    frozen: tuple[str, ...]


def form(recipe: Recipe) -> Form:
    """Recipes of equal form, sizes of process and number of steps share a compiled program."""
    return Form(
        recipe.model,
        recipe.objective,
        recipe.batch,
        schedule.without_rates(recipe.optimiser),
        recipe.origin.frozen if recipe.origin else (),
    )


@lru_cache(maxsize=128)
def initialiser(model: toy.Config) -> Callable[[UInt32[Array, "seeds 2"]], toy.Params]:
    """The compiled initialisation: raw key data of as many networks -> their parameters (first axis).

    One after another, and one program for trained and untrained networks: compiling it costs seconds, running
    it milliseconds.
    """
    network = toy.network(model)
    return numerics.jit(lambda keys: jax.lax.map(lambda key: network.init(numerics.key_of(key)), keys))


@numerics.jit
def key_pairs(seeds: Int[Array, "seeds"], stage: Int[Array, ""]) -> UInt32[Array, "2 seeds 2"]:
    """Raw data of the keys that networks and their samples start from.

    `stage` counts the origins before: what is new in a later stage is drawn anew, and so are its data.
    """

    def pair(seed: Array) -> Array:
        key = numerics.key(seed)
        later = jax.random.fold_in(key, stage)
        return jax.random.key_data(jax.random.split(jax.lax.select(stage > 0, later, key)))

    return jax.vmap(pair, out_axes=1)(seeds)


def fixed_words(recipe: Recipe) -> Int[np.ndarray, "seeds batch T"]:
    """The words that each seed of a recipe of the `fixed` objective learns from, in every step. Raises
    `RecipeError` for another objective.
    """
    if recipe.objective != "fixed" or recipe.batch is None:
        raise RecipeError(
            f"the objective is {recipe.objective}, which draws anew in every step; only fixed has "
            "words of its own"
        )
    given, n_ctx, batch = tables(recipe.ground_truth()), recipe.model.n_ctx, recipe.batch

    def words(key: Array) -> Array:
        return stratified(given, key_of_step(recipe.objective, key, 0), batch, n_ctx)[0]

    return np.asarray(numerics.jit(lambda keys: jax.lax.map(words, keys))(keys_of(recipe)[1]))


def keys_of(recipe: Recipe) -> UInt32[Array, "2 seeds 2"]:
    """`key_pairs` of the seeds of a recipe."""
    seeds = jnp.arange(recipe.first_seed, recipe.first_seed + recipe.seeds)
    return key_pairs(seeds, recipe.origin.stage if recipe.origin else 0)


def key_of_step(objective: str, key: UInt32[Array, "2"], step: Any) -> Array:
    """What the examples of a step are drawn by; the words of the fixed objective are those of step 0 for
    ever.
    """
    return jax.random.fold_in(numerics.key_of(key), 0 if objective == "fixed" else step)


@lru_cache(maxsize=64)
def beginner(settings: Optimiser) -> Callable[[toy.Params], optax.OptState]:
    """The compiled beginning of an optimiser, of all seeds at once: one program, not one for each array."""
    return numerics.jit(jax.vmap(schedule.optimiser(settings, schedule.rates(settings, 1)).init))


@lru_cache(maxsize=64)
@numerics.pinned()
def program(form: Form, mesh: Mesh) -> Callable[[State, int, Rates, Data, Int[Array, "seeds"]], State]:
    """The compiled loop: (state, step to stop at, rates of every seed, data of every process, which of them
    each seed learns) -> state.

    The first axis of state, rates and choices lies over the mesh's `seed`, the second of the data (their
    parts) over its `data`; gradients are summed over `data`. The seeds of a device run `one_by_one`, or as
    one batch.
    """
    shards = mesh.shape["data"]
    loss = objective(form.objective, form.batch, toy.network(form.model), shards)
    descent = line if form.optimiser.name == "lbfgs" else slope
    total: Total = partial(jax.lax.psum, axis_name="data") if shards > 1 else lambda parts: parts

    def step(state: State, given: Rates, data: Data) -> State:
        key = key_of_step(form.objective, state.key, state.step)

        def own(params: toy.Params) -> Loss:
            return loss(params, key, data, jax.lax.axis_index("data"))

        grads, value, asked = descent(own, total, state)
        rule = schedule.optimiser(form.optimiser, given)
        updates, opt_state = rule.update(grads, state.opt_state, state.params, **asked)
        params = optax.apply_updates(state.params, updates)
        if form.frozen:
            fixed = marked(params, form.frozen)
            params = jax.tree.map(lambda fix, old, new: old if fix else new, fixed, state.params, params)
        return State(
            params,
            opt_state,
            state.step + 1,
            state.key,
            state.loss.at[state.step].set(value.loss),
            state.excess.at[state.step].set(value.excess),
        )

    def block(states: State, until, given: Rates, data: Data, which) -> State:
        def run(seed: tuple[State, Rates, Int32[Array, ""]]) -> State:
            state, own, process = seed
            part = jax.tree.map(lambda leaf: leaf[process, 0], data)
            if descent is line:
                due = partial(_goes_on, until=until)
                return _rested(jax.lax.while_loop(due, lambda s: step(s, own, part), state), until)
            return jax.lax.fori_loop(state.step, until, lambda _, s: step(s, own, part), state)

        each = (states, given, which)
        return jax.lax.map(run, each) if devices.one_by_one(mesh) else jax.vmap(run)(each)

    seeds, everywhere = PartitionSpec("seed"), PartitionSpec()
    specs = (seeds, everywhere, seeds, PartitionSpec(None, "data"), seeds)
    return numerics.jit(jax.shard_map(block, mesh=mesh, in_specs=specs, out_specs=seeds, check_vma=False))


Part = Callable[[toy.Params], Loss]  # on this device's part of the examples
Total = Callable[[PyTree], PyTree]  # the sum over all parts
Descent = tuple[toy.Params, Loss, dict[str, Any]]  # gradient, value, what else an optimiser asks for


def slope(loss: Part, total: Total, state: State) -> Descent:
    """The gradient of the loss."""

    def scalar(params):
        value = loss(params)
        return value.loss, value

    grads, value = total(jax.grad(scalar, has_aux=True)(state.params))
    return grads, value, {}


def line(loss: Part, total: Total, state: State) -> Descent:
    """The same for a search along a line, which asks for values and gradients itself.

    What is searched is the excess: its gradient is that of the loss, and its value has digits left where
    those of the loss are all the floor's. The loss is reported as the excess above the floor.
    """

    def both(params):
        return total(jax.value_and_grad(lambda params: loss(params).excess)(params))

    @jax.custom_vjp
    def excess(params):
        return both(params)[0]

    def backward(grads, cotangent):
        return (jax.tree.map(lambda g: cotangent * g, grads),)

    excess.defvjp(both, backward)  # a sum over devices has no gradient of its own that could be used
    value, grads = optax.value_and_grad_from_state(excess)(state.params, state=state.opt_state)
    floor = total(loss(state.params).floor)  # which asks nothing of the network
    return grads, Loss(value + floor, value, floor), {"value": value, "grad": grads, "value_fn": excess}


def _goes_on(state: State, *, until: Int[Array, ""]) -> Bool[Array, ""]:
    """Whether L-BFGS has steps to make that change anything.

    Once float32 tells no point along the slope from the one where it stands, its last step has moved
    nothing, and so will every later one when all it remembers is such steps: it would look for a step twenty
    times over, in vain and at the cost of twenty steps, and come to the same bits. (Not after its first step
    alone, whose length is chosen in another way.)
    """
    memory = state.opt_state[0]
    moved = optax.tree.sum(jax.tree.map(lambda new, old: (new != old).any(), state.params, memory.params)) > 0
    return (state.step < until) & ((memory.count < 2) | memory.weights_memory.any() | moved)


def _rested(state: State, until: Int[Array, ""]) -> State:
    """The state at a later step, where nothing has changed since."""
    steps = jnp.arange(len(state.loss))
    since = (steps >= state.step) & (steps < until)

    def longer(history: Array) -> Array:
        return jnp.where(since, history[state.step - 1], history)

    return state._replace(
        step=jnp.maximum(state.step, until), loss=longer(state.loss), excess=longer(state.excess)
    )


EARLIER = {"rates": "train.schedule:rates"}

__getattr__ = earlier.names(__name__, EARLIER)
