"""A finish of second order: what goes on from the end of a recipe without noise and without a rate."""

from dataclasses import replace

from toy.checks import check_range, fitted

from .errors import RecipeError
from .optimiser import MAX_STEPS, Optimiser
from .recipe import Origin, Recipe

WORDS = 1024
"""Of the fixed objective, where contexts are too many to see all in a step."""


def finish(recipe: Recipe, steps: int, *, batch: int = WORDS) -> Recipe:
    """The recipe of `steps` iterations of L-BFGS that start from the networks of `recipe`.

    Every context is looked at where `recipe` does so, else `batch` words drawn once: of those the minimum is
    found, which is theirs and not the process's once the loss on them is far below that on others.
    `train.obtain` trains both. Raises `RecipeError` for numbers that are none.
    """
    recipe, steps = fitted("recipe", Recipe, recipe, RecipeError), fitted("steps", int, steps, RecipeError)
    check_range("steps", steps, 1, MAX_STEPS, RecipeError)
    whole = recipe.objective == "population"
    return replace(
        recipe,
        objective="population" if whole else "fixed",
        batch=None if whole else batch,
        optimiser=Optimiser("lbfgs", learning_rate=1.0),
        steps=steps,
        origin=Origin(recipe),
    )
