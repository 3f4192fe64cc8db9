"""Runs by recipe: the same recipe finds its finished run again, whoever asked for it first."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from toy.checks import fitted

from ..errors import RecipeError, RunError
from ..fit import Progress
from ..machine import devices
from ..recipe import Recipe
from .run import Run, open_run


def obtain(
    recipe: Recipe,
    store: Path | str,
    watch: Callable[[Progress], None] = lambda progress: None,
    *,
    accept_other_bits: bool = False,
) -> Run:
    """The finished run of a recipe, in the folder `store`/HASH: read if it is there, resumed or trained if
    not. The run of its origin, if that is needed, is obtained first.

    `watch` is shown the progress; `accept_other_bits` is that of `open_run`. Raises `RunError` if another
    process is training it, or if its folder cannot be used, and `RecipeError` for arguments that are none;
    then nothing has been made.
    """
    recipe, store = (
        fitted("recipe", Recipe, recipe, RecipeError),
        fitted("store", Path | str, store, RunError),
    )
    watch = fitted("watch", Callable, watch, RecipeError)
    accept_other_bits = fitted("accept_other_bits", bool, accept_other_bits, RecipeError)
    run = open_run(Path(store) / recipe.hash, recipe, accept_other_bits=accept_other_bits)
    start = None
    if recipe.origin is not None and not devices.agreed(np.bool_(run.begun)):
        origin = obtain(recipe.origin.recipe, store, accept_other_bits=accept_other_bits)
        start = origin.params() if devices.host() == 0 else None  # the folders are host 0's
    with contextlib.closing(
        run.train(start)
    ) as steps:  # or a `watch` that raises would leave the folder held
        for progress in steps:
            watch(progress)
    if not run.finished:
        raise RunError(f"{run.path} did not reach its last step; call the same again to resume it")
    return run
