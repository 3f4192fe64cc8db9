"""`toylab run recipe.json`: a recipe in a file is that recipe, and what is none is refused."""

import json
from dataclasses import replace

import pytest

import processes
import train
from analysis.commands import recipe_file
from analysis.commands.main import main
from analysis.commands.run import options
from analysis.report import EXPERIMENTS
from train.sweeps.grid import grid


@pytest.fixture
def written(recipe, tmp_path):
    """The recipe in a file."""

    def write(recipe=recipe, name="mine.json"):
        (tmp_path / name).write_text(json.dumps(recipe.to_json()))
        return str(tmp_path / name)

    return write


def test_a_recipe_in_a_file_is_trained_as_it_is_unless_flags_change_it(asked, written, recipe):
    assert asked(written()) == recipe
    assert asked(written(), "--seeds", "3", "--optimiser.learning-rate", "0.25") == replace(
        recipe, seeds=3, optimiser=replace(recipe.optimiser, learning_rate=0.25)
    )
    assert asked(written(), "--finish", "5") == train.finish(recipe, 5)


def test_what_it_starts_from_comes_with_it(asked, written, recipe):
    finished = train.finish(replace(recipe, seeds=2), 7)
    assert asked(written(finished)) == finished


def test_the_recipe_of_a_run_with_its_own_process(asked, recipe, tmp_path):
    processes.write(processes.named("rrxor"), tmp_path / "away.json")
    away = train.open_run(tmp_path / "run", replace(recipe, process=str(tmp_path / "away.json")))
    (tmp_path / "away.json").unlink()
    found = asked(str(away.path / "recipe.json"))
    assert found.hash == recipe.hash and found.process == str(away.path / "process.json")


def test_a_file_of_another_kind_of_network(asked, written, recipe):
    import toy

    gru = toy.RecurrentConfig(vocab=2, n_ctx=6, n_layers=1, d_model=8, cell="gru")
    assert asked(written(replace(recipe, model=gru))).model == gru


def test_a_process_in_a_file_is_still_a_process(written, tmp_path):
    processes.write(processes.named("rrxor"), tmp_path / "process.json")
    assert not recipe_file.is_recipe(str(tmp_path / "process.json")) and recipe_file.is_recipe(written())
    assert not recipe_file.is_recipe(str(tmp_path / "none.json"))


BAD = {
    "a missing field": (lambda fields: fields.pop("steps"), "missing or unknown fields"),
    "an unknown field": (lambda fields: fields.update(step=3), "missing or unknown fields"),
    "a wrong value": (lambda fields: fields.update(seeds=0), "seeds is 0"),
    "an unknown process": (lambda fields: fields.update(process="rrxo"), "did you mean 'rrxor'"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "of a run"])
def test_what_is_no_recipe_is_refused_in_one_sentence(case, inside, recipe, tmp_path, capsys):
    change, message = BAD[case]
    fields = recipe.to_json()
    change(fields)
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"schema": 4, "recipe": fields} if inside else fields))
    assert main(["run", str(file), "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert message in said and "mine.json holds no recipe" in said and said.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_two_ways_to_say_how_networks_are_trained_are_refused(written, capsys):
    assert main(["run", written(), "--training", "short"]) == 2
    assert "leave out one of them" in capsys.readouterr().err


def test_a_recipe_in_a_file_is_swept(written, recipe, tmp_path, monkeypatch):
    seen = []

    def counted(cells, *args, **kwargs):
        seen.extend(cells)
        return []

    monkeypatch.setattr("train.sweep", counted)
    monkeypatch.setattr("train.use_all_cores", lambda: None)
    assert main(["sweep", written(), "--over", "seeds=1,2", "--store", str(tmp_path / "store")]) == 0
    assert seen == grid(recipe, {"seeds": [1, 2]})


def test_without_a_file_nothing_has_changed():
    assert options(["--seeds", "3"], EXPERIMENTS["rrxor"])[1].seeds == 3
