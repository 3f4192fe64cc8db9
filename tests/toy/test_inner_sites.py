"""Sites inside heads, MLPs and norms: they hold what they say, can be edited, and cost nothing unasked."""

import functools
import re
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import processes
import toy
import train
from toy.layers.rotary import rotate
from toy.transformer import ACTIVATIONS

TREE = processes.prefix_tree(processes.named("rrxor"), 6)
LAST = TREE.level(6)
WORDS = TREE.words[LAST]
VARIANTS = {
    "as is": {},
    "attention only": dict(d_mlp=0),
    "rms, rotary": dict(norm="rms", positions="rotary"),
    "no norm, gelu": dict(norm="none", activation="gelu"),
    "decay": dict(mixer="decay"),
    "myopic": dict(myopic=True),
}
EDITABLE = ("as is", "rms, rotary", "decay")


@functools.cache
def make(config):
    """A network whose biases and scales are none that cancel."""
    network = toy.network(config)
    params = jax.tree.map(
        lambda leaf: leaf + 0.1 * jax.random.normal(jax.random.key(leaf.size), leaf.shape),
        network.init(jax.random.key(0)),
    )
    return network, params


@functools.cache
def everything(config):
    """Every site, on words and on the packed tree."""
    network, params = make(config)
    sites = (*config.sites, *config.inner_sites)
    packed = train.packed(TREE, config.n_ctx)
    return jax.jit(
        lambda params: (
            network.apply(params, WORDS, sites=sites),
            network.apply(params, *packed, sites=sites),
        )
    )(params)


@pytest.fixture(scope="module", params=VARIANTS)
def config(request, small):
    return replace(small, **VARIANTS[request.param])


def test_their_names_are_those_of_transformer_lens(small):
    """Of one block that has them all, and of its end."""
    config = replace(small, n_layers=1, positions="rotary")
    block = [s.removeprefix("blocks.0.") for s in (*config.sites, *config.inner_sites) if s[:6] == "blocks"]
    assert sorted(toy.hook_name(s) for s in block) == sorted(
        [f"hook_{s}" for s in ("resid_pre", "attn_out", "resid_mid", "mlp_out", "resid_post")]
        + [f"attn.hook_{s}" for s in ("q", "k", "v", "rot_q", "rot_k", "attn_scores", "pattern", "z")]
        + [f"{norm}.hook_{s}" for norm in ("ln1", "ln2") for s in ("scale", "normalized")]
        + ["mlp.hook_pre", "mlp.hook_post"]
    )
    ends = [toy.hook_name(s) for s in ("embed", "ln_final.scale", "final_norm", "logits", "blocks.0.state")]
    assert ends == ["hook_embed", "ln_final.hook_scale", "ln_final.hook_normalized", None, None]
    assert toy.hook_name("blocks.3.attn_pattern") == "blocks.3.attn.hook_pattern"
    assert toy.RecurrentConfig(2, 6, 1, 8, "gru").inner_sites == ()


def test_the_glossary_says_the_same(small):
    """Of every site that there is, and of no other."""
    config = replace(small, n_layers=1, positions="rotary")
    told = {}
    for line in (Path(__file__).parents[2] / "docs" / "glossary.md").read_text().splitlines():
        cells = [re.findall("`([^` ]+)`", cell) for cell in line.split("|")] if line[:1] == "|" else []
        if len(cells) == 5 and any("hook_" in name for name in cells[2]):
            told |= dict(zip(cells[1], cells[2], strict=True))
    sites = {s.removeprefix("blocks.0."): toy.hook_name(s) for s in (*config.sites, *config.inner_sites)}
    assert told == {s: hook.removeprefix("blocks.0.") for s, hook in sites.items() if hook}


@pytest.mark.thorough
def test_words_and_the_packed_tree_agree(config):
    on_words, on_tree = everything(config)
    assert set(on_words) == {*config.sites, *config.inner_sites}
    for site in config.inner_sites:
        rows = on_words[site][:, :, -1] if site.endswith("attn_scores") else on_words[site][:, -1]
        np.testing.assert_allclose(on_tree[site][LAST.start - 1 :], rows, atol=2e-5, err_msg=site)


def normalised(config, x, name, passed, scale, bias):
    """What a norm makes of x, in float64, and that it divides by what its site says."""
    x = np.asarray(x, np.float64)
    x = x - x.mean(-1, keepdims=True) if config.norm == "layer" else x
    root = np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(passed[f"{name}.scale"], root, atol=1e-5)
    return x / root * scale + bias


@pytest.mark.thorough
def test_they_hold_what_their_names_say(config):
    """Each from those before it, by the equations, in float64."""
    (_, params), passed = make(config), everything(config)[0]
    h, d, heads = config.n_heads, config.d_head, (*WORDS.shape, config.n_heads, config.d_head)
    for i, block in params["blocks"].items():
        at = {s.removeprefix(f"blocks.{i}."): np.asarray(v, np.float64) for s, v in passed.items()}

        def norm(x, name, weights, at=at):
            if config.norm == "none":
                return x
            out = normalised(config, x, name, at, weights["scale"], weights.get("bias", 0))
            np.testing.assert_allclose(at[f"{name}.normalized"], out, atol=1e-5)
            return out

        def close(site, value, at=at):
            np.testing.assert_allclose(at[site], value, atol=2e-5, err_msg=site)

        x = norm(at["resid_pre"], "ln1", block.get("attention_norm"))
        weights = block["attention"]
        qkv = x @ np.asarray(weights["qkv"]["kernel"], np.float64) + np.asarray(weights["qkv"]["bias"])
        for name, value in zip("qkv", np.split(qkv, 3, axis=-1), strict=True):
            close(f"attn.{name}", value.reshape(heads))
        q, k = at["attn.q"], at["attn.k"]
        if config.positions == "rotary":
            for name, value in (("q", q), ("k", k)):
                close(f"attn.rot_{name}", rotate(jnp.asarray(value, jnp.float32), np.arange(6)))
            q, k = at["attn.rot_q"], at["attn.rot_k"]
        if config.mixer == "attention":
            score = np.einsum("nthd,nshd->nhts", q, k) / np.sqrt(d)
            score = np.where(np.tri(6, dtype=bool), score, np.finfo(np.float32).min)
            close("attn.attn_scores", score)
            close("attn_pattern", np.exp(score) / np.exp(score).sum(-1, keepdims=True))
            close("attn.z", np.einsum("nhts,nshd->nthd", at["attn_pattern"], at["attn.v"]))
        else:
            state = at["state"].reshape(*heads, d)
            close("attn.z", np.einsum("nthk,nthkv->nthv", q / np.sqrt(d), state))
        z = at["attn.z"].reshape(*WORDS.shape, h * d)
        close("attn_out", z @ np.asarray(weights["out"]["kernel"]) + np.asarray(weights["out"]["bias"]))
        if config.d_mlp:
            mlp = block["mlp"]
            x = norm(at["resid_mid"], "ln2", mlp.get("norm"))
            close("mlp.pre", x @ np.asarray(mlp["into"]["kernel"]) + np.asarray(mlp["into"]["bias"]))
            close("mlp.post", ACTIVATIONS[config.activation](jnp.asarray(at["mlp.pre"])))
            close(
                "mlp_out", at["mlp.post"] @ np.asarray(mlp["out"]["kernel"]) + np.asarray(mlp["out"]["bias"])
            )
    if config.norm != "none":
        last, at_end = passed[config.stream[-1]], params["norm"]
        out = normalised(config, last, "ln_final", passed, at_end["scale"], at_end.get("bias", 0))
        np.testing.assert_allclose(passed["final_norm"], out, atol=1e-5)


@pytest.mark.thorough
def test_reading_them_or_leaving_them_as_they_are_changes_no_bit(config):
    network, params = make(config)
    plain = network.apply(params, WORDS)
    assert tuple(plain) == config.sites
    read = network.apply(params, WORDS, sites=(*config.inner_sites, *config.sites))
    same = dict.fromkeys(config.inner_sites, lambda value: value)
    edited = network.apply(params, WORDS, edit=same)
    for site in config.sites:
        assert np.array_equal(plain[site], read[site]), site
        assert np.array_equal(plain[site], edited[site]), site


@pytest.mark.thorough
@pytest.mark.parametrize("variant", EDITABLE)
def test_each_can_be_edited(small, variant):
    """What comes before it is as it was, it is what the edit makes of it, and logits are others."""
    config = replace(small, n_layers=1, **VARIANTS[variant])
    network, params = make(config)
    plain = network.apply(params, WORDS, sites=(*config.sites, *config.inner_sites))
    before = {
        "attn.q": "ln1.normalized",
        "attn.z": "attn.v",
        "mlp.pre": "ln2.normalized",
        "mlp.post": "mlp.pre",
    }
    for site in config.inner_sites:
        sites = (*config.sites, *config.inner_sites)
        # Other values for other channels: softmax would not notice a constant, nor a norm a common factor.
        edited = network.apply(params, WORDS, edit={site: lambda v: v * 0.5 * (1 + wave(v))}, sites=sites)
        np.testing.assert_array_equal(edited[site], plain[site] * 0.5 * (1 + wave(plain[site])), err_msg=site)
        assert not np.allclose(edited["logits"], plain["logits"], atol=1e-4), site
        assert np.array_equal(edited["embed"], plain["embed"])
        if (name := site.removeprefix("blocks.0.")) in before:
            assert np.array_equal(edited[f"blocks.0.{before[name]}"], plain[f"blocks.0.{before[name]}"])


def wave(value):
    """Numbers of order one that differ along the last two axes."""
    last = jnp.arange(value.shape[-1]) + 3 * jnp.arange(value.shape[-2])[:, None]
    return 0.5 * jnp.sin(last + 1.0)


@pytest.mark.thorough
def test_an_edited_scale_is_what_is_divided_by(small):
    """Of both norms: twice the scale is half of what comes out, bias aside."""
    for norm in ("layer", "rms"):
        config = replace(small, norm=norm)
        network, params = make(config)
        sites = ("blocks.0.ln1.normalized", "blocks.0.ln1.scale")
        edit = {"blocks.0.ln1.scale": lambda scale: 2 * scale}
        plain, edited = (network.apply(params, WORDS, edit=e, sites=sites) for e in (None, edit))
        bias = next(iter(params["blocks"].values()))["attention_norm"].get("bias", 0)
        np.testing.assert_allclose(edited[sites[0]] - bias, (plain[sites[0]] - bias) / 2, atol=1e-6)
        assert np.array_equal(edited[sites[1]], 2 * plain[sites[1]])


@pytest.mark.thorough
def test_edited_scores_do_not_uncover_the_future(small):
    network, params = make(small)
    edit = {"blocks.0.attn.attn_scores": jnp.zeros_like}
    for batch, of in (((WORDS,), (slice(None), 0)), (train.packed(TREE, 6), (slice(None),))):
        pattern = network.apply(params, *batch, edit=edit)["blocks.0.attn_pattern"][of]
        seen = np.arange(1, 7) if len(batch) == 1 else np.asarray(batch[1].position)[:, None] + 1
        np.testing.assert_allclose(pattern.max(-1), np.broadcast_to(1 / seen, pattern.shape[:-1]), atol=1e-6)
        np.testing.assert_allclose(pattern.sum(-1), 1, atol=1e-6)


@pytest.mark.thorough
def test_an_ablated_head_writes_nothing(small):
    """A head whose z is zero leaves what the other head writes, and the bias."""
    network, params = make(small)
    sites = ("blocks.0.attn.z", "blocks.0.attn_out")
    edit = {"blocks.0.attn.z": lambda z: z.at[..., 0, :].set(0)}
    z, out = (network.apply(params, WORDS, edit=edit, sites=sites)[s] for s in sites)
    out_weights = next(iter(params["blocks"].values()))["attention"]["out"]
    kernel = out_weights["kernel"].reshape(small.n_heads, small.d_head, small.d_model)
    np.testing.assert_allclose(out, z[..., 1, :] @ kernel[1] + out_weights["bias"], atol=1e-5)


def program(network, params, **asked):
    """What a compiled program is made of, as text, with `logits` as its only result."""
    return str(jax.make_jaxpr(lambda p: network.apply(p, WORDS, **asked)["logits"])(params))


@pytest.mark.thorough
def test_what_is_not_asked_for_is_not_in_the_program(config):
    network, params = make(config)
    plain = program(network, params)
    assert program(network, params, sites=("logits",)) == plain
    wanted = [s for s in config.inner_sites if s.endswith(("scale", "attn_scores"))]  # the rest pass anyway
    for site in wanted:
        asked = program(network, params, sites=("logits", site))
        assert len(asked.splitlines()) > len(plain.splitlines()), site


@pytest.mark.thorough
def test_what_is_asked_for_alone_comes_back(small):
    network, params = make(small)
    asked = ("blocks.1.mlp.post", "logits", "blocks.0.attn.q")
    found = network.apply(params, WORDS, sites=asked)
    assert tuple(found) == asked and found["blocks.1.mlp.post"].shape == (*WORDS.shape, small.d_mlp)
    steered = train.steered(network, "blocks.0.resid_post", 0)
    assert tuple(steered.apply((params, jnp.zeros(small.d_model)), WORDS, sites=asked)) == asked
    gru = toy.network(toy.RecurrentConfig(2, 6, 2, 8, "gru"))
    state = gru.apply(gru.init(jax.random.key(0)), WORDS, sites=["blocks.1.state"])
    assert list(state) == ["blocks.1.state"]
