"""Run folders: which are ours, which are not, and how a file is written whole or not at all."""

import json
import os
import platform
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np

import processes

from .recipe import Recipe, RecipeError, from_json

SCHEMA = 1
"""Version of the layout of recipe.json."""
PACKAGES = ("numpy", "jax", "jaxlib", "flax", "optax")
"""What the bits of a run depend on, beside the devices."""
OURS = ("report.json", "evidence.npz", "history.npz", "figures", "resume", "checkpoints", "process.json", "recipe.json")
"""Everything a run folder may hold; recipe.json last, so that a folder half forgotten is still known as a run."""


class RunError(ValueError):
    """A run folder that cannot be used as asked; the message says which, why and the remedy."""


class Busy(RunError):
    """A run folder that another process is using now."""


def entries(path: Path) -> list[Path]:
    """What is in a folder, but for locks and unfinished writes of ours. Raises `RunError` if it cannot be listed."""
    if set("[]*?") & set(str(path)):
        raise RunError(f"{str(path)!r} has one of the characters [ ] * ? in it, which checkpoints cannot be stored under; choose another with --out")
    try:
        return [p for p in path.iterdir() if p.name != ".lock" and not p.name.endswith(".part")] if path.exists() else []
    except OSError as error:
        raise RunError(f"cannot use {path} as a run folder: {error.strerror or error}; choose another with --out") from None


def create(path: Path, recipe: Recipe) -> Recipe:
    """Make a run folder for a recipe; returns the recipe as it is stored. Raises `RunError` if it cannot be written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if recipe.process.endswith(".json"):  # the run must not depend on a file outside it
            processes.write(recipe.ground_truth(), path / "process.json")
            recipe = replace(recipe, process=str(path / "process.json"))
        write_json(path / "recipe.json", {"schema": SCHEMA, "hash": recipe.hash, "recipe": recipe.to_json(), "versions": versions()})
    except OSError as error:
        raise RunError(f"cannot use {path} as a run folder: {error.strerror or error}; choose another with --out") from None
    return recipe


def read_recipe(path: Path) -> tuple[Recipe, dict[str, str]]:
    """The recipe of a run folder and the versions that began it.

    Raises `RunError` if there is none, if it is damaged, or if today's code means something else by it.
    """
    file = path / "recipe.json"
    if not file.exists():
        raise RunError(f"{path} is not empty and not a run folder (it has no recipe.json); choose another with --out")
    try:
        content = json.loads(file.read_text())
        own = path / "process.json"
        fields = content["recipe"] | ({"process": str(own)} if own.exists() else {})  # wherever the folder is now
        recipe, begun = from_json(fields), dict(content["versions"])
        schema, stored = content["schema"], content["hash"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecipeError, processes.ProcessError) as error:
        raise RunError(f"{file} is damaged or from another version ({error}); move the folder away or choose another with --out") from None
    if schema != SCHEMA or stored != recipe.hash:
        raise RunError(
            f"{path} was made by another version of the lab (schema {schema}, hash {stored}; today {SCHEMA}, {recipe.hash}), "
            "so it is not the run of this recipe; move it away or choose another with --out"
        )
    return recipe, begun


def forget(path: Path) -> None:
    """Remove a run from its folder. Raises `RunError`, removing nothing, if the folder holds anything else."""
    others = [p.name for p in entries(path) if p.name not in OURS]
    if others:
        raise RunError(f"{path} holds {others[0]!r}, which is not the run's; move it away before --fresh")
    for entry in (path / name for name in OURS):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)


def versions() -> dict[str, str]:
    """What the bits of a training here depend on."""
    found = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
    return found | {"devices": f"{jax.local_device_count()} {jax.default_backend()}"}


def write_json(path: Path, value: Any) -> None:
    """Write a strict JSON file, all at once or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n")
    os.replace(part, path)


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    """Write an .npz file, all at once or not at all."""
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    os.replace(part, path)


def read_npz(path: Path, remedy: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz file. Raises `RunError` with the remedy if it is missing or damaged."""
    try:
        with np.load(path) as arrays:
            return dict(arrays)
    except Exception as error:  # zipfile, zlib and NumPy each have their own kinds for a damaged file
        raise RunError(f"{path} is missing or damaged ({type(error).__name__}); {remedy}") from None
