"""Recipes in files, for `toylab run mine.json` and `toylab sweep mine.json`: what `Recipe.to_json` says,
alone or as the recipe.json of a run holds it.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import processes
from processes.values.json_file import json_object

if TYPE_CHECKING:
    import train

KEYS = ("process", "model", "objective", "optimiser", "steps", "batch", "seeds")


def is_recipe(name: str) -> bool:
    """Whether this is a JSON file with a recipe in it, and no process or anything else. Imports no JAX."""
    if not name.endswith(".json"):
        return False
    try:
        found = json.loads(Path(name).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False  # which whoever reads it as a process says better
    return isinstance(found, dict) and bool({"recipe", "model", "optimiser"} & set(found))


def read(file: Path) -> "train.Recipe":
    """The recipe in a file; of a run, with the process that stands beside it. Raises `train.RecipeError`."""
    from train import RecipeError
    from train.recipe import from_json

    try:
        content = json_object(file, "a recipe", KEYS)
        own = file.with_name("process.json")
        if "recipe" in content:
            content = content["recipe"] | ({"process": str(own)} if own.exists() else {})
        return from_json(content)
    except (processes.ProcessError, RecipeError, TypeError) as error:
        raise RecipeError(f"{file} holds no recipe that can be trained: {error}") from None
