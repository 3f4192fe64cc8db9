"""Activations out: what passes sites on every context, beside what is exact there, as datasets and files."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import jax
import jaxtyping
import numpy as np
import pytest
from at_doors import refusal
from safetensors import safe_open
from safetensors.numpy import load_file

import processes
import toy
import toylab
from analysis.instruments.activations import activations
from analysis.instruments.contexts import contexts, drawn
from analysis.instruments.forward import member
from analysis.instruments.probing.study import study
from analysis.instruments.untrained import UNTRAINED_SEEDS, untrained
from tests.analysis.figures.test_data import WellFormed

SITES = (
    "blocks.0.resid_post",
    "blocks.0.attn_pattern",
    "blocks.0.attn.attn_scores",
    "blocks.0.attn.z",
    "blocks.0.mlp.post",
    "blocks.0.ln1.scale",
    "logits",
)


@pytest.fixture(scope="module")
def run(recipe):
    """What stands for a finished run."""
    recipe = replace(recipe, first_seed=5)
    stack = untrained(replace(recipe, first_seed=9))
    return SimpleNamespace(recipe=recipe, params=lambda: stack)


@pytest.mark.thorough
@pytest.mark.parametrize("words", [None, 20])
def test_they_are_what_passes_on_each_context(run, words):
    """Read off the network on the context itself, at its last token: of all contexts, and of drawn words."""
    process, n_ctx = processes.named("rrxor"), run.recipe.model.n_ctx
    t = drawn(process, n_ctx, words) if words else contexts(process, n_ctx)
    found = activations(run, SITES, t)
    assert t.sampled == words and tuple(found.values) == SITES and list(found.seed) == [5, 6]
    network, rng = toy.network(run.recipe.model), np.random.default_rng(0)
    for context in rng.choice(len(t.length), 5, replace=False):
        word = t.words[context][t.words[context] >= 0]
        for i in range(2):
            alone = network.apply(member(run.params(), i), word, sites=SITES)
            for site in SITES:
                heads = site.endswith(("attn_pattern", "attn_scores"))
                here = alone[site][:, -1] if heads else alone[site][-1]
                there = found.values[site][i, context]
                there = there[..., : len(word)] if heads else there
                np.testing.assert_allclose(there, here, atol=2e-5, err_msg=site)
    beside = found.beside
    assert beside["belief"] is t.belief and beside["weight"] is t.weight and beside["fold"] is t.fold
    assert all(len(value) == len(t.length) for name, value in beside.items() if name != "seed")


@pytest.mark.thorough
def test_axes_are_named(run):
    found = activations(run, SITES)
    assert {site: found.axes(site)[2:] for site in SITES} == {
        "blocks.0.resid_post": ("channel",),
        "blocks.0.attn_pattern": ("head", "key"),
        "blocks.0.attn.attn_scores": ("head", "key"),
        "blocks.0.attn.z": ("head", "head_channel"),
        "blocks.0.mlp.post": ("neuron",),
        "blocks.0.ln1.scale": ("one",),
        "logits": ("symbol",),
    }
    every = activations(run, (*run.recipe.model.sites, *run.recipe.model.inner_sites))
    for name, value in (*every.values.items(), *every.beside.items()):
        assert len(every.axes(name)) == value.ndim, name


def test_untrained_networks_have_seeds_of_their_own(run):
    found, again = activations(run, trained=False), activations(run)
    assert list(found.seed) == [UNTRAINED_SEEDS + 5, UNTRAINED_SEEDS + 6]
    assert tuple(found.values) == run.recipe.model.stream == tuple(again.values)
    assert not np.array_equal(found.values["blocks.0.resid_post"], again.values["blocks.0.resid_post"])


def test_a_file_holds_all_arrays_and_what_they_are(run, tmp_path):
    found = activations(run, SITES)
    file = found.write(tmp_path / "a.safetensors")
    read = load_file(file)
    assert set(read) == {*SITES, "seed", "tokens", "length", "belief", "next_token", "weight", "fold"}
    for name, value in (*found.values.items(), *found.beside.items()):
        assert np.array_equal(read[name], value) and read[name].dtype == value.dtype, name
    about = json.loads(safe_open(file, "np").metadata()["toylab"])
    assert about["axes"]["blocks.0.attn.z"] == ["seed", "context", "head", "head_channel"]
    assert (about["process"], about["trained"]) == (found.contexts.process.name, 1)
    assert about["recipe"] == run.recipe.hash and json.loads(about["model"])["d_mlp"] == 32
    assert file.read_bytes() == activations(run, SITES).write(tmp_path / "b.safetensors").read_bytes()


def test_without_xarray_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    found = activations(run, ["logits"])
    assert refusal(found.to_xarray).startswith(
        'a dataset needs xarray; run pip install "toylab[export]", or write the same arrays as safetensors'
    )


@pytest.mark.thorough
def test_a_dataset_holds_the_same(run):
    pytest.importorskip("xarray", reason="xarray is not installed")
    found = activations(run, SITES)
    data = found.to_xarray()
    assert dict(data.sizes) == {
        **{"seed": 2, "context": len(found.contexts.length), "channel": 16, "head": 2, "key": 6},
        **{"head_channel": 4, "neuron": 32, "one": 1, "symbol": 2, "position": 6},
        "hidden_state": found.contexts.process.n_states,
    }
    for name, value in (*found.values.items(), *found.beside.items()):
        assert data[name].dims == found.axes(name) and np.array_equal(data[name], value), name
    assert set(data.coords) == {"seed", "length", "weight", "fold", "word"}
    row = data.sel(seed=6).isel(context=7)
    assert str(row.word.values) == "".join(str(x) for x in row.tokens.values if x >= 0)
    assert data.attrs["recipe"] == run.recipe.hash


@pytest.mark.thorough
def test_a_dataset_becomes_a_table(run):
    pytest.importorskip("xarray", reason="xarray is not installed")
    found = activations(run, SITES)
    table = found.to_xarray()[["blocks.0.mlp.post"]].to_dataframe()
    assert list(table.index.names) == ["seed", "context", "neuron"]
    assert set(table.columns) == {"blocks.0.mlp.post", "length", "weight", "fold", "word"}
    one = table.loc[(6, 7, 3)]
    assert one["blocks.0.mlp.post"] == found.values["blocks.0.mlp.post"][1, 7, 3]
    assert one["weight"] == found.contexts.weight[7] and one["fold"] == found.contexts.fold[7]


@pytest.mark.thorough
@pytest.mark.parametrize(("module", "suffix"), [("h5py", "nc"), ("zarr", "zarr")])
def test_a_dataset_is_written_and_read_again(run, module, suffix, tmp_path):
    xarray = pytest.importorskip("xarray", reason="xarray is not installed")
    pytest.importorskip(module, reason=f"{module} is not installed")
    data, path = activations(run, SITES).to_xarray(), tmp_path / f"a.{suffix}"
    if suffix == "nc":
        data.to_netcdf(path, engine="h5netcdf")
        again = xarray.load_dataset(path, engine="h5netcdf")
    else:
        data.to_zarr(path)
        again = xarray.open_zarr(path).load()
    for name in (*data.data_vars, *data.coords):
        assert again[name].dims == data[name].dims and (again[name].values == data[name].values).all(), name
    assert again.attrs == data.attrs


def test_what_is_no_such_thing_is_refused(run):
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        assert "there is no site 'blocks.0.resid'" in refusal(lambda: activations(run, ["blocks.0.resid"]))
        foreign = refusal(lambda: activations(run, ["blocks.0.attn.hook_z"]))
        assert "the nearest is 'blocks.0.attn.z'" in foreign and len(foreign) < 200
        assert "sites is 'logits'" in refusal(lambda: activations(run, "logits"))
        assert "of is 3" in refusal(lambda: activations(run, ["logits"], 3))
        assert "networks is 3" in refusal(lambda: activations(3))
        assert "trained is 1" in refusal(lambda: activations(run, trained=1))
        longer = contexts(processes.named("rrxor"), 7)
        assert "contexts have up to 7 tokens" in refusal(lambda: activations(run, ["logits"], longer))
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
    assert toylab.activations is activations and jax.tree.leaves(run.params())[0].shape[0] == 2


def test_what_is_large_is_not_printed(run):
    """A prompt is told what is held and how large it is; what is not worked out yet stays so."""
    found, held = activations(run, SITES), study(run)
    said = repr(found)
    assert "activations on rrxor" in said and "2 trained" in said and run.recipe.hash in said
    for site in SITES:
        assert site in said
        shape = zip(found.axes(site), found.values[site].shape, strict=True)
        assert f"({', '.join(f'{axis} {n}' for axis, n in shape)})" in said
    before = repr(held)
    assert "study of rrxor(p1=0.5, p2=0.5): networks 2 trained, 2 untrained" in before and "R²" not in before
    r2 = held.r2(held.final_layer)
    assert f"{r2.min():z.4f} to {r2.max():z.4f}" in repr(held)
    few = drawn(held.contexts.process, 6, 20)
    assert repr(few) == "<contexts of rrxor(p1=0.5, p2=0.5): 120 of up to 6 tokens, of 20 sampled words>"
    for value in (found, held):
        assert len(repr(value)) < 600 and "\n" not in repr(value)
        text = " ".join(WellFormed(value._repr_html_()).text.split())
        assert all(word in text for word in ("rrxor", f"{len(held.contexts.length)} of up to"))
