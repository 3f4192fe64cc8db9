"""Training every seed of a recipe, or of many: the start, and the loop around the compiled program."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float32, Int32, PyTree

import toy
from toy.bridge import parameter_shapes
from toy.checks import fitted
from toy.inputs import check_params

from .errors import RecipeError
from .machine import devices
from .machine.memory import check_memory
from .machine.numerics import pinned
from .objectives import Data, data
from .program import State, beginner, form, initialiser, keys_of, program
from .recipe import Recipe
from .schedule import Rates, rates
from .warm_start import warm


@dataclass(frozen=True, eq=False)
class Progress:
    """Where a training is: what an observer may see, as NumPy. It holds the state of that step, on its
    devices.
    """

    step: int
    seconds: float  # since this call started, compilation included
    excess: Float32[np.ndarray, "seeds"]  # mean over the steps since the last report, nats per token
    whole: Callable[[PyTree], PyTree]  # fetches arrays from the devices
    there: State  # on the devices

    @cached_property
    def state(self) -> State:
        """Everything that the training carries on, fetched from the devices when it is first asked for."""
        return self.whole(self.there)

    @property
    def steps(self) -> int:
        """How many there will be in all."""
        return self.there.loss.shape[1]

    @cached_property
    def params(self) -> toy.Params:
        """Its parameters alone, likewise: what L-BFGS carries on is a hundred times as much."""
        return self.whole(self.there.params)


@pinned()
def initial(recipe: Recipe, origin_params: toy.Params | None = None) -> State:
    """The state before the first step, with parameters from `origin_params` (of all seeds) where the recipe
    has an origin.

    Seed s depends on s alone, not on which others train beside it (nor does its training: to the bit on an
    equal mesh with as many threads, see `environment.versions`, to float32 rounding otherwise). Raises
    `RecipeError` if parameters are due and not given, `toy.ModelError` if they are those of another network.
    """
    recipe = fitted("recipe", Recipe, recipe, RecipeError)
    origin = recipe.origin
    if origin is None and origin_params is not None:
        raise RecipeError(
            "parameters of an origin are given but the recipe has none; give it one, as Origin(recipe)"
        )
    if origin is not None and origin_params is None:
        raise RecipeError(
            "the recipe has an origin; give the parameters that its run ended with, or train it with "
            "train.obtain, which trains the origin first"
        )
    first, key = keys_of(recipe)
    params = initialiser(recipe.model)(first)
    if origin is not None:
        params = warm(params, origin_params, origin.fresh)
    opt_state = beginner(form(recipe).optimiser)(params)
    empty = jnp.full((recipe.seeds, recipe.steps), jnp.nan, jnp.float32)
    return State(params, opt_state, jnp.zeros(recipe.seeds, jnp.int32), key, empty, empty)


@pinned()
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
    began = time.monotonic()
    recipe = fitted("recipe", Recipe, recipe, RecipeError)
    stops = fitted("stops", tuple[int, ...], stops, RecipeError)
    report_every = _seconds(report_every)
    if mesh is not None:
        mesh = fitted("mesh", Mesh, mesh, RecipeError, "make one with train.mesh")
    if mesh is not None and tuple(mesh.axis_names) != ("seed", "data"):
        raise RecipeError(
            f"the mesh has the axes {mesh.axis_names}; they must be seed and data, as train.mesh makes them"
        )
    if state is not None:
        _check_state(recipe, fitted("state", State, state, RecipeError, "make one with train.initial"))
    check_memory(recipe, jax.process_count())
    state = devices.agreed(initial(recipe) if state is None else state)
    mesh = devices.mesh(recipe) if mesh is None else mesh
    return _reports(_laid_out([recipe], state, mesh), stops, report_every, began)


@pinned()
def fit_many(recipes: Sequence[Recipe], *, report_every: float = 0.5) -> Iterator[Progress]:
    """Train the networks of many recipes side by side, as the seeds of one; yields progress of all of them,
    recipe after recipe.

    Recipes may differ in process, rate, warm-up and first seed, which are arguments of one program, and in
    their number of seeds. To the bit each trains as alone on an equal mesh. Raises `RecipeError` where they
    differ in anything else.
    """
    began = time.monotonic()
    recipes = fitted("recipes", Sequence, recipes, RecipeError)
    recipes = [fitted("a recipe", Recipe, recipe, RecipeError) for recipe in recipes]
    report_every = _seconds(report_every)
    if not recipes:
        raise RecipeError("recipes is empty; give at least one")
    first = recipes[0]
    for other in recipes[1:]:
        if (form(other), other.steps) != (form(first), first.steps):
            raise RecipeError(
                f"recipe {other.hash} cannot be trained beside {first.hash}: they differ in more than "
                "process, rate, warm-up and seeds; train it with train.fit"
            )
    check_memory(first, jax.process_count())
    states = [initial(recipe) for recipe in recipes]
    state = devices.agreed(jax.tree.map(lambda *leaves: np.concatenate(leaves), *states))
    mesh = devices.mesh(replace(first, first_seed=0, seeds=sum(recipe.seeds for recipe in recipes)))
    return _reports(_laid_out(recipes, state, mesh), (), report_every, began)


class _Training(NamedTuple):
    """A training as its devices have it."""

    recipe: Recipe  # of the first seeds, or of all
    mesh: Mesh
    seeds: int
    done: int  # steps made
    state: State
    given: tuple[Rates, Data, Int32[Array, "seeds"]]


def _laid_out(recipes: Sequence[Recipe], state: State, mesh: Mesh) -> _Training:
    """The states of recipes, one after another, and what they are trained by and on, over a mesh."""
    counts = [recipe.seeds for recipe in recipes]
    seeds = sum(counts)
    # shard_map wants equal shares: the last seed is repeated to fill them, and dropped again in every report.
    filled = np.minimum(np.arange(-(-seeds // mesh.shape["seed"]) * mesh.shape["seed"]), seeds - 1)

    def spread(tree: PyTree) -> PyTree:
        return devices.put(jax.tree.map(lambda leaf: np.asarray(leaf)[filled], tree), mesh, "seed")

    numbers = [rates(recipe.optimiser, recipe.steps) for recipe in recipes]
    each = jax.tree.map(lambda *values: np.repeat(np.stack(values), counts, axis=0), *numbers)
    digests = [recipe.source().digest for recipe in recipes]
    learned = dict(zip(digests, recipes, strict=True))
    number = {digest: i for i, digest in enumerate(learned)}
    which = np.repeat([number[digest] for digest in digests], counts)
    examples = [data(recipe, mesh.shape["data"]) for recipe in learned.values()]
    sizes = {(jax.tree.structure(one), *map(np.shape, jax.tree.leaves(one))) for one in examples}
    if len(sizes) > 1:
        names = ", ".join(recipe.process for recipe in learned.values())
        raise RecipeError(f"the processes {names} are of unequal sizes; train recipes of equal ones together")
    parts = devices.put(jax.tree.map(lambda *leaves: jnp.stack(leaves), *examples), mesh, None, "data")
    given = (spread(each), parts, spread(which.astype(np.int32)))
    return _Training(recipes[0], mesh, seeds, int(np.asarray(state.step)[0]), spread(state), given)


def _seconds(report_every: float) -> float:
    report_every = fitted("report_every", float, report_every, RecipeError)
    if report_every < 0:
        raise RecipeError(f"report_every is {report_every} seconds; it must be 0 or more")
    return report_every


def _check_state(recipe: Recipe, state: State) -> None:
    check_params(parameter_shapes(recipe.model), state.params, stack=(recipe.seeds,))
    if (there := np.shape(state.loss)) != (recipe.seeds, recipe.steps):
        raise RecipeError(
            f"the state is of {there} seeds and steps but the recipe has {(recipe.seeds, recipe.steps)}; "
            "start from its own"
        )


def _reports(
    training: _Training, stops: tuple[int, ...], report_every: float, began: float
) -> Iterator[Progress]:
    recipe, mesh, seeds, done, state, given = training
    advance, chunk = program(form(recipe), mesh), 1  # steps of the next call
    while done < recipe.steps:
        until = min([done + chunk, recipe.steps, *(s for s in stops if s > done)])
        called = time.monotonic()
        state = jax.block_until_ready(advance(state, until, *given))
        now = time.monotonic()
        if until - done == chunk:  # the first call compiles, so it says nothing of speed
            faster = max(1, min(4 * chunk, round(chunk * report_every / (now - called))))
            chunk = int(devices.agreed(np.int32(4 if done == 0 or chunk == 1 else faster)))
        excess = devices.gathered(state.excess)[:seeds, done:until].mean(1)
        progress = Progress(until, now - began, excess, partial(_whole, seeds), state)
        if jax.process_count() > 1:  # hosts gather together, so now and not when one of them happens to ask
            _ = progress.state, progress.params
        yield progress
        done = until


def _whole(seeds: int, tree: PyTree) -> PyTree:
    """Arrays of a state as NumPy, without the seeds that fill up the mesh."""
    return jax.tree.map(lambda leaf: leaf[:seeds], devices.gathered(tree))
