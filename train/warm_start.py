"""Warm start: networks that begin with the trained parameters of others."""

import difflib

import jax
import numpy as np

import toy
from toy.bridge import parameter_shapes
from toy.inputs import by_path, check_params, marked, within

from .errors import RecipeError


def check(model: toy.Config, start: toy.Config, fresh: tuple[str, ...], frozen: tuple[str, ...]) -> None:
    """Raise `RecipeError` unless a network can start with the parameters of another (`start`), all but the
    re-initialised (`fresh`) ones.
    """
    if model == start and not (fresh or frozen):
        return
    ours, theirs = parameter_shapes(model), parameter_shapes(start)
    known = {".".join(path.split(".")[:n]) for path in ours for n in range(1, path.count(".") + 2)}
    for name in (*fresh, *frozen):
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)[0]
            raise RecipeError(
                f"the network has no parameters {name!r} to be fresh or frozen; the nearest are {near!r}"
            )
    for path in ours:
        if theirs.get(path) != ours[path] and not within(path, fresh):
            there = f"have shape {theirs[path]}, not {ours[path]}," if path in theirs else "are absent"
            raise RecipeError(
                f"the parameters {path!r} {there} in the origin's network; name them in `fresh` or use the "
                "same model"
            )


def warm(params: toy.Params, start: toy.Params, fresh: tuple[str, ...]) -> toy.Params:
    """Newly initialised `params` (first axis: seeds) with those of `start` in the place of all but the
    `fresh` ones.

    Raises `toy.ModelError` if a parameter that is taken is not there or has another shape.
    """
    new, theirs, is_fresh = by_path(params), by_path(start), by_path(marked(params, fresh))
    taken = {path: leaf.shape for path, leaf in new.items() if not is_fresh[path]}
    one_network = {path: shape[1:] for path, shape in taken.items()}
    seeds = len(jax.tree.leaves(params)[0])
    check_params(one_network, {path: theirs[path] for path in taken if path in theirs}, stack=(seeds,))
    leaves = [np.asarray(theirs[path]) if path in taken else leaf for path, leaf in new.items()]
    return jax.tree.unflatten(jax.tree.structure(params), leaves)
