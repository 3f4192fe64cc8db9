"""The training loop: every seed of a recipe in one compiled program."""

import os
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int

import toy

from .objectives import data, objective
from .recipe import Optimiser, Recipe


class State(NamedTuple):
    """Everything a run carries from step to step; every leaf has the seeds as its first axis."""

    params: toy.Params
    opt_state: optax.OptState
    step: Int[Array, "seeds"]  # updates made so far, equal over seeds
    key: Array  # (seeds, 2) raw key data; step t draws from fold_in(key, t), so the data do not depend on interruptions
    loss: Float[Array, "seeds steps"]  # objective before each update, nats per token; NaN for steps not yet made
    excess: Float[Array, "seeds steps"]  # KL to the exact predictor on the same contexts, nats per token


class Progress(NamedTuple):
    """Where a training is: what an observer may see, as NumPy."""

    step: int
    seconds: float  # since this call started, compilation included
    excess: Float[np.ndarray, "seeds"]  # mean over the steps since the last report, nats per token
    state: State


def use_all_cores(n: int | None = None) -> None:
    """Give XLA one host device per CPU core, so that seeds train on all of them. Call it before JAX computes anything."""
    jax.config.update("jax_num_cpu_devices", n or os.cpu_count() or 1)


def optimiser(settings: Optimiser, steps: int) -> optax.GradientTransformation:
    """The optax transformation for `steps` updates."""
    peak, warmup = settings.learning_rate, settings.warmup
    after = optax.cosine_decay_schedule(peak, steps - warmup) if settings.schedule == "cosine" else optax.constant_schedule(peak)
    # Starting at peak / warmup, not at zero: a step of size zero is a step lost.
    schedule = optax.join_schedules([optax.linear_schedule(peak / warmup, peak, warmup - 1), after], [warmup]) if warmup > 1 else after
    return {"adam": optax.adam, "sgd": optax.sgd}[settings.name](schedule)


def initial(recipe: Recipe) -> State:
    """The state before the first step. Seed s depends on s alone, not on which others train beside it
    (nor does its training, to the bit on equally many devices, to float32 rounding otherwise)."""
    network, tx = toy.network(recipe.model), optimiser(recipe.optimiser, recipe.steps)

    def one(seed):
        init_key, data_key = jax.random.split(jax.random.key(seed))
        params = network.init(init_key)
        empty = jnp.full(recipe.steps, jnp.nan, jnp.float32)
        return State(params, tx.init(params), jnp.zeros((), jnp.int32), jax.random.key_data(data_key), empty, empty)

    seeds = jnp.arange(recipe.first_seed, recipe.first_seed + recipe.seeds)
    return jax.jit(lambda s: jax.lax.map(one, s))(seeds)


def fit(recipe: Recipe, state: State | None = None, *, stops: tuple[int, ...] = (), report_every: float = 0.5) -> Iterator[Progress]:
    """Train from `state` (or from the start) to the last step, yielding about every `report_every` seconds.

    Always stops exactly at every step in `stops` and at the last. Where it stops in between changes no bit of the result,
    because the number of steps of a call is an argument of the compiled loop, not a part of it.
    """
    state = initial(recipe) if state is None else state
    advance, state = _spread(recipe, state)
    done, begun, chunk = int(state.step[0]), time.monotonic(), 1
    while done < recipe.steps:
        until = min([done + chunk, recipe.steps, *(s for s in stops if s > done)])
        began = time.monotonic()
        state = jax.block_until_ready(advance(state, until))
        seconds = time.monotonic() - began
        if until - done == chunk:  # the first call compiles, so it says nothing of speed
            chunk = 4 if done == 0 or chunk == 1 else max(1, min(4 * chunk, round(chunk * report_every / seconds)))
        yield _progress(recipe, state, done, until, time.monotonic() - begun)
        done = until


def _progress(recipe: Recipe, state: State, since: int, until: int, seconds: float) -> Progress:
    mine = jax.tree.map(lambda leaf: leaf[: recipe.seeds], state)  # without the padding of `_spread`
    return Progress(until, seconds, np.asarray(mine.excess)[:, since:until].mean(1), mine)


def _spread(recipe: Recipe, state: State) -> tuple[Callable[[State, int], State], State]:
    """The compiled loop with seeds spread over devices, and the state laid out for it.

    On CPU devices the seeds of a device run one after another: its cores are busy with one seed's matrix products, and the
    working set stays in cache (measured 1.1-1.5 times faster than vmap). Accelerators want the seeds as one batch.
    """
    network, tx = toy.network(recipe.model), optimiser(recipe.optimiser, recipe.steps)
    loss, given = objective(recipe.objective, recipe.batch, network), data(recipe)

    def step(state: State) -> State:
        key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)

        def scalar(params):
            value = loss(params, key, given)
            return value.loss, value

        grads, value = jax.grad(scalar, has_aux=True)(state.params)
        updates, opt_state = tx.update(grads, state.opt_state, state.params)
        return State(
            optax.apply_updates(state.params, updates),
            opt_state,
            state.step + 1,
            state.key,
            state.loss.at[state.step].set(value.loss),
            state.excess.at[state.step].set(value.excess),
        )

    def run(state: State, until) -> State:
        return jax.lax.fori_loop(state.step, until, lambda _, s: step(s), state)

    n = max(1, min(len(jax.local_devices()), recipe.seeds))
    on_cpu = jax.default_backend() == "cpu"
    mesh = Mesh(np.array(jax.local_devices()[:n]), ("seed",))
    seeds, everywhere = PartitionSpec("seed"), PartitionSpec()

    def block(states: State, until) -> State:
        if on_cpu:
            return jax.lax.map(lambda s: run(s, until), states)
        return jax.vmap(run, (0, None))(states, until)

    advance = jax.jit(jax.shard_map(block, mesh=mesh, in_specs=(seeds, everywhere), out_specs=seeds, check_vma=False))
    # shard_map wants equal shares: the last seed is repeated to fill them, and dropped again in every report.
    fill = np.minimum(np.arange(-(-recipe.seeds // n) * n), recipe.seeds - 1)
    layout = NamedSharding(mesh, seeds)
    return advance, jax.tree.map(lambda leaf: jax.device_put(np.asarray(leaf)[fill], layout), state)
