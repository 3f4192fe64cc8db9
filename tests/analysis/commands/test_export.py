"""`toylab export`: weights of a run, and of networks that came with the lab."""

import json

import jax
import numpy as np
import pytest
from safetensors import safe_open

import train
from analysis import published
from analysis.commands.main import main
from toy.inputs import by_path


@pytest.fixture(scope="module")
def run(recipe, tmp_path_factory):
    """A finished run of two networks."""
    return train.obtain(recipe, tmp_path_factory.mktemp("store"))


def same(params, stack, i):
    theirs = by_path(stack)
    return all(np.array_equal(leaf, theirs[path][i]) for path, leaf in by_path(params).items())


@pytest.mark.thorough
@pytest.mark.parametrize("to", ["transformer_lens", "transformer_bridge"])
def test_a_seed_of_a_run_is_written_and_read_again(run, to, capsys):
    assert main(["export", str(run.path), "--to", to, "--seed", "1"]) == 0
    file = run.path / f"{to}-seed1.safetensors"
    said = capsys.readouterr().out
    assert f"seed 1 of {run.path} is in {file}" in said and "load_state_dict(weights" in said
    config, params = train.import_weights(file)
    assert config == run.recipe.model and same(params, run.params(), 1)


def test_a_network_that_came_with_the_lab_is_written_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "rrxor", "--to", "transformer_lens"]) == 0
    config, params = train.import_weights("transformer_lens-seed0.safetensors")
    network = published.network("rrxor")
    assert config == network.recipe.model and same(params, network.params(), 0)
    about = json.loads(safe_open("transformer_lens-seed0.safetensors", "np").metadata()["toylab"])
    assert about["recipe"] == network.recipe.hash and len(jax.tree.leaves(params)) > 10


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ["nosuch", "--to", "transformer_lens"],
            "nosuch is neither the folder of a run (no recipe.json) nor a network that",
        ),
        (["mess3"], "`toylab export` lacks --to"),
        (["mess3", "--to", "torch"], "--to is 'torch'; it must be one of transformer_lens, transformer_bri"),
        (["mess3", "--to", "transformer_lens", "--seed", "7"], "there is no network of seed 7; there are"),
        (["mess3", "--to", "transformer_lens", "--out", "no/where"], "cannot write or read no/where"),
    ],
)
def test_what_cannot_be_written_is_refused(argv, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", *argv]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert list(tmp_path.iterdir()) == []
