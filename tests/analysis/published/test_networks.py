"""The trained networks that come with the lab are what they say they are."""

import jax
import numpy as np
import pytest

import toy
import train
from analysis import published
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import observe
from analysis.instruments.probing.study import study
from analysis.recipes import TRAINED
from processes import ProcessError
from toy.inputs import by_path

LARGEST = 1_000_000
"""Bytes of a file."""
NAMES = ("bloch_walk", "guarded", "mess3", "nemo", "rrxor")
MANY = "mess3"
"""It has too many contexts for a quick test."""


def test_there_is_one_for_each_headline_process():
    assert published.names() == NAMES


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_a_network_knows_its_recipe_and_has_its_shape(name):
    network = published.network(name)
    assert network.recipe.seeds == 1 and (published.FOLDER / f"{name}.npz").stat().st_size < LARGEST
    assert network.versions["jax"]
    like = by_path(jax.eval_shape(toy.network(network.recipe.model).init, train.key(0)))
    assert {path: (1, *leaf.shape) for path, leaf in like.items()} == {
        path: leaf.shape for path, leaf in by_path(network.params()).items()
    }
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(network.params()))


@pytest.mark.thorough
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n == MANY)) for n in NAMES])
def test_a_network_is_as_near_to_the_floor_as_it_says(name):
    network = published.network(name)
    what = contexts(network.recipe.ground_truth(), network.recipe.model.n_ctx)
    (seen,) = observe(network.recipe.model, network.params(), what, ())
    assert np.isclose(seen.excess, network.kl, rtol=0.02, atol=1e-9)  # float32 on another CPU
    assert seen.excess < TRAINED * what.worth


@pytest.mark.thorough
def test_claims_measure_it_as_any_run():
    network = published.network("nemo")
    s = study(network)
    assert s.r2(s.final_layer).shape == (1,)
    assert s.r2(s.final_layer)[0] > s.r2(s.final_layer, trained=False).max()


def test_a_name_that_is_none_is_refused_and_a_damaged_file_told(tmp_path, monkeypatch):
    with pytest.raises(ProcessError, match="no trained network of 'mess33'; there are bloch_walk, guarded"):
        published.network("mess33")
    content = bytearray((published.FOLDER / "nemo.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "nemo.npz").write_bytes(content)
    monkeypatch.setattr(published, "FOLDER", tmp_path)
    with pytest.raises(train.RunError, match="nemo.npz is missing or damaged .* install the lab again"):
        published.network("nemo")


@pytest.mark.thorough
def test_what_is_kept_is_read_back(tmp_path, monkeypatch):
    network = published.network("nemo")
    monkeypatch.setattr(published, "FOLDER", tmp_path)
    published.keep("again", network)
    again = published.network("again")
    assert (again.recipe, again.kl, again.versions) == (network.recipe, network.kl, network.versions)
    pairs = zip(jax.tree.leaves(again.params()), jax.tree.leaves(network.params()), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
