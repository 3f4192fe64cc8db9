"""What a store takes on disk, and what of it nobody needs."""

import shutil

import jax
import numpy as np
import pytest

import train
from analysis.commands.clean import written
from analysis.commands.main import main
from train.runs.folder import locked
from train.runs.room import free, held, size


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    optimiser = train.Optimiser("sgd", 0.1)
    recipe = train.Recipe("rrxor", small, "expected", optimiser, steps=3, batch=4, seeds=1, checkpoints=2)
    return train.obtain(recipe, store)


@pytest.fixture
def store(trained, tmp_path):
    """A store with a finished run, an unfinished one, and what a killed write left."""
    shutil.copytree(trained.path, tmp_path / trained.path.name)
    unfinished = tmp_path / "0123456789ab"
    shutil.copytree(trained.path, unfinished)
    (unfinished / "history.npz").unlink()
    (tmp_path / trained.path.name / "parameters.safetensors.part").write_text("half a checkpoint")
    return tmp_path


def kinds(parts):
    return [(part.kind, part.folder.name) for part in parts]


@pytest.mark.thorough
def test_every_byte_of_a_store_is_held_once(store, trained):
    parts, name = held(store), trained.path.name
    assert sum(part.size for part in parts) == size(store)
    assert sorted(kinds(parts)) == [
        ("finished runs", name),
        ("left by killed writes", name),
        ("states of finished runs", name),
        ("unfinished runs", "0123456789ab"),
    ]
    assert sorted(kinds(held(store / name))) == sorted(kinds(parts))[:3]  # of one run too
    (store / name).rename(store / "0123456789ab" / "origin")  # a run within a run is held once as well
    assert sum(part.size for part in held(store)) == size(store)


@pytest.mark.thorough
def test_only_what_nobody_needs_is_freed(store, trained):
    parts = held(store)
    gone = list(free(parts))
    assert gone and all(reason == "" for _, reason in gone)
    assert sum(part.size for part in held(store)) == sum(part.size for part in parts if part.needed)
    assert (store / "0123456789ab" / "resume").exists()
    again = train.open_run(store / trained.path.name, trained.recipe)
    same = zip(jax.tree.leaves(again.params()), jax.tree.leaves(trained.params()), strict=True)
    assert again.finished and all(np.array_equal(a, b) for a, b in same)
    assert again.history().keys() == trained.history().keys()
    assert list(again.train()) == []  # nothing is trained again


@pytest.mark.thorough
def test_states_stay_where_they_may_be_wanted(store, trained):
    run = store / trained.path.name
    with locked(run):
        reasons = {part.folder: reason for part, reason in free(held(store))}
        assert "another process" in reasons[run]
    (run / "history.npz").write_bytes(b"damaged")
    reasons = {part.kind: reason for part, reason in free(held(store))}
    assert "history.npz is missing or damaged" in reasons["states of finished runs"]
    assert (run / "resume").exists()


@pytest.mark.thorough
def test_the_command_removes_nothing_unless_it_is_told_to(store, trained, capsys):
    before = size(store)
    assert main(["clean", str(store)]) == 0 and size(store) == before
    said = " ".join(capsys.readouterr().out.split())
    assert f"nothing was removed; `toylab clean {store} --yes` frees" in said
    assert main(["clean", str(store), "--yes"]) == 0 and size(store) < before
    assert "freed" in capsys.readouterr().out
    assert main(["clean", str(store)]) == 0
    assert "nothing in it can be spared" in capsys.readouterr().out
    assert main(["clean", str(store / "none")]) == 2
    assert "there is no store in" in capsys.readouterr().err


@pytest.mark.parametrize(
    "size, told", [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (9_960, "10 kB"), (3_100_000, "3.1 MB")]
)
def test_sizes_are_told_with_two_digits(size, told):
    assert written(size) == told
