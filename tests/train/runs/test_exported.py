"""Weights out and in: TransformerLens's names and shapes, files, and what is computed there."""

import json
from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from at_doors import RECIPE, SMALL, refusal
from planted.runs import beginnings
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import toy
import train
from benchmarks import exchange
from toy.inputs import by_path
from toy.transformer_lens import BRIDGED

VARIANTS = exchange.VARIANTS
PYTHONS = dict(zip(exchange.TARGETS, (exchange.Options().peers, exchange.Options().bridge), strict=True))
BOTH = pytest.mark.parametrize("generation", ["hooked", "bridge"])


def networks(config=SMALL, seeds=2, first_seed=0):
    """What stands for a finished run."""
    recipe = replace(RECIPE, model=config, seeds=seeds, first_seed=first_seed)
    stack = beginnings(config, seeds)
    return SimpleNamespace(recipe=recipe, params=lambda: stack)


def equal(a, b):
    """Two trees of parameters, name by name and bit by bit."""
    a, b = by_path(a), by_path(b)
    return list(a) == list(b) and all(np.asarray(a[k]).tobytes() == np.asarray(b[k]).tobytes() for k in a)


def paired_otherwise(config, generation):
    """Whether the channels that are turned together are others there, so that it is refused (see below)."""
    return config.positions == "rotary" and config.d_head > 2 and generation == "bridge"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("variant", "generation"),
    [(v, g) for g in ("hooked", "bridge") for v, c in VARIANTS.items() if not paired_otherwise(c, g)],
)
def test_there_and_back_is_the_same_to_the_bit(variant, generation):
    config = VARIANTS[variant]
    params = exchange.weights(config)
    there = toy.to_transformer_lens(config, params, generation)
    assert ("embed.weight" in there) == (generation == "bridge")
    assert all(value.flags.c_contiguous and value.dtype == np.float32 for value in there.values())
    back = toy.from_transformer_lens(config, there)
    assert equal(params, back) and jax.tree.structure(params) == jax.tree.structure(back)


@pytest.mark.thorough
def test_names_and_shapes_are_theirs():
    """As `HookedTransformer.state_dict` and `boot_native(...).state_dict` list them for these settings."""
    config = toy.TransformerConfig(vocab=3, n_ctx=5, n_layers=1, n_heads=2, d_model=6, d_head=4, d_mlp=8)
    params = exchange.weights(config)
    shapes = {
        generation: {n: v.shape for n, v in toy.to_transformer_lens(config, params, generation).items()}
        for generation in ("hooked", "bridge")
    }
    block, norms = "blocks.0.", ("blocks.0.ln1", "blocks.0.ln2", "ln_final")
    assert shapes["hooked"] == (
        {"embed.W_E": (3, 6), "pos_embed.W_pos": (5, 6), "unembed.W_U": (6, 3), "unembed.b_U": (3,)}
        | {f"{norm}.{end}": (6,) for norm in norms for end in "wb"}
        | {f"{block}attn.W_{x}": (2, 6, 4) for x in "QKV"}
        | {f"{block}attn.b_{x}": (2, 4) for x in "QKV"}
        | {f"{block}attn.W_O": (2, 4, 6), f"{block}attn.b_O": (6,)}
        | {f"{block}mlp.W_in": (6, 8), f"{block}mlp.b_in": (8,)}
        | {f"{block}mlp.W_out": (8, 6), f"{block}mlp.b_out": (6,)}
    )
    assert shapes["bridge"] == (
        {"embed.weight": (3, 6), "pos_embed.weight": (5, 6), "unembed.weight": (3, 6), "unembed.bias": (3,)}
        | {f"{norm}.{end}": (6,) for norm in norms for end in ("weight", "bias")}
        | {f"{block}attn.{x}.weight": (8, 6) for x in "qkv"}
        | {f"{block}attn.{x}.bias": (8,) for x in "qkv"}
        | {f"{block}attn.o.weight": (6, 8), f"{block}attn.o.bias": (6,)}
        | {f"{block}mlp.in.weight": (8, 6), f"{block}mlp.in.bias": (8,)}
        | {f"{block}mlp.out.weight": (6, 8), f"{block}mlp.out.bias": (6,)}
    )
    assert (
        len({theirs for theirs, _ in BRIDGED.values()}) == 14
    )  # embeddings, unembedding and norms end alike


REFUSED = {
    "a recurrent network": (
        toy.RecurrentConfig(2, 6, 1, 8, "gru"),
        "the network is a gru, but TransformerLens has",
    ),
    "decay": (replace(SMALL, mixer="decay"), "the mixer is 'decay', but TransformerLens knows softmax"),
    "tanh": (replace(SMALL, activation="tanh"), "the activation is 'tanh', but TransformerLens has, of ours"),
}


@pytest.mark.thorough
@BOTH
@pytest.mark.parametrize("case", REFUSED)
def test_what_they_cannot_compute_is_refused(case, generation, tmp_path):
    config, said = REFUSED[case]
    assert said in refusal(lambda: toy.transformer_lens_settings(config, generation))
    to = {"hooked": "transformer_lens", "bridge": "transformer_bridge"}[generation]
    file = tmp_path / "w.safetensors"
    assert said in refusal(lambda: train.export_weights(networks(config), file, to=to))
    assert not list(tmp_path.iterdir())


def test_other_pairs_of_channels_are_refused():
    config = replace(SMALL, positions="rotary")
    assert toy.transformer_lens_settings(config)["rotary_dim"] == SMALL.d_head
    assert "turns channels 2j and 2j + 1 where ours turns j and j + d_head/2" in refusal(
        lambda: toy.transformer_lens_settings(config, "bridge")
    )


def test_an_activation_that_is_not_used_is_no_obstacle():
    assert toy.transformer_lens_settings(replace(SMALL, d_mlp=0, activation="tanh"))["attn_only"]


def changed(**change):
    weights = toy.to_transformer_lens(SMALL, exchange.weights(SMALL)) | change
    return {name: value for name, value in weights.items() if value is not None}


BAD_WEIGHTS = {
    "a name less": ({"embed.W_E": None}, "the weights lack 'embed.W_E', so they are not those of this"),
    "a name more": ({"blocks.9.ln1.w": np.ones(16, np.float32)}, "the weights have 'blocks.9.ln1.w', so"),
    "shape": ({"embed.W_E": np.zeros((3, 16), np.float32)}, "'embed.W_E' have shape (3, 16), but"),
    "type": ({"embed.W_E": np.zeros((2, 16))}, "'embed.W_E' are float64; they must be float32"),
    "bias": ({"unembed.b_U": np.ones(2, np.float32)}, "'unembed.b_U' are not zero, but our unembedding"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_weights_of_another_network_are_refused(case):
    change, said = BAD_WEIGHTS[case]
    assert said in refusal(lambda: toy.from_transformer_lens(SMALL, changed(**change)))


@pytest.mark.thorough
def test_weights_that_ours_cannot_hold_are_refused():
    def read(**how):
        return lambda: toy.from_transformer_lens(replace(SMALL, **how), changed())

    assert "'pos_embed.W_pos' are not zero, but positions is 'none'" in refusal(read(positions="none"))
    assert "are not the transpose of 'embed.W_E', but tied is True" in refusal(read(tied=True))


@pytest.mark.thorough
def test_buffers_of_their_state_are_no_weights():
    buffers = {"blocks.0.attn.mask": np.tri(6, dtype=bool), "blocks.0.attn.IGNORE": np.float32(-np.inf)}
    assert equal(toy.from_transformer_lens(SMALL, changed(**buffers)), exchange.weights(SMALL))


@pytest.mark.thorough
@pytest.mark.parametrize("to", exchange.TARGETS)
def test_a_file_holds_one_seed_and_says_of_what(tmp_path, to):
    run = networks(first_seed=3)
    file = train.export_weights(run, tmp_path / "w.safetensors", to=to, seed=4)
    config, params = train.import_weights(file)
    assert config == SMALL and equal(params, jax.tree.map(lambda leaf: leaf[1], run.params()))
    with safe_open(file, "np") as content:
        told = content.metadata()
    about = json.loads(told["toylab"])
    assert (about["seed"], about["recipe"], about["process"], about["to"]) == (
        4,
        run.recipe.hash,
        "rrxor",
        to,
    )
    assert about["config"]["d_vocab"] == 2
    first = train.export_weights(run, tmp_path / "first.safetensors", to=to)
    assert json.loads(safe_open(first, "np").metadata()["toylab"])["seed"] == 3
    again = train.export_weights(run, tmp_path / "again.safetensors", to=to)
    assert first.read_bytes() == again.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["w.safetensors", "first.safetensors", "again.safetensors"]
    )


@pytest.mark.thorough
def test_a_file_of_theirs_needs_its_configuration(tmp_path):
    weights = changed()
    save_file(weights, tmp_path / "theirs.safetensors")
    assert "does not say which network it is of; give its configuration" in refusal(
        lambda: train.import_weights(tmp_path / "theirs.safetensors")
    )
    config, params = train.import_weights(tmp_path / "theirs.safetensors", SMALL)
    assert config == SMALL and equal(params, exchange.weights(SMALL))


@pytest.mark.thorough
def test_bad_files_and_seeds_are_refused(tmp_path):
    run, file = networks(), tmp_path / "w.safetensors"
    assert "there is no network of seed 2; there are those of 0 to 1" in refusal(
        lambda: train.export_weights(run, file, seed=2)
    )
    train.export_weights(run, file)
    assert set(load_file(file)) == set(changed())
    file.write_bytes(file.read_bytes()[:-5])
    assert "cannot be read as safetensors" in refusal(lambda: train.import_weights(file))
    assert "cannot be read as safetensors" in refusal(lambda: train.import_weights(tmp_path / "none"))


@pytest.mark.parametrize("target", exchange.TARGETS)
def test_they_compute_there_what_they_compute_here(target):
    """Logits, and what passes every hook that has a site here, of every option that both know."""
    python = PYTHONS[target]
    if not python.exists():
        made = "make peers" if target == "transformer_lens" else "make bridge"
        pytest.skip(
            f"PyTorch and TransformerLens are not in {python.parents[1].name}; `{made}` installs them"
        )
    _, found = exchange.compare(python, target)
    assert len(found) == {"transformer_lens": 7, "transformer_bridge": 6}[target]
    for name, it in found.items():
        assert it.logits < exchange.WITHIN and it.sites < exchange.WITHIN and it.hooks > 20, (name, it)
