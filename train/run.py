"""A run: what a recipe produces, as a folder on disk that is never half true.

recipe.json   the recipe, its hash and the versions that trained it; written before anything is trained
process.json  the process itself, where the recipe took it from a file
checkpoints/  parameters of every seed at log-spaced steps (Orbax)
resume/       the latest complete state, so that an interrupted run ends with the same bits (Orbax)
history.npz   loss and excess of every seed at every step; written last, so a run that has it is finished
"""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float

import toy

from . import checkpoints, devices, folder, origin
from .fit import Progress, fit, initial
from .folder import RunError
from .program import State
from .recipe import Recipe

SAVE_EVERY = 20.0
"""Seconds between saves of the complete state: the most that a crash can cost."""


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
        """Steps at which parameters are kept: 0, log-spaced from 1, and the last."""
        spaced = np.geomspace(1, self.recipe.steps, self.recipe.checkpoints - 1).round()
        return tuple(sorted({0, *map(int, spaced[1:]), self.recipe.steps} | ({1} if self.recipe.checkpoints > 2 else set())))

    def history(self) -> dict[str, Float[np.ndarray, "seeds steps"]]:
        """`loss` and `excess` of every seed at every step, nats per token. Raises `RunError` before the run is finished."""
        if not self.finished:
            raise RunError(f"{self.path} is not finished; call the same run again to resume it")
        return folder.read_npz(self.path / "history.npz", "delete that file and call the same run again: it is made anew from the last checkpoint")

    def params(self, step: int | None = None) -> toy.Params:
        """Parameters of all seeds (first axis) after `step` updates, the last by default. Raises `RunError` if they are not kept."""
        step = self.recipe.steps if step is None else step
        with checkpoints.opened(self.path / "checkpoints") as kept:
            there = sorted(kept.all_steps())
            if step in there:
                try:
                    return checkpoints.read(kept, step)
                except checkpoints.DamagedCheckpoint as error:
                    if step < self.recipe.steps:
                        raise RunError(f"{self.path}: the checkpoint cannot be read ({error}); train again with --fresh") from None
        if step == self.recipe.steps and self.finished:
            return self._latest().params  # the complete final state holds them as well
        raise RunError(f"{self.path} keeps no parameters of step {step}; it has {there}")

    def train(self) -> Iterator[Progress]:
        """Train to the end, resuming where an earlier call stopped; yields progress. Close the iterator to stop and keep all.

        Where several hosts train as one (`devices.distribute`), each of them calls this, and host 0 alone reads and writes the folder.
        """
        if devices.agreed(np.bool_(self.finished)):
            return
        if jax.process_index() > 0:
            yield from fit(self.recipe, initial(replace(self.recipe, origin=None)), stops=self.kept_steps)  # host 0 says where to start
            return
        state = self._latest()
        with checkpoints.opened(self.path / "checkpoints") as kept, checkpoints.opened(self.path / "resume", most=2) as resume:
            done = saved = int(state.step[0])
            last, saved_at = None, time.monotonic()
            try:
                self._keep_parameters(kept, done, state)
                for last in fit(self.recipe, state, stops=self.kept_steps):
                    done = last.step
                    self._keep_parameters(kept, done, last.state)
                    if time.monotonic() - saved_at > SAVE_EVERY:
                        _keep_all(resume, last)
                        saved, saved_at = done, time.monotonic()
                    yield last
            finally:  # also on Ctrl-C and on close(): what has been computed is not lost
                # A state is only kept once the parameters due at its step are: resuming would pass that step by.
                if last is not None and done > saved and (done not in self.kept_steps or done in kept.all_steps()):
                    _keep_all(resume, last)
        final = self._latest()
        if int(final.step[0]) == self.recipe.steps:
            folder.write_npz(self.path / "history.npz", loss=np.asarray(final.loss), excess=np.asarray(final.excess))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process. Raises `RunError` if another process holds it."""
        with open(self.path / ".lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(f"another process is using {self.path}; wait for it, or choose another folder with --out") from None
            yield

    def _keep_parameters(self, kept, step: int, state: State) -> None:
        if step in self.kept_steps and step not in kept.all_steps():
            checkpoints.write(kept, step, state.params)

    def _latest(self) -> State:
        """The latest state that can be read, or the initial one. Damaged ones are removed, so that they can be written anew."""
        if not (self.path / "resume").exists():
            return self._initial()
        structure = jax.tree.structure(jax.eval_shape(lambda: initial(replace(self.recipe, origin=None))))
        with checkpoints.opened(self.path / "resume") as resume:
            damaged: dict[int, str] = {}
            for step in sorted(resume.all_steps(), reverse=True):
                try:
                    leaves = checkpoints.read(resume, step)
                except checkpoints.DamagedCheckpoint as error:
                    damaged[step] = str(error)
                    continue
                for bad in damaged:
                    resume.delete(bad)
                return jax.tree.unflatten(structure, [leaves[str(i)] for i in range(len(leaves))])
        if damaged:
            raise RunError(f"no checkpoint in {self.path / 'resume'} can be read ({'; '.join(damaged.values())}); start again with --fresh")
        return self._initial()

    def _initial(self) -> State:
        """The initial state; an origin's run is found, or else trained, beside this one."""
        if self.recipe.origin is None:
            return initial(self.recipe)
        from .store import obtain  # which imports this module

        origin.check(self.recipe)
        there = self.recipe.origin.recipe
        if jax.process_count() > 1 and not (self.path.parent / there.hash / "history.npz").exists():
            raise RunError(f"the run starts from {there.hash}, which is not finished in {self.path.parent}; train that one first")
        return initial(self.recipe, obtain(there, self.path.parent).params())


def _keep_all(resume, progress: Progress) -> None:
    checkpoints.write(resume, progress.step, {str(i): leaf for i, leaf in enumerate(jax.tree.leaves(progress.state))})


def open_run(path: Path | str, recipe: Recipe | None = None, *, fresh: bool = False) -> Run:
    """The run in this folder; with a recipe, made if the folder is absent or empty.

    Raises `RunError` if the folder cannot be written, holds anything that is not a run, a half-written one, the run of another
    recipe, or an unfinished run begun by other versions or on other devices (resuming it could not give the same bits).
    `fresh` forgets what an earlier run of the same recipe left, and nothing else.
    """
    path = Path(path)
    if recipe is not None and jax.process_index() > 0:
        return Run(path, recipe)  # the folder is host 0's
    if not folder.entries(path):
        if recipe is None:
            raise RunError(f"there is no run in {path}; `toylab run` makes one")
        return Run(path, folder.create(path, recipe))
    found, begun = folder.read_recipe(path)
    run = Run(path, found)
    if recipe is not None and recipe.hash != found.hash:
        raise RunError(f"{path} holds the run of another recipe ({found.hash}, not {recipe.hash}); choose another folder with --out")
    if fresh:
        with run.locked():
            folder.forget(path)
            return Run(path, folder.create(path, recipe or found))
    if recipe is not None and not run.finished and begun != folder.versions():
        changed = ", ".join(f"{k} {begun.get(k)} -> {v}" for k, v in folder.versions().items() if begun.get(k) != v)
        raise RunError(f"{path} was begun with other versions ({changed}), so resuming would not give the same bits; use --fresh to start again")
    return run
