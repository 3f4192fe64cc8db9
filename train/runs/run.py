"""A run: what a recipe produces, as a folder on disk that is written atomically and survives any crash; and
the store in which equal recipes find their finished run again, whoever asked for it first.

recipe.json   the recipe, its hash and where it is trained (`environment.versions`); written before anything
              is trained
process.json  the process itself, where the recipe took it from a file
resume/       the two latest complete states, so that an interrupted run ends with the same bits
checkpoints/  parameters of every seed at log-spaced steps, a file each, until it has reached its last step
parameters.safetensors  all of these in one file, from then on
history.npz   loss and excess of every seed at every step; written last, so a run that has it is finished

Every one of them appears at once, by a rename, and carries its SHA-256 (recipe.json: the recipe's hash). So a
process may be killed between any two system calls, and a file changed afterwards is noticed. Training is a
function of the state alone; no decision looks at the time of day or of a file. One process at a time writes:
`train` holds .lock, which needs a file system that can lock: a local one, or NFS 4.
"""

import contextlib
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float32

import toy
from processes.values import earlier
from toy.checks import fitted

from ..errors import RecipeError, RunError
from ..fit import Progress, fit, initial
from ..machine import devices, environment
from ..machine.bar import following
from ..machine.environment import Leg
from ..machine.numerics import pinned
from ..program import State
from ..recipe import Recipe
from . import checkpoints, folder, notebook
from .checkpoints import GATHERED, STATES
from .folder import HISTORY
from .sealed import read_npz, write_npz

SAVE_EVERY_SECONDS = 20.0
"""Seconds between saves of the complete state, the most that a crash can cost; as many times a save's own
length, where that is longer than a second, so that saves hold a training up by a twentieth at most: what
L-BFGS remembers of many networks is gigabytes.
"""


@dataclass(frozen=True)
class Run:
    """A run folder and its recipe. Open one with `open_run`."""

    path: Path
    recipe: Recipe
    accept_other_bits: bool = False
    """Whether `train` may go on where the bits are not the same."""

    def _repr_html_(self) -> str:
        return notebook.html(self.path, self.recipe, self.history() if self.finished else None)

    @property
    def made(self) -> tuple[Leg, ...]:
        """Where it was made: what its bits depend on beside the recipe. More than one leg if it was continued
        with other bits.
        """
        return folder.read_recipe(self.path, self.recipe)[1]

    @property
    def other_bits(self) -> str:
        """What here differs from where the run was made last, so that its training cannot go on to the same
        bits; empty if it can.
        """
        return environment.differences(self.made[-1].versions, environment.versions(self.recipe))

    @property
    def finished(self) -> bool:
        """Whether training has reached its last step."""
        return (self.path / HISTORY).exists()

    @property
    def begun(self) -> bool:
        """Whether there is a state to go on from, or nothing left to do."""
        return self.finished or bool(checkpoints.steps(self.path / STATES))

    @cached_property
    def checkpoint_steps(self) -> tuple[int, ...]:
        """Steps at which parameters are kept: 0, log-spaced from 1, and the last."""
        n, last = self.recipe.checkpoints, self.recipe.steps
        spaced = map(int, np.geomspace(1, last, n - 1).round()[1:])
        return tuple(sorted({0, last, *spaced, *((1,) if n > 2 else ())}))

    @property
    def kept_steps(self) -> tuple[int, ...]:
        """The earlier name of `checkpoint_steps`."""
        earlier.tell("Run.kept_steps", "Run.checkpoint_steps")
        return self.checkpoint_steps

    def history(self) -> dict[str, Float32[np.ndarray, "seeds steps"]]:
        """`loss` and `excess` of every seed at every step, nats per token. Raises `RunError` before the run
        is finished.
        """
        if not self.finished:
            raise RunError(f"{self.path} is not finished; call the same run again to resume it")
        return read_npz(
            self.path / HISTORY,
            "delete that file and call the same run again: it is made anew from the last checkpoint",
        )

    def params(self, step: int | None = None) -> toy.Params:
        """Parameters of all seeds (first axis) after `step` updates, the last by default. Raises `RunError`
        if they are not kept.
        """
        step = self.recipe.steps if step is None else step
        try:
            return checkpoints.read_parameters(self.path, step)
        except checkpoints.DamagedCheckpoint as damage:
            with contextlib.suppress(checkpoints.DamagedCheckpoint):
                leaves = checkpoints.read_state(self.path, step)
                return _state(self.recipe, leaves).params  # the complete state of that step holds them too
            there = checkpoints.parameter_steps(self.path)
            if step in there or (not there and (self.path / GATHERED).exists()):
                raise RunError(
                    f"{self.path}: the checkpoint cannot be read ({damage}); train again with --fresh"
                ) from None
        raise RunError(f"{self.path} keeps no parameters of step {step}; it has {there}")

    def train(self, start: toy.Params | None = None) -> Generator[Progress]:
        """Train to the end, resuming where an earlier call stopped; yields progress. Close the iterator to
        stop and keep all.

        `start` are the parameters that the run of the recipe's origin ended with; by default they are read
        from that run, which must be finished beside this one (`train.obtain` trains it first). Holds the
        folder meanwhile. Raises `RunError` if another process holds it, if what is left of the run is
        damaged, or if the bits would not be those of the place where it was begun, unless they are accepted:
        then the run says so ever after, in `made`. Where several hosts train as one (`devices.distribute`),
        each of them calls this, and host 0 alone reads and writes the folder.
        """
        due, finished = self.checkpoint_steps, np.bool_(self.finished)
        host = devices.host()
        if devices.agreed(finished):  # read it may be where nothing can be written
            return
        if host > 0:
            yield from fit(self.recipe, initial(replace(self.recipe, origin=None)), stops=due)
            return  # host 0 has said where to start
        with folder.locked(self.path):
            kept = checkpoints.latest_state(self.path, due)
            done = saved = kept[0] if kept else 0
            folder.admit(self.path, self.recipe, done, self.accept_other_bits)
            if kept is None and self.recipe.origin is not None and start is None:
                start = self._origin().params()
            state = _state(self.recipe, kept[1]) if kept else initial(self.recipe, start)
            latest: Progress | None = None  # which fetches its state when it is asked for it
            # What L-BFGS remembers is a hundred times its parameters: of a finished run nobody wants it.
            spared = self.recipe.steps if self.recipe.optimiser.name == "lbfgs" else None
            save_at = time.monotonic() + SAVE_EVERY_SECONDS
            try:
                if done in due:
                    checkpoints.keep_parameters(self.path, done, state.params)
                for latest in fit(self.recipe, state, stops=due):
                    done = latest.step
                    if done in due:
                        checkpoints.keep_parameters(self.path, done, latest.params)
                    if (now := time.monotonic()) >= save_at and done != spared:
                        checkpoints.keep_state(self.path, done, jax.tree.leaves(latest.state))
                        saved, took = done, time.monotonic() - now
                        save_at = now + took + SAVE_EVERY_SECONDS * max(1.0, took)
                    yield latest
            finally:  # also on Ctrl-C and on close(): what has been computed is not lost
                if latest is not None and done > saved and done != spared:
                    checkpoints.keep_state(self.path, done, jax.tree.leaves(latest.state))
            state = state if latest is None else latest.state
            checkpoints.gather(self.path, due)
            write_npz(self.path / HISTORY, loss=np.asarray(state.loss), excess=np.asarray(state.excess))
            if spared is not None:
                checkpoints.forget(self.path / STATES, since=0)

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Hold the folder for this process. Raises `Busy` if another process holds it, or another part of
        this one.
        """
        return folder.locked(self.path)

    def _origin(self) -> "Run":
        """The run of the recipe's origin, finished beside this one."""
        assert self.recipe.origin is not None
        there = self.recipe.origin.recipe
        if not (self.path.parent / there.hash / HISTORY).exists():
            raise RunError(
                f"the run starts from {there.hash}, which is not finished in {self.path.parent}; train that "
                "one "
                "first, or both by train.obtain"
            )
        return Run(self.path.parent / there.hash, there)


@pinned()
def _state(recipe: Recipe, leaves: list[np.ndarray]) -> State:
    """The state of a training of the recipe that has these leaves."""
    like = jax.eval_shape(lambda: initial(replace(recipe, origin=None)))
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def open_run(
    path: Path | str, recipe: Recipe | None = None, *, fresh: bool = False, accept_other_bits: bool = False
) -> Run:
    """The run in this folder; with a recipe, made if the folder is absent or empty.

    Raises `RunError` if the folder cannot be written, holds anything that is not a run, a half-written one,
    the run of another recipe, or an unfinished run begun where the bits are not those of here
    (`environment.versions`), unless `accept_other_bits`: then the run goes on, and says so ever after.
    `fresh` forgets what an earlier run of the same recipe left, and nothing else.
    """
    path = Path(fitted("path", Path | str, path, RunError))
    if recipe is not None:
        fitted("recipe", Recipe, recipe, RecipeError)
        if devices.host() > 0:
            return Run(path, recipe, accept_other_bits)  # the folder is host 0's
    return Run(path, folder.opened(path, recipe, fresh, accept_other_bits), accept_other_bits)


def obtain(
    recipe: Recipe,
    store: Path | str,
    watch: Callable[[Progress], None] | None = None,
    *,
    accept_other_bits: bool = False,
) -> Run:
    """The finished run of a recipe, in the folder `store`/HASH: read if it is there, resumed or trained if
    not. The run of its origin, if that is needed, is obtained first.

    `watch` is shown the progress, by default as a bar if this is a notebook; `accept_other_bits` is that of
    `open_run`. Raises `RunError` if another process is training it, or if its folder cannot be used, and
    `RecipeError` for arguments that are none; then nothing has been made.
    """
    recipe, store = (
        fitted("recipe", Recipe, recipe, RecipeError),
        fitted("store", Path | str, store, RunError),
    )
    watch = fitted("watch", Callable | None, watch, RecipeError)
    accept_other_bits = fitted("accept_other_bits", bool, accept_other_bits, RecipeError)
    run = open_run(Path(store) / recipe.hash, recipe, accept_other_bits=accept_other_bits)
    start = None
    if recipe.origin is not None and not devices.agreed(np.bool_(run.begun)):
        origin = obtain(recipe.origin.recipe, store, accept_other_bits=accept_other_bits)
        start = origin.params() if devices.host() == 0 else None  # the folders are host 0's
    with contextlib.ExitStack() as stack:
        # closed, or a `watch` that raises would leave the folder held
        steps = stack.enter_context(contextlib.closing(run.train(start)))
        if watch is None and not run.finished:
            watch = stack.enter_context(following(f"{recipe.seeds} networks on {recipe.process}"))
        for progress in steps:
            if watch is not None:
                watch(progress)
    if not run.finished:
        raise RunError(f"{run.path} did not reach its last step; call the same again to resume it")
    return run
