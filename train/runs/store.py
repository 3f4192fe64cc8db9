"""Runs by recipe: the same recipe finds its finished run again, whoever asked for it first."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from toy.checks import fitted

from ..fit import Progress
from ..recipe import Recipe, RecipeError
from .folder import RunError
from .run import Run, open_run


def obtain(
    recipe: Recipe,
    store: Path | str,
    watch: Callable[[Progress], None] = lambda progress: None,
    *,
    accept_other_bits: bool = False,
) -> Run:
    """The finished run of a recipe, in the folder `store`/HASH: read if it is there, resumed or trained if
    not.

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
    with contextlib.closing(run.train()) as steps:  # or a `watch` that raises would leave the folder held
        for progress in steps:
            watch(progress)
    if not run.finished:
        raise RunError(f"{run.path} did not reach its last step; call the same again to resume it")
    return run
