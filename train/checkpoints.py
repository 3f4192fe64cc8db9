"""Orbax, in the three verbs that a run needs: open, write, read. Trees are stored as NumPy, so any machine can read them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp


class DamagedCheckpoint(Exception):
    """A checkpoint that is listed but cannot be read."""


@contextlib.contextmanager
def opened(folder: Path, *, most: int | None = None) -> Iterator[ocp.CheckpointManager]:
    """The checkpoints in a folder, of which the latest `most` are kept (all by default)."""
    alone = ocp.options.MultiprocessingOptions(primary_host=0, active_processes={0}, barrier_sync_key_prefix="0") if jax.process_count() > 1 else None
    options = ocp.CheckpointManagerOptions(
        max_to_keep=most, create=alone is None, enable_async_checkpointing=False, **({"multiprocessing_options": alone} if alone else {})
    )
    folder.mkdir(exist_ok=True)
    with contextlib.closing(ocp.CheckpointManager(folder.resolve(), options=options)) as manager:
        yield manager


def write(manager: ocp.CheckpointManager, step: int, tree: Any) -> None:
    """Write a tree as the checkpoint of a step: whole or not at all."""
    if not manager.save(step, args=ocp.args.StandardSave(jax.tree.map(np.asarray, tree)), force=True):
        raise OSError(f"the checkpoint of step {step} could not be written")


def read(manager: ocp.CheckpointManager, step: int) -> Any:
    """The tree of a step, as NumPy. Raises `DamagedCheckpoint`."""
    try:
        like = jax.tree.map(lambda m: np.empty(m.shape, m.dtype), manager.item_metadata(step))
        return jax.tree.map(np.asarray, manager.restore(step, args=ocp.args.StandardRestore(like)))
    except Exception as error:  # Orbax and what it builds on raise many kinds on damaged files; any of them means the same
        raise DamagedCheckpoint(f"step {step}: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from None
