"""Sweeps: what is asked for, what is trained, what the table says; on this machine and on a cluster whose
worker is killed.
"""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import train
from analysis.commands.main import main
from analysis.commands.sweep import values
from analysis.instruments.probing.study import CONCATENATED, study
from analysis.instruments.probing.summary import summary
from train import Optimiser, RunError
from train.sweeps.grid import grid, varying
from train.sweeps.outcome import at_the_end
from train.sweeps.sweep import by_shape

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tiny(recipe):
    """A recipe that trains in a moment."""
    model = replace(recipe.model, n_ctx=5, n_layers=1, n_heads=1, d_model=8, d_mlp=8)
    return replace(recipe, model=model, optimiser=Optimiser("adam", 3e-3), steps=20, batch=4, checkpoints=2)


def settled(rows):
    """Rows without what depends on the clock."""
    return [row for row in rows if row.get("measurement") != "seconds"]


def read(path):
    if path.suffix == ".csv":
        with open(path, newline="") as file:
            return list(csv.DictReader(file))
    import pyarrow.parquet

    return pyarrow.parquet.read_table(path).to_pylist()


def test_the_values_of_a_sweep_are_read_as_their_flags_are(tiny):
    over = (
        "model.d-model=2,4",
        "optimiser.learning-rate=1e-3",
        "process=mess3(x=0.05, a=0.85), rrxor",
        "batch=8,None",
        "objective=sampled",
    )
    assert values(tiny, over) == {
        "model.d_model": [2, 4],
        "optimiser.learning_rate": [1e-3],
        "process": ["mess3(x=0.05, a=0.85)", "rrxor"],
        "batch": [8, None],
        "objective": ["sampled"],
    }


def test_a_grid_is_the_product_in_the_order_given(tiny):
    cells = grid(tiny, {"model.d_model": [2, 4], "seeds": [3, 1]})
    assert [tuple(cell.values.values()) for cell in cells] == [(2, 3), (2, 1), (4, 3), (4, 1)]
    assert all((c.recipe.model.d_model, c.recipe.seeds) == tuple(c.values.values()) for c in cells)
    assert cells[0].recipe == replace(tiny, model=replace(tiny.model, d_model=2), seeds=3)


def test_the_vocabulary_follows_the_process_unless_it_is_swept(tiny):
    assert [cell.recipe.model.vocab for cell in grid(tiny, {"process": ["rrxor", "mess3"]})] == [2, 3]
    both = grid(tiny, {"process": ["rrxor", "mess3"], "model.vocab": [2, 3]})
    assert [cell.recipe is not None for cell in both] == [True, False, False, True]
    assert "vocabulary of 3 but rrxor emits 2" in both[1].refused


def test_recipes_by_themselves_have_the_fields_in_which_they_differ(tiny):
    cells = varying([tiny, replace(tiny, steps=30), replace(tiny, model=replace(tiny.model, d_model=4))])
    assert [dict(cell.values) for cell in cells] == [
        {"model.d_model": 8, "steps": 20},
        {"model.d_model": 8, "steps": 30},
        {"model.d_model": 4, "steps": 20},
    ]


def test_recipes_of_equal_shape_are_trained_in_turn(tiny):
    cells = grid(tiny, {"optimiser.learning_rate": [1e-3, 1e-2], "model.d_model": [2, 4]})
    ordered = by_shape({cell.recipe.hash: cell.recipe for cell in cells})
    assert [(r.model.d_model, r.optimiser.learning_rate) for r in ordered.values()] == [
        (2, 1e-3),
        (2, 1e-2),
        (4, 1e-3),
        (4, 1e-2),
    ]


BAD = {
    "no list of values": (["process=@none.txt"], "cannot read the values of --over 'process=@none.txt'"),
    "nothing": ([], "nothing is swept over"),
    "no equals sign": (["seeds"], "cannot read --over 'seeds'"),
    "an unknown field": (["model.d-modle=2"], "did you mean 'model.d_model'"),
    "a field without its group": (["learning-rate=1e-3"], "did you mean 'optimiser.learning_rate'"),
    "a group": (["model=2"], "no field 'model'"),
    "a word for a number": (["seeds=8,many"], "'many' is no value for seeds, which is int"),
    "a broken number": (["seeds=2.5"], "'2.5' is no value for seeds"),
    "an unknown choice": (
        ["objective=guessed"],
        "'guessed' is no value for objective, which is Literal['sampled', 'expected', 'stratified', "
        "'population', 'fixed']",
    ),
    "an empty list": (["seeds="], "swept over no values"),
    "an empty value": (["seeds=1,,2"], "'' is no value for seeds"),
    "a value twice": (["seeds=2,02"], "swept over 2 twice"),
    "a field twice": (["seeds=2", "seeds=3"], "names seeds twice"),
    "an unknown process": (["process=rrxo"], "did you mean 'rrxor'"),
    "no combination": (["seeds=0,-1"], "none of the 2 combinations makes a recipe: seeds is 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_sentence_and_begins_nothing(case, capsys, tmp_path, monkeypatch):
    over, message = BAD[case]
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "rrxor", *(part for o in over for part in ("--over", o))]) == 2
    err = capsys.readouterr().err
    assert message in err and err.startswith("toylab: ") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_help_and_an_unknown_experiment(capsys):
    assert main(["sweep"]) == 2 and "mess3" in capsys.readouterr().out
    assert main(["sweep", "mess33"]) == 2 and "there is no experiment 'mess33'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["sweep", "mess3", "--help"])
    out = capsys.readouterr().out
    assert all(
        word in out
        for word in ("--over FIELD=VALUE", "--scheduler", "--table", "--model.d-model", "dask worker")
    )


@pytest.fixture
def trained(monkeypatch):
    """Hashes of the recipes whose training loop was entered."""
    seen = []

    def counted(recipe, *args, **kwargs):
        seen.append(recipe.hash)
        yield from train.fit(recipe, *args, **kwargs)

    monkeypatch.setattr("train.runs.run.fit", counted)
    return seen


@pytest.mark.thorough
def test_a_sweep_that_was_stopped_goes_on_and_repeats_nothing(tiny, tmp_path, trained):
    cells, table = grid(tiny, {"optimiser.learning_rate": [1e-3, 3e-3, 1e-2]}), tmp_path / "t.csv"
    hashes = [cell.recipe.hash for cell in cells]

    def stop(status):
        if status.done == 1 and status.training:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train.sweep(cells, tmp_path / "store", table=table, watch=stop)
    assert trained == hashes[:2] and {row["hash"] for row in read(table)} == {hashes[0]}
    rows = train.sweep(cells, tmp_path / "store", table=table)
    assert trained == [*hashes[:2], *hashes[1:]]  # the first was finished; the second went on
    assert len(train.sweep(cells, tmp_path / "store", table=table)) == len(rows) and len(trained) == 4
    whole = train.sweep(cells, tmp_path / "other")
    assert settled(rows) == settled(whole)
    assert [h for h in dict.fromkeys(row["hash"] for row in read(table))] == hashes


@pytest.mark.thorough
def test_the_rows_are_those_of_separate_runs_to_the_bit(tiny, tmp_path):
    rows = train.sweep(
        grid(tiny, {"process": ["mess3"], "seeds": [1, 3]}), tmp_path / "store", measure=summary
    )
    alone = train.obtain(
        replace(tiny, process="mess3", model=replace(tiny.model, vocab=3), seeds=3), tmp_path / "alone"
    )
    mine = [row for row in rows if row["hash"] == alone.recipe.hash]
    assert all((row["process"], row["seeds"]) == ("mess3", 3) for row in mine)
    expected, found = (
        summary(alone),
        {(row.get("seed"), row.get("measurement")): row.get("value") for row in mine},
    )
    assert len(found) == 3 * len(expected) + 2 and found[None, "steps"] == 20
    for name, measured in expected.items():
        assert [found[seed, name] for seed in range(3)] == measured.value.tolist()
    s = study(alone)
    for name, features in (
        ("r2_final_layer", s.final_layer),
        ("r2_all_layers", CONCATENATED),
    ):  # sums of other widths round otherwise
        np.testing.assert_allclose(expected[name].value, s.r2(features), rtol=1e-9)
    np.testing.assert_array_equal(expected["excess"].value, [e.excess for e in s.trained])


@pytest.mark.thorough
def test_the_default_measure_is_the_end_of_the_history(tiny, tmp_path):
    run = train.obtain(replace(tiny, steps=200), tmp_path)
    found = at_the_end(run)["training_excess"]
    np.testing.assert_allclose(
        found.value, run.history()["excess"][:, 198:].astype(float).mean(1), rtol=1e-12
    )
    assert found.unit == "nats"


@pytest.mark.thorough
def test_what_fails_has_a_row_that_says_so_and_costs_nothing_else(tiny, tmp_path):
    cells = grid(tiny, {"optimiser.warmup": [0, 20], "optimiser.learning_rate": [1e-3, 1e30]})
    (tmp_path / cells[0].recipe.hash).mkdir()
    (tmp_path / cells[0].recipe.hash / "thesis.txt").write_text("all my work")
    good = replace(tiny, steps=21)
    rows = train.sweep([*cells, *grid(good, {"optimiser.warmup": [1]})], tmp_path, measure=summary)
    errors = [
        (row["optimiser.warmup"], row.get("optimiser.learning_rate"), row.get("seed"), row["error"])
        for row in rows
        if row.get("error")
    ]
    assert [e[:3] for e in errors] == [
        (0, 1e-3, None),
        (0, 1e30, 0),
        (0, 1e30, 1),
        (20, 1e-3, None),
        (20, 1e30, None),
    ]
    assert (
        "not a run folder" in errors[0][3]
        and "diverged" in errors[1][3]
        and "must end before the last step" in errors[4][3]
    )
    assert {row["seed"] for row in rows if row["hash"] == rows[-1]["hash"] and "seed" in row} == {0, 1}
    assert np.isfinite([row["value"] for row in rows if row["hash"] == rows[-1]["hash"]]).all()


@pytest.mark.thorough
def test_what_cannot_be_probed_still_has_its_excess(tiny, tmp_path):
    short = train.obtain(replace(tiny, model=replace(tiny.model, n_ctx=3)), tmp_path)
    found = summary(short)
    assert np.isfinite(found["excess"].value).all() and np.isnan(found["r2_final_layer"].value).all()
    rows = train.sweep([short.recipe], tmp_path, measure=summary)
    assert [row["value"] for row in rows if row.get("measurement") == "r2_all_layers"] == [None, None]


@pytest.mark.thorough
def test_a_recipe_that_another_process_trains_is_left_for_last(tiny, tmp_path):
    cells, order = grid(tiny, {"optimiser.learning_rate": [1e-3, 3e-3]}), []
    first = train.open_run(tmp_path / cells[0].recipe.hash, cells[0].recipe)
    held = contextlib.ExitStack()
    held.enter_context(first.locked())

    def watch(status):
        if status.finished:
            order.append(status.finished[0])
            held.close()  # the other process ends

    rows = train.sweep(cells, tmp_path, watch=watch)
    assert order == [cells[1].recipe.hash, cells[0].recipe.hash] and not any(row.get("error") for row in rows)


@pytest.mark.thorough
def test_an_unfinished_run_of_another_machine_starts_again(tiny, tmp_path, trained):
    run = train.open_run(tmp_path / tiny.hash, tiny)
    content = json.loads((run.path / "recipe.json").read_text())
    content["versions"]["devices"] = "64 cpu"
    (run.path / "recipe.json").write_text(json.dumps(content))
    assert not any(row.get("error") for row in train.sweep([tiny], tmp_path)) and trained == [tiny.hash]


@pytest.mark.thorough
def test_both_formats_hold_the_same_table(tiny, tmp_path):
    cells = grid(tiny, {"batch": [4, 5], "optimiser.warmup": [0, 20]})
    for suffix in ("csv", "parquet"):
        train.sweep(cells, tmp_path / "store", table=tmp_path / f"t.{suffix}")
    comma, parquet = read(tmp_path / "t.csv"), read(tmp_path / "t.parquet")
    assert [list(row) for row in comma] == [list(row) for row in parquet]
    told = [{k: "" if v is None else str(v) for k, v in row.items()} for row in parquet]
    assert settled(comma) == settled(told) and len(comma) == 2 * (2 * 2 + 2) + 2
    assert isinstance(parquet[0]["value"], float) and isinstance(parquet[0]["batch"], int)


def test_a_table_is_not_written_over_something_else(tiny, tmp_path):
    (tmp_path / "notes.csv").write_text("my,notes\n")
    for name, message in (
        ("notes.csv", "not a table of this sweep"),
        ("t.xlsx", "must end in .csv or .parquet"),
    ):
        with pytest.raises(RunError, match=message):
            train.sweep([tiny], tmp_path / "store", table=tmp_path / name)
    assert (tmp_path / "notes.csv").read_text() == "my,notes\n" and not (tmp_path / "store").exists()


def test_what_is_not_installed_is_named_with_its_remedy(tiny, tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "train.sweeps.cluster", raising=False)
    for module in ("distributed", "pyarrow"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(RunError, match=r"dask.distributed; run pip install \"toylab\[cluster\]\""):
        train.sweep([tiny], tmp_path, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(RunError, match=r"needs pyarrow; run pip install"):
        train.sweep([tiny], tmp_path, table=tmp_path / "t.parquet")


@pytest.mark.thorough
@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense"])
def test_a_scheduler_that_does_not_answer_is_named(tiny, tmp_path, monkeypatch, address):
    from train.sweeps import cluster

    assert cluster.CONNECT_SECONDS < 10
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.3)
    with pytest.raises(RunError, match=f"no Dask scheduler answers at '{address}'"):
        train.sweep([tiny], tmp_path, scheduler=address)


@pytest.fixture
def cluster(tmp_path):
    """A scheduler, by address, and the processes of two workers."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = []

    def start(what, *args):
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *args, "--no-dashboard"]
        with open(tmp_path / f"{what}{len(started)}.log", "w") as log:
            started.append(subprocess.Popen(command, env=env, cwd=tmp_path, stdout=log, stderr=log))
        return started[-1]

    file = tmp_path / "scheduler.json"
    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        workers = [
            start("worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny") for _ in range(2)
        ]
        deadline = time.time() + 60
        while not (file.exists() and file.read_text().strip().endswith("}")) and time.time() < deadline:
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"], workers
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_table(tiny, tmp_path, cluster, rrxor):
    import processes

    processes.write(rrxor, tmp_path / "mine.json")
    base = replace(tiny, steps=1500, process=str(tmp_path / "mine.json"), seeds=1)
    cells, store, last = (
        grid(base, {"optimiser.learning_rate": [1e-4, 3e-4, 1e-3, 1e-2]}),
        tmp_path / "store",
        [],
    )
    address, workers = cluster

    def watch(status):
        last[:] = [status]
        begun = [hash for hash in status.training if (store / hash / "checkpoints").exists()]
        if len(begun) == 2 and workers[0].poll() is None:
            os.kill(workers[0].pid, signal.SIGKILL)

    far = train.sweep(
        cells, store, scheduler=address, measure=summary, table=tmp_path / "far.csv", watch=watch
    )
    assert (
        workers[0].poll() == -signal.SIGKILL
        and last[0].retried >= 1
        and last[0].workers == 1
        and last[0].done == 4
    )
    near = train.sweep(cells, tmp_path / "near", measure=summary, table=tmp_path / "near.csv")
    assert settled(far) == settled(near) and not any(row.get("error") for row in far)
    assert settled(read(tmp_path / "far.csv")) == settled(read(tmp_path / "near.csv"))
    found = train.sweep(cells, store, scheduler=address)
    assert [row["value"] for row in found if row["measurement"] == "seconds"] == [
        None
    ] * 4  # nothing was trained again
