"""Checkpoints of earlier formats, read and removed, never written: folders of Orbax with the sums of their
files.

Orbax is no dependency of the lab's own: it comes with flax, or is asked for where it is missing.
"""

import hashlib
import json
import shutil
from pathlib import Path

import jax
import numpy as np
from jaxtyping import PyTree

from processes.values.whole_file import PART

from ..machine.numerics import pinned

SUMS = "sha256.json"
"""SHA-256 of every other file of a checkpoint, and the step it is of."""


@pinned()
def read(path: Path) -> PyTree:
    """The tree of a checkpoint, as NumPy. Raises `ValueError` if it is not what was written, and whatever
    Orbax raises if it cannot be read.
    """
    if json.loads((path / SUMS).read_text()) != {"step": int(path.name), "files": _sums(path)}:
        raise ValueError("its files are not those that were written")
    try:
        import orbax.checkpoint as ocp
    except ImportError:
        raise ImportError(
            "it is of an earlier format, which orbax-checkpoint reads: pip install orbax-checkpoint"
        ) from None
    alone = (  # of several hosts that train as one, host 0 alone reads, and waits for none of the others
        ocp.options.MultiprocessingOptions(primary_host=0, active_processes={0}, barrier_sync_key_prefix="0")
        if jax.process_count() > 1
        else None
    )
    how = {"multiprocessing_options": alone} if alone else {}
    with ocp.Checkpointer(ocp.StandardCheckpointHandler(), **how) as orbax:
        path = path.resolve()
        like = jax.tree.map(lambda m: np.empty(m.shape, m.dtype), orbax.metadata(path).item_metadata.tree)
        return jax.tree.map(np.asarray, orbax.restore(path, args=ocp.args.StandardRestore(like)))


def remove(path: Path) -> None:
    """Remove a checkpoint, if there is one, so that none is ever half there."""
    if path.exists():
        gone = path.with_name(f"{path.name}.gone{PART}")
        shutil.rmtree(gone, ignore_errors=True)
        path.rename(gone)
        shutil.rmtree(gone)


def _sums(path: Path) -> dict[str, str]:
    files = sorted(p for p in path.rglob("*") if p.is_file() and p != path / SUMS)
    return {p.relative_to(path).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
