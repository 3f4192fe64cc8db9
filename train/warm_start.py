"""Parameters that a run takes over from another."""

import difflib

import jax
import numpy as np

import toy
from toy.bridge import parameter_shapes
from toy.inputs import by_path, check_params

from .program import named
from .recipe import Recipe, RecipeError


def check(recipe: Recipe) -> None:
    """Raise `RecipeError` unless the network can start from that of the recipe's origin."""
    origin = recipe.origin
    if origin is None:
        return
    ours, theirs = parameter_shapes(recipe.model), parameter_shapes(origin.recipe.model)
    known = {".".join(path.split(".")[:n]) for path in ours for n in range(1, path.count(".") + 2)}
    for name in (*origin.fresh, *origin.frozen):
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)[0]
            raise RecipeError(
                f"the network has no parameters {name!r} to be fresh or frozen; the nearest are {near!r}"
            )
    for path in ours:
        if theirs.get(path) != ours[path] and not any(
            path == name or path.startswith(name + ".") for name in origin.fresh
        ):
            there = f"have shape {theirs[path]}, not {ours[path]}," if path in theirs else "are absent"
            raise RecipeError(
                f"the parameters {path!r} {there} in the origin's network; name them in `fresh` or use the "
                "same model"
            )


def inherit(recipe: Recipe, params: toy.Params, origin_params: toy.Params | None) -> toy.Params:
    """Newly initialised `params`, with those of the origin (of all seeds) in their place but for the recipe's
    `fresh` ones.

    Raises `toy.ModelError` if the origin's are not of the shapes of this network.
    """
    if recipe.origin is None:
        if origin_params is not None:
            raise RecipeError(
                "parameters of an origin are given but the recipe has none; give it one, as Origin(recipe)"
            )
        return params
    if origin_params is None:
        raise RecipeError(
            "the recipe has an origin; give the parameters that its run ended with, or train it in a run "
            "folder, which finds them"
        )
    fresh, new, theirs = by_path(named(params, recipe.origin.fresh)), by_path(params), by_path(origin_params)
    taken = {path: shape for path, shape in parameter_shapes(recipe.model).items() if not fresh[path]}
    check_params(taken, {path: theirs[path] for path in taken if path in theirs}, stack=(recipe.seeds,))
    leaves = [leaf if fresh[path] else np.asarray(theirs[path]) for path, leaf in new.items()]
    return jax.tree.unflatten(jax.tree.structure(params), leaves)
