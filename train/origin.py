"""Parameters that a run takes over from another."""

import difflib

import jax
import numpy as np

import toy

from . import numerics
from .program import named
from .recipe import Recipe, RecipeError


def check(recipe: Recipe) -> None:
    """Raise `RecipeError` unless the network can start from that of the recipe's origin."""
    origin = recipe.origin
    if origin is None:
        return
    ours, theirs = _shapes(recipe.model), _shapes(origin.recipe.model)
    known = {".".join(path.split(".")[:n]) for path in ours for n in range(1, path.count(".") + 2)}
    for name in (*origin.fresh, *origin.frozen):
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)[0]
            raise RecipeError(f"the network has no parameters {name!r} to be fresh or frozen; the nearest are {near!r}")
    for path in ours:
        if theirs.get(path) != ours[path] and not any(path == name or path.startswith(name + ".") for name in origin.fresh):
            there = f"have shape {theirs[path]}, not {ours[path]}," if path in theirs else "are absent"
            raise RecipeError(f"the parameters {path!r} {there} in the origin's network; name them in `fresh` or use the same model")


def inherit(recipe: Recipe, params: toy.Params, origin_params: toy.Params | None) -> toy.Params:
    """Newly initialised `params`, with those of the origin (of all seeds) in their place but for the recipe's `fresh` ones."""
    if recipe.origin is None:
        return params
    if origin_params is None:
        raise RecipeError("the recipe has an origin; give the parameters that its run ended with, or train it in a run folder, which finds them")
    check(recipe)
    theirs = {_written(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(origin_params)}
    fresh = named(params, recipe.origin.fresh)
    return jax.tree_util.tree_map_with_path(lambda path, new, own: own if new else np.asarray(theirs[_written(path)]), fresh, params)


@numerics.pinned()
def _shapes(model: toy.Config) -> dict[str, tuple[int, ...]]:
    params = jax.eval_shape(lambda: toy.network(model).init(numerics.key(0)))
    return {_written(path): leaf.shape for path, leaf in jax.tree_util.tree_leaves_with_path(params)}


def _written(path) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
