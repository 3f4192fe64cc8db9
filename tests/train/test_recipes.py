"""Recipes, as values and as written, and the folders that are theirs: what is refused before anything is
trained.
"""

import json
from dataclasses import replace

import numpy as np
import pytest

import processes
import toy
import train
from train import Optimiser, RecipeError, RunError
from train.recipe import from_json

BAD_RECIPES = {
    "zero seeds": (dict(seeds=0), "seeds is 0"),
    "zero steps": (dict(steps=0), "steps is 0"),
    "no batch": (dict(batch=0), "batch is 0"),
    "batch for population": (dict(objective="population"), "population objective sees every prefix"),
    "vocabulary": (dict(process="mess3"), "vocabulary of 2 but mess3 emits 3 symbols"),
    "too many steps": (dict(steps=4_000_000_000), "steps is 4000000000"),
    "seeds of the untrained": (dict(first_seed=999_999), "first_seed is 999999"),
    "unknown process": (dict(process="rrxxor"), "did you mean 'rrxor'"),
    "endless warm-up": (dict(optimiser=Optimiser("adam", 1e-3, warmup=60)), "warmup is 60 steps of 60"),
}


@pytest.mark.parametrize("case", BAD_RECIPES)
def test_bad_recipes_are_refused(recipe, case):
    change, message = BAD_RECIPES[case]
    with pytest.raises((RecipeError, processes.ProcessError), match=message):
        replace(recipe, **change)


@pytest.mark.parametrize(
    "change",
    [
        dict(learning_rate=0.0),
        dict(learning_rate=float("inf")),
        dict(learning_rate=float("nan")),
        dict(warmup=-1),
    ],
)
def test_bad_optimisers_are_refused(change):
    with pytest.raises(RecipeError, match=next(iter(change))):
        Optimiser(**(dict(name="adam", learning_rate=1e-3) | change))


def test_recipes_survive_json(recipe):
    again = from_json(json.loads(json.dumps(recipe.to_json())))
    assert again == recipe and again.hash == recipe.hash
    assert replace(recipe, steps=61).hash != recipe.hash
    assert (
        replace(recipe, process="rrxor(p1=0.5, p2=0.5)").hash == recipe.hash
    )  # the same numbers by another name
    with pytest.raises(RecipeError, match="missing or unknown fields"):
        from_json({"process": "rrxor"})


def test_a_written_recipe_says_which_kind_of_model_it_is_for(recipe):
    other = replace(recipe, model=toy.RecurrentConfig(vocab=2, n_ctx=6, n_layers=2, d_model=16, cell="gru"))
    written = json.loads(json.dumps(other.to_json()))
    again = from_json(written)
    assert again == other and again.hash == other.hash != recipe.hash
    assert replace(other, model=replace(other.model, cell="lstm")).hash != other.hash
    without = {name: value for name, value in written["model"].items() if name != "kind"}
    for model in (without, without | {"kind": "transformer"}, without | {"kind": "perceptron"}, "recurrent"):
        with pytest.raises(RecipeError, match="missing or unknown fields"):
            from_json(written | {"model": model})


def test_a_process_from_a_file_goes_with_its_run(recipe, rrxor, tmp_path):
    file = tmp_path / "mine.json"
    processes.write(rrxor, file)
    mine = replace(recipe, process=str(file))
    assert mine.hash == recipe.hash
    train.open_run(tmp_path / "run", mine)
    file.unlink()
    (tmp_path / "run").rename(tmp_path / "moved")
    run = train.open_run(tmp_path / "moved")
    assert np.array_equal(run.recipe.ground_truth().T, rrxor.T) and run.recipe.hash == recipe.hash


def snapshot(folder):
    return {
        p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"
    }


def test_foreign_and_damaged_folders_are_refused_and_left_alone(recipe, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("all my work")
    half = tmp_path / "half"
    half.mkdir()
    (half / "recipe.json").write_text('{"schema": 1, "rec')
    other = tmp_path / "other"
    train.open_run(other, replace(recipe, steps=7, optimiser=Optimiser("adam", 1e-3)))
    file = tmp_path / "file"
    file.write_text("x")
    for folder, message in (
        (foreign, "not a run folder"),
        (half, "damaged"),
        (other, "run of another recipe"),
        (file, "cannot use"),
    ):
        before = snapshot(tmp_path)
        for fresh in (False, True):
            with pytest.raises(RunError, match=message):
                train.open_run(folder, recipe, fresh=fresh)
        assert snapshot(tmp_path) == before


def test_an_unwritable_place_is_refused(recipe):
    with pytest.raises(RunError, match="cannot use"):
        train.open_run("/proc/nowhere/run", recipe)


def test_an_unfinished_run_of_other_versions_is_not_resumed(recipe, tmp_path):
    train.open_run(tmp_path / "run", recipe)
    file = tmp_path / "run" / "recipe.json"
    content = json.loads(file.read_text())
    content["versions"]["jax"] = "0.0.1"
    file.write_text(json.dumps(content))
    with pytest.raises(RunError, match=r"jax 0.0.1 ->.*--fresh"):
        train.open_run(tmp_path / "run", recipe)
    assert train.open_run(tmp_path / "run", recipe, fresh=True).recipe == recipe


def test_a_run_of_another_version_of_the_lab_is_not_taken_for_this_one(recipe, tmp_path):
    train.open_run(tmp_path / "run", recipe)
    file = tmp_path / "run" / "recipe.json"
    for change in ({"schema": 99}, {"hash": "000000000000"}):
        content = json.loads(file.read_text())
        file.write_text(json.dumps(content | change))
        with pytest.raises(RunError, match="another version of the lab"):
            train.open_run(tmp_path / "run", recipe)
        file.write_text(json.dumps(content))


def test_two_processes_cannot_share_a_folder(recipe, tmp_path):
    run = train.open_run(tmp_path / "run", recipe)
    with run.locked(), pytest.raises(RunError, match="another process"), run.locked():
        pass


def test_parameters_that_were_not_kept_are_refused(recipe, tmp_path):
    run = train.open_run(tmp_path / "run", recipe)
    with pytest.raises(RunError, match="not finished"):
        run.history()
    with pytest.raises(RunError, match="keeps no parameters of step 60"):
        run.params()
    with pytest.raises(RunError, match="there is no run"):
        train.open_run(tmp_path / "nothing")
