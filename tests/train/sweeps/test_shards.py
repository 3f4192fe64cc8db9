"""Sweeps in shards, as the jobs of an array do them: together they are the sweep, and so are their tables."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.commands.main import main
from analysis.commands.sweep import values
from train import Optimiser, RecipeError, RunError
from train.sweeps.table import SHARD, _columns, _read, check_table, merge_tables, shard_of, write_table


@pytest.fixture
def asked(recipe, tmp_path, monkeypatch):
    """A recipe that trains in a moment, in a file, and a sweep of it by the command line."""
    import json

    model = replace(recipe.model, n_ctx=5, n_layers=1, n_heads=1, d_model=8, d_mlp=8)
    tiny = replace(recipe, model=model, optimiser=Optimiser("adam", 3e-3), steps=4, batch=4, checkpoints=2)
    (tmp_path / "tiny.json").write_text(json.dumps(tiny.to_json()))
    (tmp_path / "list.txt").write_text("# two processes\nrrxor\n\nmess3(x=0.05, a=0.85)\n")
    monkeypatch.setattr("train.use_all_cores", lambda: None)
    monkeypatch.chdir(tmp_path)
    swept = ("--over", "process=@list.txt", "--over", "optimiser.learning-rate=1e-3,3e-3,-1", "--seeds", "2")

    def sweep(*more, status=1):  # of three step sizes one is refused
        assert main(["sweep", "tiny.json", *swept, *more]) == status

    return sweep


def read(path):
    """The rows of a table, without what depends on the clock."""
    with open(path, newline="") as file:
        return [row for row in csv.DictReader(file) if row["measurement"] != "seconds"]


@pytest.mark.thorough
@pytest.mark.parametrize("n", [2, 4, 7])
def test_the_tables_of_shards_are_together_that_of_the_sweep(asked, tmp_path, n, capsys):
    asked("--store", "whole", "--table", "whole.csv")
    for i in reversed(range(1, n + 1)):  # in whatever order they end
        few = list(range(6))[i - 1 :: n]
        refused = any(k % 3 == 2 for k in few)
        asked("--store", "parts", "--shard", f"{i}/{n}", status=int(refused))
    tables = sorted((tmp_path / "parts").glob("sweep-*.csv"))
    assert len(tables) == min(n, 6)
    status = main(["merge", "merged.csv", *map(str, tables)])
    assert status == (n > 6) and f"6 combinations of {len(tables)} shards" in capsys.readouterr().out
    assert read("merged.csv") == read("whole.csv")
    runs = [{p.name for p in (tmp_path / s).iterdir() if p.is_dir()} for s in ("whole", "parts")]
    assert runs[0] == runs[1] and len(runs[0]) == 4


@pytest.mark.thorough
def test_a_missing_shard_is_told(asked, tmp_path, capsys):
    for i in (1, 3):
        asked("--store", "parts", "--shard", f"{i}/3", status=int(i == 3))
    tables = [str(path) for path in (tmp_path / "parts").glob("sweep-*.csv")]
    renamed = [str(Path(path).rename(tmp_path / f"part {k}.csv")) for k, path in enumerate(tables)]
    assert main(["merge", "merged.csv", *renamed]) == 1
    assert "of 3 shards are missing: 2" in capsys.readouterr().out


def test_more_shards_than_combinations_have_nothing_to_do(asked, tmp_path, capsys):
    asked("--store", "parts", "--shard", "9/9", status=0)
    assert "nothing is left for 9/9" in capsys.readouterr().out and not (tmp_path / "parts").exists()


@pytest.mark.parametrize("shard", ["0/8", "9/8", "1", "1/0", "a/b", "-1/2", "1/2/3"])
def test_a_shard_that_is_none_is_refused(asked, shard, capsys, tmp_path):
    asked("--store", "parts", f"--shard={shard}", status=2)
    assert "write I/N with I from 1 to N" in capsys.readouterr().err and not (tmp_path / "parts").exists()


def test_values_in_a_file_are_read_line_by_line(recipe, tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("# comment\n  mess3(x=0.05, a=0.85)  \n\nrrxor\n", encoding="utf-8-sig")
    assert values(recipe, [f"process=@{file}"]) == {"process": ["mess3(x=0.05, a=0.85)", "rrxor"]}
    file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(RecipeError, match="it is no text"):
        values(recipe, [f"process=@{file}"])
    with pytest.raises(RecipeError, match="give a text file with one in each line"):
        values(recipe, [f"process=@{tmp_path}"])


COLUMNS = ["hash", "process", "seed", "measurement", "value", "unit", "error"]


def table(path, *hashes, columns=COLUMNS):
    rows = [{"hash": h, "seed": s, "measurement": "m", "value": 0.5} for h in hashes for s in (0, 1)]
    write_table(path, columns, rows)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_shards_take_combinations_in_turn(tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    whole = table(tmp_path / f"whole{suffix}", *"abcde")
    parts = [table(tmp_path / f"{k}{suffix}", *"abcde"[k::3]) for k in range(3)]
    assert merge_tables(parts, tmp_path / f"merged{suffix}") == 5
    assert (tmp_path / f"merged{suffix}").read_bytes() == whole.read_bytes()


def part(path, shard, *hashes):
    rows = [{"hash": h, "seed": 0, "measurement": "m", "value": 0.5, SHARD: shard} for h in hashes]
    write_table(path, [*COLUMNS[:2], SHARD, *COLUMNS[2:]], rows)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_says_which_shard_it_is_and_an_older_one_by_its_name(tmp_path, suffix, capsys):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    third = part(tmp_path / f"a{suffix}", "3/4", "c")
    first = part(tmp_path / f"b-2of9{suffix}", "1/4", "a")  # which its name does not know
    older = table(tmp_path / f"x-2of4{suffix}", "b")
    assert [shard_of(path) for path in (third, first, older)] == [(3, 4), (1, 4), None]
    whole = tmp_path / f"whole{suffix}"
    assert main(["merge", *map(str, (whole, third, first, older))]) == 1
    assert "of 4 shards are missing: 4" in capsys.readouterr().out
    fourth = part(tmp_path / f"c{suffix}", "4/4", "d")
    assert main(["merge", *map(str, (whole, fourth, third, first, older))]) == 0
    assert _columns(whole) == COLUMNS
    assert [row["hash"] for row in _read(whole) if int(row["seed"]) == 0] == list("abcd")


def test_a_table_that_an_earlier_version_began_is_gone_on_with(tmp_path):
    older = table(tmp_path / "x-1of2.csv", "a")
    check_table(older, [*COLUMNS[:2], SHARD, *COLUMNS[2:]])
    with pytest.raises(RunError, match="is not a table of this sweep"):
        check_table(older, [*COLUMNS, "steps"])


def test_what_cannot_be_merged_is_refused_and_leaves_nothing(tmp_path):
    one, other = table(tmp_path / "1.csv", "a"), table(tmp_path / "2.csv", "a", "b")
    whole = tmp_path / "merged.csv"
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    alien = table(tmp_path / "3.csv", "c", columns=[*COLUMNS, "steps"])
    for parts, message in (
        ([], "no tables are given"),
        ([one, other], "is in two of the tables"),
        ([one, tmp_path / "none.csv"], "there is no table"),
        ([one, alien], "is no table of the same sweep"),
        ([tmp_path / "notes.csv"], "is no table of the same sweep"),
        ([one, tmp_path / "4.parquet"], "must all end in"),
        ([one, whole], "is one of the tables"),
    ):
        with pytest.raises(RunError, match=message):
            merge_tables(parts, whole)
        assert not whole.exists()
    whole.write_text("mine")
    with pytest.raises(RunError, match="is not a table of this sweep"):
        merge_tables([one], whole)
    assert whole.read_text() == "mine"
