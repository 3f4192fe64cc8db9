"""Runs of an earlier format are kept: found again under their new names, with the same content,
or named and left alone.
"""

import contextlib
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import processes
import train
from analysis.commands import takeover
from train.runs.sealed import sealed


@pytest.fixture(scope="module")
def told():
    """What the program that makes former digests has said, by what it was asked."""
    return {}


@pytest.fixture(autouse=True)
def asked_once(told, monkeypatch):
    """The program is run once for the same names, of which it says the same; what a file holds may change."""
    run = takeover.subprocess.run

    def remembered(command, **kwargs):
        asked = tuple(command)
        if any(".json" in word for word in asked):
            return run(command, **kwargs)
        if asked not in told:
            told[asked] = run(command, **kwargs)
        return told[asked]

    monkeypatch.setattr(takeover, "subprocess", SimpleNamespace(run=remembered))


class Killed(BaseException):
    """As SIGKILL: nothing after it runs."""


def aged(run: train.Run, *, digest: str | None = None) -> str:
    """Make a run folder what an earlier version would have left; returns the hash that it had."""
    file, recipe = run.path / "recipe.json", run.recipe
    digests = {recipe.process: digest} if digest else takeover._former_digests([run.path])
    former = takeover.former_hash(recipe, digests)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": 2, "hash": former}))
    run.path.rename(run.path.with_name(run.path.name.replace(recipe.hash, former)))
    return former


def trained(recipe, store) -> train.Run:
    return train.obtain(recipe, store)


@pytest.fixture(scope="module")
def tiny(recipe):
    return replace(
        recipe, steps=8, checkpoints=2, seeds=1, optimiser=train.Optimiser("adam", 3e-3, 2, "cosine")
    )


@pytest.fixture
def store(tiny, tmp_path):
    run = trained(tiny, tmp_path / "store")
    return run, aged(run), tmp_path / "store"


@pytest.mark.thorough
def test_a_former_run_is_found_again_and_not_trained_twice(store, tiny):
    run, former, folder = store
    loss = train.runs.sealed.read_npz(folder / former / "history.npz", "")["loss"]
    with pytest.raises(train.RunError, match="toylab migrate"):
        train.open_run(folder / former)
    (moved,) = takeover.migrate(folder)
    assert moved.done and moved.told == str(folder / tiny.hash)
    assert takeover.migrate(folder) == []
    stepped = []
    again = train.obtain(tiny, folder, stepped.append)
    assert not stepped and np.array_equal(again.history()["loss"], loss)
    assert json.loads((again.path / "recipe.json").read_text())["was"] == [former]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "report", "found"),
    [
        ("{former}", None, True),
        ("mess3-{former}", None, True),  # of an experiment of the lab, before it was reported
        ("my experiment-{former}", {"experiment": "my experiment"}, True),
        ("my experiment-{former}", {"experiment": "another"}, False),
        ("the one I like {former}", None, False),
        ("mine", None, False),
    ],
)
def test_only_names_that_a_run_was_given_by_itself_are_changed(name, report, found, store, tiny):
    """A folder that somebody has named keeps its name, whatever that ends in."""
    _, former, folder = store
    there = (folder / former).rename(folder / name.format(former=former))
    if report is not None:
        (there / "report.json").write_text(json.dumps(sealed(report)))
    (moved,) = takeover.migrate(folder)
    at = folder / tiny.hash if found else there
    assert moved.done and moved.told == str(at) and [p for p in folder.iterdir() if p.is_dir()] == [at]
    assert train.open_run(at).finished and takeover.migrate(folder) == []


def test_a_run_of_a_process_in_a_file(tiny, tmp_path):
    processes.write(processes.named("rrxor"), tmp_path / "mine.json")
    run = trained(replace(tiny, process=str(tmp_path / "mine.json")), tmp_path / "store")
    own = run.path / "process.json"
    content = {k: v for k, v in json.loads(own.read_text()).items() if k not in ("identity", "seal")}
    content["initial_state"] = (
        np.array(content["initial_state"]) * (1 + 2.2e-16)
    ).tolist()  # as LAPACK gave it
    own.write_text(json.dumps(content))
    former = aged(train.Run(run.path, replace(run.recipe, process=str(own))))
    (moved,) = takeover.migrate(tmp_path / "store")
    assert moved.done, moved
    assert (
        moved.told == str(tmp_path / "store" / tiny.hash) and former != tiny.hash
    )  # a file and the name are one recipe


def test_what_was_written_on_another_cpu_stays_unless_it_is_trusted(tiny, tmp_path):
    run = trained(tiny, tmp_path / "store")
    former = aged(run, digest="000000000000")
    before = {p: p.read_bytes() for p in (tmp_path / "store").rglob("*") if p.is_file()}
    (moved,) = takeover.migrate(tmp_path / "store")
    assert not moved.done and "--unverified" in moved.told and moved.path.name == former
    assert before == {
        p: p.read_bytes() for p in (tmp_path / "store").rglob("*") if p.is_file() and p.name != ".lock"
    } | {p: b for p, b in before.items() if p.name == ".lock"}
    (moved,) = takeover.migrate(tmp_path / "store", unverified=True)
    assert moved.done and train.open_run(tmp_path / "store" / tiny.hash).finished


def test_an_edited_recipe_is_not_taken_over(store):
    _, former, folder = store
    file = folder / former / "recipe.json"
    content = json.loads(file.read_text())
    content["recipe"]["batch"] = 17
    file.write_text(json.dumps(content))
    (moved,) = takeover.migrate(folder)
    assert not moved.done and (folder / former).exists()


@pytest.mark.parametrize("moment", range(3))
def test_a_killed_call_is_called_again(store, tiny, monkeypatch, moment):
    _, former, folder = store
    real, calls = takeover.write_json, []

    def killed(path, value):
        if len(calls) == moment:
            raise Killed
        calls.append(path)
        real(path, value)

    with monkeypatch.context() as patch:
        patch.setattr(takeover, "write_json", killed)
        if moment == 1:  # after the recipe is written, before the folder is renamed
            patch.setattr(takeover, "_renamed", lambda *args: (_ for _ in ()).throw(Killed))
        with contextlib.suppress(Killed):
            takeover.migrate(folder)
    takeover.migrate(folder)
    assert train.open_run(folder / tiny.hash).finished and not (folder / former).exists()


@pytest.mark.thorough
def test_who_runs_is_told_of_runs_that_could_be_taken_over(store, capsys):
    from analysis.commands.main import main

    _, _, folder = store
    assert main(["claims", "--store", str(folder)]) == 0
    assert f"toylab migrate {folder}" in " ".join(capsys.readouterr().out.split())
    assert main(["migrate", str(folder)]) == 0 and "1 taken over, 0 left" in " ".join(
        capsys.readouterr().out.split()
    )
    assert main(["claims", "--store", str(folder)]) == 0 and "migrate" not in capsys.readouterr().out


def test_a_missing_store_is_one_sentence(tmp_path):
    with pytest.raises(train.RunError, match="there is no folder"):
        takeover.migrate(tmp_path / "none")
