"""Training every seed of a recipe: the start, and the loop around the compiled program."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

import toy
from toy.bridge import parameter_shapes
from toy.checks import fitted
from toy.inputs import check_params

from .machine import devices
from .machine.numerics import pinned
from .objectives import data
from .program import State, form, program, rates, starter
from .recipe import Recipe, RecipeError
from .warm_start import inherit


class Progress(NamedTuple):
    """Where a training is: what an observer may see, as NumPy."""

    step: int
    seconds: float  # since this call started, compilation included
    excess: Float[np.ndarray, "seeds"]  # mean over the steps since the last report, nats per token
    state: State


@pinned()
def initial(recipe: Recipe, origin_params: toy.Params | None = None) -> State:
    """The state before the first step, with parameters from `origin_params` (of all seeds) where the recipe
    has an origin.

    Seed s depends on s alone, not on which others train beside it (nor does its training: to the bit on an
    equal mesh with as many threads, see `environment.versions`, to float32 rounding otherwise). Raises
    `RecipeError` if parameters are due and not given, `toy.ModelError` if they are those of another network.
    """
    recipe = fitted("recipe", Recipe, recipe, RecipeError)
    seeds = jnp.arange(recipe.first_seed, recipe.first_seed + recipe.seeds)
    params, opt_state, key = starter(recipe.model, recipe.optimiser.name, recipe.stage)(seeds)
    empty = jnp.full((recipe.seeds, recipe.steps), jnp.nan, jnp.float32)
    return State(
        inherit(recipe, params, origin_params),
        opt_state,
        jnp.zeros(recipe.seeds, jnp.int32),
        key,
        empty,
        empty,
    )


def fit(
    recipe: Recipe,
    state: State | None = None,
    *,
    stops: tuple[int, ...] = (),
    report_every: float = 0.5,
    mesh: Mesh | None = None,
) -> Iterator[Progress]:
    """Train from `state` (or from the start) to the last step, yielding about every `report_every` seconds.

    Always stops exactly at every step in `stops` and at the last. Where it stops in between changes no bit of
    the result, because the number of steps of a call is an argument of the compiled loop, not a part of it.
    Trains on all devices, of all hosts, as `devices.mesh` lays them out by default; all hosts see the
    progress of all seeds. Raises `RecipeError`, before anything is trained, for arguments that are none, and
    `toy.ModelError` for a state with parameters of another network.
    """
    recipe = fitted("recipe", Recipe, recipe, RecipeError)
    stops, report_every = (
        fitted("stops", tuple[int, ...], stops, RecipeError),
        fitted("report_every", float, report_every, RecipeError),
    )
    if report_every < 0:
        raise RecipeError(f"report_every is {report_every} seconds; it must be 0 or more")
    with pinned():
        grid = (
            devices.mesh(recipe)
            if mesh is None
            else fitted("mesh", Mesh, mesh, RecipeError, "make one with train.mesh")
        )
    if tuple(grid.axis_names) != ("seed", "data"):
        raise RecipeError(
            f"the mesh has the axes {grid.axis_names}; they must be seed and data, as train.mesh makes them"
        )
    if state is not None:
        _check_state(recipe, fitted("state", State, state, RecipeError, "make one with train.initial"))
    return _fit(recipe, state, stops, report_every, grid)


@pinned()
def _check_state(recipe: Recipe, state: State) -> None:
    check_params(parameter_shapes(recipe.model), state.params, stack=(recipe.seeds,))
    if (there := np.shape(state.loss)) != (recipe.seeds, recipe.steps):
        raise RecipeError(
            f"the state is of {there} seeds and steps but the recipe has {(recipe.seeds, recipe.steps)}; "
            "start from its own"
        )


def _fit(
    recipe: Recipe, state: State | None, stops: tuple[int, ...], report_every: float, mesh: Mesh
) -> Iterator[Progress]:
    begun, chunk = time.monotonic(), 1
    with pinned():  # but not across a yield: what the caller computes in between is none of our business
        state = devices.agreed(initial(recipe) if state is None else state)
        done = int(np.asarray(state.step)[0])
        # shard_map wants equal shares: the last seed is repeated to fill them, and dropped again in every
        # report.
        fill = np.minimum(
            np.arange(-(-recipe.seeds // mesh.shape["seed"]) * mesh.shape["seed"]), recipe.seeds - 1
        )
        state = devices.put(jax.tree.map(lambda leaf: np.asarray(leaf)[fill], state), mesh, "seed")
        given = devices.put(rates(recipe.optimiser, recipe.steps), mesh)
        examples = devices.put(data(recipe, mesh.shape["data"]), mesh, "data")
        advance = program(form(recipe), mesh)
    while done < recipe.steps:
        with pinned():
            until = int(
                devices.agreed(np.int32(min([done + chunk, recipe.steps, *(s for s in stops if s > done)])))
            )
            began = time.monotonic()
            state = jax.block_until_ready(advance(state, until, given, examples))
            seconds = time.monotonic() - began
            if until - done == chunk:  # the first call compiles, so it says nothing of speed
                chunk = (
                    4
                    if done == 0 or chunk == 1
                    else max(1, min(4 * chunk, round(chunk * report_every / seconds)))
                )
            progress = _progress(recipe, state, done, until, time.monotonic() - begun)
        yield progress
        done = until


def _progress(recipe: Recipe, state: State, since: int, until: int, seconds: float) -> Progress:
    mine = jax.tree.map(
        lambda leaf: np.asarray(leaf)[: recipe.seeds], devices.gathered(state)
    )  # without the padding
    return Progress(until, seconds, mine.excess[:, since:until].mean(1), mine)
