"""Checkpoints of a run, each in a file that is whole or absent, and the one file that its parameters end in.

While a run is trained, every step that is kept has a file of its own, so that a kill costs none of those
before. When it has reached its last step, its parameters are gathered in one file (`parameter_files`); the
two latest complete states, from which a training goes on, stay files of their own. Runs of earlier formats,
whose checkpoints are folders of Orbax, are read as they are; `toylab migrate` brings them into this form.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
from jaxtyping import PyTree

import toy

from ..errors import RunError
from . import orbax_form, parameter_files
from .parameter_files import SUFFIX

PARAMETERS, STATES = "checkpoints", "resume"
"""Folders of a run: parameters of every seed at its checkpoint steps until they are gathered, and the two
latest complete states."""
GATHERED = f"parameters{SUFFIX}"
"""The parameters of every seed at all checkpoint steps of a run that has been trained."""


class DamagedCheckpoint(Exception):
    """A checkpoint that is missing, or not what was written."""

    def __init__(self, place: str, step: int, error: Exception):
        super().__init__(f"{place}: {first_line(error)[:200]}")
        self.step = step


def steps(folder: Path) -> list[int]:
    """Steps that have a checkpoint in this folder, whole or damaged, in order."""
    if not folder.exists():
        return []
    there = (p.name.removesuffix(SUFFIX) for p in folder.iterdir())
    return sorted({int(name) for name in there if name.isdecimal()})


def parameter_steps(path: Path) -> list[int]:
    """Steps of which a run keeps parameters, whole or damaged, in order."""
    return sorted({*steps(path / PARAMETERS), *parameter_files.steps(path / GATHERED)})


def write(folder: Path, step: int, tree: PyTree) -> None:
    """Write a tree as the checkpoint of a step, in place of any that is there. Raises `OSError` if it cannot
    be written.
    """
    folder.mkdir(exist_ok=True)
    parameter_files.write(folder / f"{step}{SUFFIX}", step, tree)
    orbax_form.remove(folder / str(step))


def read(folder: Path, step: int) -> PyTree:
    """The tree of a step, as NumPy. Raises `DamagedCheckpoint`."""
    file, former = folder / f"{step}{SUFFIX}", folder / str(step)
    try:
        if former.exists() and not file.exists():
            return orbax_form.read(former)
        return parameter_files.read(file, step)
    except Exception as error:  # whatever kind it is, it means the same
        raise DamagedCheckpoint(f"{folder.name}/{step}", step, error) from None


def read_parameters(path: Path, step: int) -> toy.Params:
    """The parameters that a run keeps of a step. Raises `DamagedCheckpoint`."""
    if step in steps(path / PARAMETERS):
        try:
            return read(path / PARAMETERS, step)
        except DamagedCheckpoint:
            if step not in parameter_files.steps(path / GATHERED):  # where they may be whole
                raise
    try:
        return parameter_files.read(path / GATHERED, step)
    except Exception as error:
        raise DamagedCheckpoint(f"{GATHERED} of step {step}", step, error) from None


def remove(folder: Path, step: int) -> None:
    """Remove the checkpoint of a step, if there is one, so that none is ever half there."""
    orbax_form.remove(folder / str(step))  # first: it stands behind the file, and must not come to light
    (folder / f"{step}{SUFFIX}").unlink(missing_ok=True)


def forget(folder: Path, since: int) -> None:
    """Remove the checkpoints of a step and of all later ones."""
    for step in steps(folder):
        if step >= since:
            remove(folder, step)


def forget_parameters(path: Path, since: int) -> None:
    """Remove the parameters that a run keeps of a step and of all later ones."""
    forget(path / PARAMETERS, since)
    gathered = parameter_files.steps(path / GATHERED)
    earlier = [step for step in gathered if step < since]
    if earlier and earlier != gathered:
        gather(path, earlier)
    elif not earlier:
        (path / GATHERED).unlink(missing_ok=True)


def keep_parameters(path: Path, step: int, params: toy.Params) -> None:
    """Keep the parameters of a run at a step, unless they are there already: where it resumes from before."""
    try:
        read_parameters(path, step)
    except DamagedCheckpoint:
        write(path / PARAMETERS, step, params)


def gather(path: Path, due: Sequence[int]) -> None:
    """Bring the parameters of these steps into one file, but for any that are damaged, which stay as they
    are. Raises `OSError` if it cannot be written.
    """
    if parameter_files.steps(path / GATHERED) == list(due) and not steps(path / PARAMETERS):
        return
    whole, done = list(due), False
    while whole and not done:
        try:
            parameter_files.gather(path / GATHERED, whole, lambda step: read_parameters(path, step))
            done = True
        except DamagedCheckpoint as damage:
            whole.remove(damage.step)
    for step in whole:
        remove(path / PARAMETERS, step)
    with contextlib.suppress(OSError):  # there is none, or it holds what is damaged
        (path / PARAMETERS).rmdir()


def rewrite(path: Path) -> None:
    """Bring the checkpoints that earlier formats left in a run folder into today's form; what is damaged
    stays as it is. Raises `OSError` if they cannot be written.
    """
    for folder in (path / STATES, path / PARAMETERS):
        for step in steps(folder):
            if (folder / str(step)).exists():
                with contextlib.suppress(DamagedCheckpoint):
                    write(folder, step, read(folder, step))


def keep_state(path: Path, step: int, leaves: Sequence[jax.Array | np.ndarray]) -> None:
    """Keep a complete state of a run, by its leaves; beside it stays the latest one before, and no other."""
    there = steps(path / STATES)
    write(path / STATES, step, {str(i): leaf for i, leaf in enumerate(leaves)})
    before = max((s for s in there if s < step), default=None)
    for other in set(there) - {step, before}:
        remove(path / STATES, other)


def read_state(path: Path, step: int) -> list[np.ndarray]:
    """The leaves of the complete state kept at a step. Raises `DamagedCheckpoint`."""
    leaves = read(path / STATES, step)
    return [leaves[str(i)] for i in range(len(leaves))]


def latest_state(path: Path, due: Sequence[int]) -> tuple[int, list[np.ndarray]] | None:
    """The step and the leaves of the latest complete state that can be read, and with it all parameters due
    before it; None if no state was kept. Raises `RunError` if none of those that are there will do.
    """
    damage: list[DamagedCheckpoint] = []
    for step in reversed(steps(path / STATES)):
        try:
            for earlier in (s for s in due if s < step):  # resuming would pass them by
                read_parameters(path, earlier)
            return step, read_state(path, step)
        except DamagedCheckpoint as error:
            damage.append(error)
    if damage:
        reasons = "; ".join(map(str, damage))
        raise RunError(
            f"no checkpoint in {path / STATES} can be read and resumed ({reasons}); start again with --fresh"
        )
    return None


def first_line(error: BaseException) -> str:
    """What an error says in one line, or its class where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)
