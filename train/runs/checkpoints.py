"""Orbax checkpoints that are whole or absent: written beside their place, listed file by file with SHA-256,
then renamed.

Orbax alone promises less. Of 600 single bits flipped in its files, 41 were read back as other numbers without
an error, because zarr chunks carry no checksum; and what it says of a file that it cannot decode fills a
terminal. So no file is shown to Orbax unless its SHA-256 is the one noted when it was written. Trees are
stored as NumPy, so any machine can read them.
"""

import contextlib
import errno
import hashlib
import json
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from jaxtyping import PyTree

import toy
from processes.values.whole_file import PART

from ..errors import RunError
from ..machine.numerics import pinned

PARAMETERS, STATES = "checkpoints", "resume"
"""Folders of a run: parameters of every seed at its checkpoint steps, and the two latest complete states."""
SUMS = "sha256.json"
"""SHA-256 of every other file of a checkpoint, and the step it is of."""


class DamagedCheckpoint(Exception):
    """A checkpoint that is missing, or not what was written."""


def steps(folder: Path) -> list[int]:
    """Steps that have a checkpoint in this folder, whole or damaged, in order."""
    return sorted(int(p.name) for p in folder.iterdir() if p.name.isdecimal()) if folder.exists() else []


@pinned()
def write(folder: Path, step: int, tree: PyTree) -> None:
    """Write a tree as the checkpoint of a step, in place of any that is there. Raises `OSError` if it cannot
    be written.
    """
    part = folder / f"{step}{PART}"
    with _interrupts_wait():
        try:
            folder.mkdir(exist_ok=True)
            shutil.rmtree(part, ignore_errors=True)
            with _orbax() as orbax:
                orbax.save(part.resolve(), args=ocp.args.StandardSave(jax.tree.map(np.asarray, tree)))
            (part / SUMS).write_text(json.dumps({"step": step, "files": _sums(part)}))
            remove(folder, step)
            part.rename(folder / str(step))
        except Exception as error:
            shutil.rmtree(part, ignore_errors=True)  # on a full disk its space is wanted
            if isinstance(error, OSError):
                raise
            raise OSError(
                errno.EIO, first_line(error)[:200], str(folder / str(step))
            ) from None  # Orbax: ValueErrors of many lines


@pinned()
def read(folder: Path, step: int) -> PyTree:
    """The tree of a step, as NumPy. Raises `DamagedCheckpoint`."""
    path = folder.resolve() / str(step)
    try:
        noted = json.loads((path / SUMS).read_text())
        if noted != {"step": step, "files": _sums(path)}:
            raise ValueError("its files are not those that were written")
        with _orbax() as orbax:
            like = jax.tree.map(lambda m: np.empty(m.shape, m.dtype), orbax.metadata(path).item_metadata.tree)
            return jax.tree.map(np.asarray, orbax.restore(path, args=ocp.args.StandardRestore(like)))
    except Exception as error:  # whatever kind it is, it means the same
        raise DamagedCheckpoint(f"{folder.name}/{step}: {first_line(error)[:200]}") from None


def remove(folder: Path, step: int) -> None:
    """Remove the checkpoint of a step, if there is one, so that none is ever half there."""
    if (folder / str(step)).exists():
        gone = folder / f"{step}.gone{PART}"
        shutil.rmtree(gone, ignore_errors=True)
        (folder / str(step)).rename(gone)
        shutil.rmtree(gone)


def forget(folder: Path, since: int) -> None:
    """Remove the checkpoints of a step and of all later ones."""
    for step in steps(folder):
        if step >= since:
            remove(folder, step)


def keep_parameters(path: Path, step: int, params: toy.Params) -> None:
    """Keep the parameters of a run at a step, unless they are there already: where it resumes from before."""
    try:
        read(path / PARAMETERS, step)
    except DamagedCheckpoint:
        write(path / PARAMETERS, step, params)


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
                read(path / PARAMETERS, earlier)
            return step, read_state(path, step)
        except DamagedCheckpoint as error:
            damage.append(error)
    if damage:
        reasons = "; ".join(map(str, damage))
        raise RunError(
            f"no checkpoint in {path / STATES} can be read and resumed ({reasons}); start again with --fresh"
        )
    return None


def _sums(path: Path) -> dict[str, str]:
    files = sorted(p for p in path.rglob("*") if p.is_file() and p != path / SUMS)
    return {p.relative_to(path).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def first_line(error: BaseException) -> str:
    """What an error says in one line, or its class where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _orbax() -> ocp.Checkpointer:
    """Of several hosts that train as one, host 0 alone reads and writes, and waits for none of the others."""
    alone = (
        ocp.options.MultiprocessingOptions(primary_host=0, active_processes={0}, barrier_sync_key_prefix="0")
        if jax.process_count() > 1
        else None
    )
    return ocp.Checkpointer(
        ocp.StandardCheckpointHandler(), **({"multiprocessing_options": alone} if alone else {})
    )


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Ctrl-C takes effect afterwards: Orbax writes in threads, which would go on behind the back of whoever
    was interrupted.
    """
    if threading.current_thread() is not threading.main_thread():  # no signal is handled there
        yield
        return
    came: list[tuple[Any, ...]] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    held = {
        number: handler for number, handler in handlers.items() if callable(handler)
    }  # what kills at once may do so
    for number in held:
        signal.signal(number, lambda *args: came.append(args))
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        for number, frame in came[:1]:
            held[number](number, frame)
