"""A run: what a recipe produces, as a folder on disk that is never half true.

recipe.json   the recipe, its hash and where it is trained (`environment.versions`); written before anything
              is trained
process.json  the process itself, where the recipe took it from a file
checkpoints/  parameters of every seed at log-spaced steps (Orbax)
resume/       the two latest complete states, so that an interrupted run ends with the same bits (Orbax)
history.npz   loss and excess of every seed at every step; written last, so a run that has it is finished

Every one of them appears at once, by a rename, and carries its SHA-256 (recipe.json: the recipe's hash). So a
process may be killed between any two system calls, and a file changed afterwards is noticed. Training is a
function of the state alone; no decision looks at the time of day or of a file. One process at a time writes:
`train` holds .lock, by flock, which needs a local file system or NFS 4.
"""

import contextlib
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float

import toy
from toy.checks import fitted

from ..errors import RunError
from ..fit import Progress, fit, initial
from ..machine import devices, environment
from ..machine.environment import Leg
from ..machine.numerics import pinned
from ..program import State
from ..recipe import Recipe, RecipeError
from . import checkpoints, folder

SAVE_EVERY = 20.0
"""Seconds between saves of the complete state: the most that a crash can cost."""


@dataclass(frozen=True)
class Run:
    """A run folder and its recipe. Open one with `open_run`."""

    path: Path
    recipe: Recipe
    accept_other_bits: bool = False
    """Whether `train` may go on where the bits are not the same."""

    @property
    def made(self) -> tuple[Leg, ...]:
        """Where it was made: what its bits depend on beside the recipe. More than one leg if it was continued
        with other bits.
        """
        return folder.read_recipe(self.path)[1]

    @property
    def other_bits(self) -> str:
        """What here differs from where the run was made last, so that its training cannot go on to the same
        bits; empty if it can.
        """
        return environment.differences(self.made[-1].versions, environment.versions(self.recipe))

    @property
    def finished(self) -> bool:
        """Whether training has reached its last step."""
        return (self.path / "history.npz").exists()

    @cached_property
    def kept_steps(self) -> tuple[int, ...]:
        """Steps at which parameters are kept: 0, log-spaced from 1, and the last."""
        spaced = np.geomspace(1, self.recipe.steps, self.recipe.checkpoints - 1).round()
        return tuple(
            sorted(
                {0, *map(int, spaced[1:]), self.recipe.steps}
                | ({1} if self.recipe.checkpoints > 2 else set())
            )
        )

    def history(self) -> dict[str, Float[np.ndarray, "seeds steps"]]:
        """`loss` and `excess` of every seed at every step, nats per token. Raises `RunError` before the run
        is finished.
        """
        if not self.finished:
            raise RunError(f"{self.path} is not finished; call the same run again to resume it")
        return folder.read_npz(
            self.path / "history.npz",
            "delete that file and call the same run again: it is made anew from the last checkpoint",
        )

    def params(self, step: int | None = None) -> toy.Params:
        """Parameters of all seeds (first axis) after `step` updates, the last by default. Raises `RunError`
        if they are not kept.
        """
        step = self.recipe.steps if step is None else step
        try:
            return checkpoints.read(self.path / "checkpoints", step)
        except checkpoints.DamagedCheckpoint as damage:
            with contextlib.suppress(checkpoints.DamagedCheckpoint):
                return self._state(
                    step
                ).params  # the complete state of that step, the last above all, holds them as well
            there = checkpoints.steps(self.path / "checkpoints")
            if step in there:
                raise RunError(
                    f"{self.path}: the checkpoint cannot be read ({damage}); train again with --fresh"
                ) from None
        raise RunError(f"{self.path} keeps no parameters of step {step}; it has {there}")

    def train(self) -> Generator[Progress]:
        """Train to the end, resuming where an earlier call stopped; yields progress. Close the iterator to
        stop and keep all.

        Holds the folder meanwhile. Raises `RunError` if another process holds it, if what is left of the run
        is damaged, or if the bits would not be those of the place where it was begun, unless they are
        accepted: then the run says so ever after, in `made`. Where several hosts train as one
        (`devices.distribute`), each of them calls this, and host 0 alone reads and writes the folder.
        """
        if devices.host() > 0:
            if not devices.agreed(np.bool_(self.finished)):
                yield from fit(
                    self.recipe, initial(replace(self.recipe, origin=None)), stops=self.kept_steps
                )  # host 0 says where to start
            return
        if devices.agreed(np.bool_(self.finished)):  # read it may be where nothing can be written
            return
        with self.locked():
            self.refuse_other_bits()
            folder.tidy(self.path)
            with pinned():
                state = jax.device_get(self._latest())
            done = saved = int(state.step[0])
            self._note_place(done)
            last, saved_at = None, time.monotonic()
            try:
                self._keep_parameters(done, state)
                for last in fit(self.recipe, state, stops=self.kept_steps):
                    done, state = last.step, last.state
                    self._keep_parameters(done, state)
                    if time.monotonic() - saved_at > SAVE_EVERY:
                        self._keep_all(done, state)
                        saved, saved_at = done, time.monotonic()
                    yield last
            finally:  # also on Ctrl-C and on close(): what has been computed is not lost
                if done > saved:
                    self._keep_all(done, state)
            folder.write_npz(
                self.path / "history.npz", loss=np.asarray(state.loss), excess=np.asarray(state.excess)
            )

    def refuse_other_bits(self) -> None:
        """Raise `RunError` if training on would not give the bits of the place where the run was begun,
        unless they are accepted.
        """
        changed = "" if self.accept_other_bits else self.other_bits
        if changed:
            raise RunError(
                f"{self.path} was begun in another place ({changed}), so resuming would not give the same "
                "bits; go on there, "
                "use --accept-other-bits to go on here and have the run say so ever after, or --fresh to "
                "start again"
            )

    def locked(self) -> contextlib.AbstractContextManager[None]:
        """Hold the folder for this process. Raises `Busy` if another process holds it, or another part of
        this one.
        """
        return folder.locked(self.path)

    def _note_place(self, step: int) -> None:
        """Note where the run goes on from a step, if that is another place; what was computed beyond it
        elsewhere is forgotten.
        """
        here, kept = environment.versions(self.recipe), [leg for leg in self.made if leg.step < step]
        legs = tuple(kept if kept and kept[-1].versions == here else [*kept, Leg(step, here)])
        if legs == self.made:
            return
        for inner, since in (("resume", step + 1), ("checkpoints", step + 1 if kept else 0)):
            for other in checkpoints.steps(self.path / inner):
                if other >= since:
                    checkpoints.remove(self.path / inner, other)
        folder.write_recipe(self.path, self.recipe, legs)

    def _keep_parameters(self, step: int, state: State) -> None:
        if step in self.kept_steps:
            try:
                checkpoints.read(
                    self.path / "checkpoints", step
                )  # there already, where a run resumes from before it
            except checkpoints.DamagedCheckpoint:
                checkpoints.write(self.path / "checkpoints", step, state.params)

    def _keep_all(self, step: int, state: State) -> None:
        there = checkpoints.steps(self.path / "resume")
        checkpoints.write(
            self.path / "resume", step, {str(i): leaf for i, leaf in enumerate(jax.tree.leaves(state))}
        )
        before = max((s for s in there if s < step), default=None)
        for other in set(there) - {step, before}:
            checkpoints.remove(self.path / "resume", other)

    def _state(self, step: int) -> State:
        """The complete state kept at a step. Raises `DamagedCheckpoint`."""
        leaves = checkpoints.read(self.path / "resume", step)
        with pinned():
            structure = jax.tree.structure(jax.eval_shape(lambda: initial(replace(self.recipe, origin=None))))
        return jax.tree.unflatten(structure, [leaves[str(i)] for i in range(len(leaves))])

    def _latest(self) -> State:
        """The latest state that can be read, and with it all parameters due before it; the initial one if
        none was kept.
        """
        damage: list[checkpoints.DamagedCheckpoint] = []
        for step in reversed(checkpoints.steps(self.path / "resume")):
            try:
                for due in (s for s in self.kept_steps if s < step):  # resuming would pass them by
                    checkpoints.read(self.path / "checkpoints", due)
                return self._state(step)
            except checkpoints.DamagedCheckpoint as error:
                damage.append(error)
        if damage:
            reasons = "; ".join(map(str, damage))
            raise RunError(
                f"no checkpoint in {self.path / 'resume'} can be read and resumed ({reasons}); start again "
                "with --fresh"
            )
        return self._initial()

    def _initial(self) -> State:
        """The initial state; an origin's run is found, or else trained, beside this one."""
        if self.recipe.origin is None:
            return initial(self.recipe)
        from .store import obtain  # which imports this module

        there = self.recipe.origin.recipe
        if jax.process_count() > 1 and not (self.path.parent / there.hash / "history.npz").exists():
            raise RunError(
                f"the run starts from {there.hash}, which is not finished in {self.path.parent}; train that "
                "one first"
            )
        return initial(
            self.recipe, obtain(there, self.path.parent, accept_other_bits=self.accept_other_bits).params()
        )


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
    if recipe is not None and devices.host() > 0:
        return Run(path, recipe, accept_other_bits)  # the folder is host 0's
    if folder.unmade(path, recipe):
        if recipe is None:
            raise RunError(f"there is no run in {path}; `toylab run` makes one")
        with folder.making(path):
            if folder.unmade(path, recipe):  # still, now that no other process can make it
                return Run(path, folder.create(path, recipe), accept_other_bits)
    found = folder.read_recipe(path)[0]
    run = Run(path, found, accept_other_bits)
    if recipe is not None and recipe.hash != found.hash:
        raise RunError(
            f"{path} holds the run of another recipe ({found.hash}, not {recipe.hash}); choose another "
            "folder with --out"
        )
    if fresh:
        with folder.making(path):
            folder.forget(path)
            return Run(path, folder.create(path, recipe or found), accept_other_bits)
    if recipe is not None and not run.finished:
        run.refuse_other_bits()
    return run
