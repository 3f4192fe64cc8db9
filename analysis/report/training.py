"""One network of a run over its training: measured once, and kept in the run folder beside its evidence."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

import toy
import train
from train.runs.sealed import read_npz, write_npz

from ..claim.shown import LayoutError, arrays, restored
from ..figures.record import Record
from ..instruments.contexts import contexts
from ..instruments.forward import member
from ..instruments.probing.study import CONCATENATED
from ..instruments.probing.unfolding import Unfolding, unfolding
from ..instruments.statistics import evenly
from ..lab import Announce
from ..recipes import legs
from . import points

MOST_STEPS = 12
"""Checkpoints that are looked at."""
FILE = "unfolding.npz"
NETWORK = "network"
"""Under this name the file says which network it is of."""


def over_training(run: train.Run, record: Record, announce: Announce) -> Unfolding:
    """The network that figures show, at up to `MOST_STEPS` of the checkpoints of its whole training: read if
    it is kept, measured if not.

    Raises `train.RunError` if parameters cannot be read, or the file cannot be written.
    """
    probes = "layers" in record.report
    network = points.typical(record, "trained") if probes else _typical_excess(record)
    steps = kept_steps(run)
    rows = points.unfolded(record) if probes else np.zeros(0, int)
    there = _kept(run.path / FILE, network)
    wanted = np.array(sorted(steps))
    if there is not None and np.array_equal(there.step, wanted) and np.array_equal(there.rows, rows):
        return there
    config = run.recipe.model
    features = points.plane(record).features if probes else ""
    shown = () if not probes else config.stream[1:] if features == CONCATENATED else config.stream[-1:]

    def params(step: int) -> toy.Params:
        announce(f"reading one network at step {step}", None)
        return member(steps[step](), network)

    with run.locked():
        found = unfolding(
            config, params, sorted(steps), contexts(run.recipe.ground_truth(), config.n_ctx), shown, rows
        )
        write_npz(run.path / FILE, **arrays(_light(found)), **{NETWORK: np.array(network)})
    return found


def kept_steps(run: train.Run) -> dict[int, Callable[[], toy.Params]]:
    """Steps of the whole training that are looked at, the descent's first where a finish followed, with what
    reads the parameters of all networks there.
    """
    found: dict[int, Callable[[], toy.Params]] = {}
    before = 0
    for leg in legs(run):
        for step in leg.checkpoint_steps:
            found.setdefault(before + step, lambda leg=leg, step=step: leg.params(step))  # type: ignore[misc]
        before += leg.recipe.steps
    steps = sorted(found)
    return {steps[i]: found[steps[i]] for i in evenly(len(steps), MOST_STEPS)}


def _light(found: Unfolding) -> Unfolding:
    """The same in the precision in which networks compute: it is drawn, and nothing follows from it."""
    return dataclasses.replace(found, points=found.points.astype(np.float32))


def _kept(file: Path, network: int) -> Unfolding | None:
    """What is kept of this network, if it is."""
    if not file.exists():
        return None
    try:
        found = read_npz(file, "")
        return restored(Unfolding, found) if found.pop(NETWORK, None) == network else None
    except (train.RunError, LayoutError):
        return None  # it is measured again


def _typical_excess(record: Record) -> int:
    return record.typical(record.report["excess"]["trained"])
