"""A run: what a recipe produces, as a folder on disk that is never half true.

recipe.json   the recipe, its hash and the versions that trained it; written before anything is trained
process.json  the process itself, where the recipe took it from a file
checkpoints/  parameters of every seed at log-spaced steps (Orbax)
resume/       the latest complete state, so that an interrupted run ends with the same bits (Orbax)
history.npz   loss and excess of every seed at every step; written last, so a run that has it is finished
"""

import contextlib
import fcntl
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from jaxtyping import Float

import processes
import toy

from .fit import Progress, State, fit, initial
from .recipe import Recipe, RecipeError, from_json

SCHEMA = 1
"""Version of the layout of recipe.json."""
PACKAGES = ("numpy", "jax", "jaxlib", "flax", "optax")
"""What the bits of a run depend on."""
SAVE_EVERY = 20.0
"""Seconds between saves of the complete state: the most that a crash can cost."""


class RunError(ValueError):
    """A run folder that cannot be used as asked; the message says which, why and the remedy."""


@dataclass(frozen=True)
class Run:
    """A run folder and its recipe. Open one with `open_run`."""

    path: Path
    recipe: Recipe

    @property
    def finished(self) -> bool:
        """Whether training has reached its last step."""
        return (self.path / "history.npz").exists()

    @cached_property
    def kept_steps(self) -> tuple[int, ...]:
        """Steps at which parameters are kept: 0, then log-spaced to the last."""
        spaced = np.geomspace(1, self.recipe.steps, self.recipe.checkpoints - 1)
        return (0, *map(int, np.unique(spaced.round())))

    def history(self) -> dict[str, Float[np.ndarray, "seeds steps"]]:
        """`loss` and `excess` of every seed at every step, nats per token. Raises `RunError` before the run is finished."""
        if not self.finished:
            raise RunError(f"{self.path} is not finished; call the same run again to resume it")
        with np.load(self.path / "history.npz") as arrays:
            return dict(arrays)

    def params(self, step: int | None = None) -> toy.Params:
        """Parameters of all seeds (first axis) after `step` updates, the last by default. Raises `RunError` if not kept."""
        step = self.recipe.steps if step is None else step
        with _manager(self.path / "checkpoints") as manager:
            if step not in manager.all_steps():
                raise RunError(f"{self.path} keeps no parameters of step {step}; it has {sorted(manager.all_steps())}")
            return _read(manager, step)

    def train(self) -> Iterator[Progress]:
        """Train to the end, resuming where an earlier call stopped; yields progress. Close the iterator to stop and keep all."""
        if self.finished:
            return
        state = self._latest()
        with _manager(self.path / "checkpoints") as kept, _manager(self.path / "resume", most=2) as resume:
            done = saved = int(state.step[0])
            if done == 0 and 0 not in kept.all_steps():
                _write(kept, 0, state.params)
            last, saved_at = None, time.monotonic()
            try:
                for last in fit(self.recipe, state, stops=self.kept_steps):
                    done = last.step
                    if done in self.kept_steps and done not in kept.all_steps():
                        _write(kept, done, last.state.params)
                    if time.monotonic() - saved_at > SAVE_EVERY:
                        self._keep(resume, last)
                        saved, saved_at = done, time.monotonic()
                    yield last
            finally:  # also on Ctrl-C and on close(): what has been computed is not lost
                if last is not None and done > saved:
                    self._keep(resume, last)
        final = self._latest()
        if int(final.step[0]) == self.recipe.steps:
            write_npz(self.path / "history.npz", loss=np.asarray(final.loss), excess=np.asarray(final.excess))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process. Raises `RunError` if another process holds it."""
        with open(self.path / ".lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(f"another process is using {self.path}; wait for it, or choose another folder with --out") from None
            yield

    def _keep(self, manager: ocp.CheckpointManager, progress: Progress) -> None:
        _write(manager, progress.step, {str(i): leaf for i, leaf in enumerate(jax.tree.leaves(progress.state))})

    def _latest(self) -> State:
        """The latest state that can be read, or the initial one."""
        if not (self.path / "resume").exists():
            return initial(self.recipe)
        structure = jax.tree.structure(jax.eval_shape(lambda: initial(self.recipe)))
        with _manager(self.path / "resume") as manager:
            failures = []
            for step in sorted(manager.all_steps(), reverse=True):
                try:
                    leaves = _read(manager, step)
                    return jax.tree.unflatten(structure, [leaves[str(i)] for i in range(len(leaves))])
                except Exception as error:  # Orbax raises many kinds on damaged files; any of them means "not this one"
                    failures.append(f"step {step}: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
        if failures:
            raise RunError(f"no checkpoint in {self.path / 'resume'} can be read ({'; '.join(failures)}); start again with --fresh")
        return initial(self.recipe)


def open_run(path: Path | str, recipe: Recipe | None = None, *, fresh: bool = False) -> Run:
    """The run in this folder; with a recipe, made if the folder is absent or empty.

    Raises `RunError` if the folder cannot be written, holds anything that is not a run, a half-written one, the run of another
    recipe, or an unfinished run begun by other versions of the libraries (resuming it could not give the same bits).
    `fresh` forgets what an earlier run of the same recipe left.
    """
    path = Path(path)
    try:
        entries = [p for p in path.iterdir() if p.name != ".lock"] if path.exists() else []
        if not entries:
            return _create(path, recipe)
    except OSError as error:
        raise RunError(f"cannot use {path} as a run folder: {error.strerror or error}; choose another with --out") from None
    found, versions = _read_recipe(path)
    run = Run(path, found)
    if recipe is not None and recipe.hash != found.hash:
        raise RunError(f"{path} holds the run of another recipe ({found.hash}, not {recipe.hash}); choose another folder with --out")
    if fresh:
        with run.locked():
            for entry in entries:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            return _create(path, found)
    if recipe is not None and not run.finished and versions != _versions():
        changed = ", ".join(f"{k} {v} -> {_versions().get(k)}" for k, v in versions.items() if _versions().get(k) != v)
        raise RunError(f"{path} was begun with other versions ({changed}), so resuming would not give the same bits; use --fresh to start again")
    return run


def _create(path: Path, recipe: Recipe | None) -> Run:
    if recipe is None:
        raise RunError(f"there is no run in {path}; `toylab run` makes one")
    path.mkdir(parents=True, exist_ok=True)
    if recipe.process.endswith(".json"):  # the run must not depend on a file outside it
        processes.write(recipe.ground_truth(), path / "process.json")
        recipe = replace(recipe, process=str(path / "process.json"))
    write_json(path / "recipe.json", {"schema": SCHEMA, "hash": recipe.hash, "recipe": recipe.to_json(), "versions": _versions()})
    return Run(path, recipe)


def _read_recipe(path: Path) -> tuple[Recipe, dict[str, str]]:
    file = path / "recipe.json"
    if not file.exists():
        raise RunError(f"{path} is not empty and not a run folder (it has no recipe.json); choose another with --out")
    try:
        content = json.loads(file.read_text())
        own = path / "process.json"
        fields = content["recipe"] | ({"process": str(own)} if own.exists() else {})  # wherever the folder is now
        return from_json(fields), content["versions"]
    except (OSError, ValueError, KeyError, TypeError, RecipeError) as error:
        raise RunError(f"{file} is damaged or from another version ({error}); move the folder away or choose another with --out") from None


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file all at once or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=2) + "\n")
    os.replace(part, path)


def write_npz(path: Path, **arrays: np.ndarray) -> None:
    """Write an .npz file all at once or not at all."""
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    os.replace(part, path)


@contextlib.contextmanager
def _manager(folder: Path, most: int | None = None) -> Iterator[ocp.CheckpointManager]:
    options = ocp.CheckpointManagerOptions(max_to_keep=most, create=True, enable_async_checkpointing=False)
    with contextlib.closing(ocp.CheckpointManager(folder.resolve(), options=options)) as manager:
        yield manager


def _write(manager: ocp.CheckpointManager, step: int, tree: Any) -> None:
    manager.save(step, args=ocp.args.StandardSave(jax.tree.map(np.asarray, tree)))


def _read(manager: ocp.CheckpointManager, step: int) -> Any:
    # Restored as NumPy: a run may be read on a machine with other devices than the one that wrote it.
    like = jax.tree.map(lambda m: np.empty(m.shape, m.dtype), manager.item_metadata(step))
    return jax.tree.map(np.asarray, manager.restore(step, args=ocp.args.StandardRestore(like)))
