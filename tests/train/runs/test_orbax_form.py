"""Runs of format 3, whose checkpoints are folders of Orbax: they are read and gone on from as they are, and
brought into one file.
"""

import contextlib
import json
import sys
from dataclasses import replace

import jax
import numpy as np
import pytest

import train
from analysis.commands import takeover
from train.runs import checkpoints


class Killed(BaseException):
    """As SIGKILL: nothing after it runs."""


@pytest.fixture(scope="module")
def tiny(recipe):
    return replace(
        recipe, steps=8, checkpoints=2, seeds=1, optimiser=train.Optimiser("adam", 3e-3, 2, "cosine")
    )


def of_orbax(run: train.Run) -> None:
    """Make a run folder what format 3 would have left: folders of Orbax, each with the sums of its files."""
    import orbax.checkpoint as ocp

    from train.runs import orbax_form

    states = {step: checkpoints.read_state(run.path, step) for step in checkpoints.steps(run.path / "resume")}
    trees = {f"resume/{step}": dict(enumerate(leaves)) for step, leaves in states.items()}
    trees |= {f"checkpoints/{step}": run.params(step) for step in checkpoints.parameter_steps(run.path)}
    for name, tree in trees.items():
        folder = run.path / name
        tree = jax.tree.map(np.asarray, {str(k): tree[k] for k in tree})
        with ocp.Checkpointer(ocp.StandardCheckpointHandler()) as orbax:
            orbax.save(folder.resolve(), args=ocp.args.StandardSave(tree))
        sums = {"step": int(folder.name), "files": orbax_form._sums(folder)}
        (folder / orbax_form.SUMS).write_text(json.dumps(sums))
    for file in run.path.rglob("*.safetensors"):
        file.unlink()
    file = run.path / "recipe.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": 3}))


@pytest.fixture
def orbax_store(tiny, tmp_path):
    """A run of format 3, and what it gives."""
    run = train.obtain(tiny, tmp_path / "store")
    given = gives(run)
    of_orbax(run)
    return run, given


def gives(run: train.Run) -> list[bytes]:
    values = [run.history(), [run.params(step) for step in run.checkpoint_steps]]
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(values)]


@pytest.mark.thorough
def test_checkpoints_of_orbax_are_read_as_they_are_and_gone_on_from(orbax_store, tiny):
    run, given = orbax_store
    assert gives(train.open_run(run.path, tiny)) == given
    (run.path / "history.npz").unlink()
    assert gives(train.obtain(tiny, run.path.parent)) == given
    assert [p.name for p in (run.path).glob("*.safetensors")] == ["parameters.safetensors"]


def test_a_damaged_checkpoint_of_orbax_is_noticed(orbax_store):
    run, _ = orbax_store
    folder = run.path / "checkpoints" / str(run.recipe.steps)
    file = max((p for p in folder.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(checkpoints.DamagedCheckpoint, match="not those that were written"):
        checkpoints.read_parameters(run.path, run.recipe.steps)
    (moved,) = takeover.migrate(run.path.parent)  # which leaves it as it is
    assert moved.done and file.exists() and train.open_run(run.path).params(0)


@pytest.mark.thorough
def test_checkpoints_of_orbax_are_brought_into_one_file(orbax_store, tiny, monkeypatch):
    run, given = orbax_store
    rewrite = checkpoints.rewrite

    def killed(path):
        rewrite(path)
        raise Killed

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(checkpoints, "rewrite", killed)
        takeover.migrate(run.path.parent)
    assert gives(train.open_run(run.path, tiny)) == given
    (moved,) = takeover.migrate(run.path.parent)
    assert moved.done and moved.told == f"{run.path}, rewritten"
    assert takeover.migrate(run.path.parent) == []
    assert gives(train.open_run(run.path, tiny)) == given
    files = [p for p in run.path.rglob("*") if p.is_file() and p.name != ".lock"]
    assert {p.suffix for p in files} == {".json", ".npz", ".safetensors"} and len(files) <= 5
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)  # which nothing needs any more
    assert gives(train.open_run(run.path, tiny)) == given


def test_without_orbax_an_earlier_checkpoint_says_what_to_install(orbax_store, monkeypatch):
    run, _ = orbax_store
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    with pytest.raises(train.RunError, match="pip install orbax-checkpoint"):
        run.params()
