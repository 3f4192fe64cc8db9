"""Networks: sites, edits, the packed tree, the bridge."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import processes
import toy
import train
from toy import ModelError

TREE = processes.prefix_tree(processes.named("rrxor"), 6)
LAST = TREE.level(6)


def make(config, seed=0):
    network = toy.network(config)
    return network, network.init(jax.random.key(seed))


VARIANTS = {
    "as is": {},
    "attention only": dict(d_mlp=0),
    "no positions": dict(positions="none"),
    "rms": dict(norm="rms"),
    "no norm": dict(norm="none"),
    "gelu, one head": dict(activation="gelu", n_heads=1, d_head=7),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_batches_and_the_packed_tree_agree_at_every_site(small, variant):
    config = replace(small, **VARIANTS[variant])
    network, params = make(config)
    words = TREE.words[LAST]
    on_batch = network.apply(params, words)
    on_tree = network.apply(params, *train.packed(TREE, config.n_ctx))
    assert list(on_batch) == list(on_tree) == list(config.sites)
    for site in config.sites:
        last = on_batch[site][:, :, -1] if site.endswith("attn_pattern") else on_batch[site][:, -1]
        packed = on_tree[site][LAST.start - 1 :]
        # float32: two orders of summation differ by a few hundred roundings of numbers of order one.
        np.testing.assert_allclose(packed, last, atol=2e-5 * float(jnp.abs(last).max() + 1), err_msg=site)


def test_the_future_is_not_seen(small):
    network, params = make(small)
    words = np.array(TREE.words[LAST][:2])
    changed = words.copy()
    changed[:, 4:] = 1 - changed[:, 4:]
    a, b = network.apply(params, words)["logits"], network.apply(params, changed)["logits"]
    assert np.array_equal(a[:, :4], b[:, :4]) and not np.allclose(a[:, 4:], b[:, 4:])


def test_attention_patterns_are_laws_over_the_past(small):
    network, params = make(small)
    pattern = network.apply(params, TREE.words[LAST])["blocks.0.attn_pattern"]
    assert pattern.shape[1] == small.n_heads
    assert np.allclose(pattern.sum(-1), 1, atol=1e-6) and np.array_equal(pattern, np.tril(pattern))


@pytest.mark.parametrize(
    "site", ["embed", "blocks.0.attn_pattern", "blocks.0.attn_out", "blocks.1.mlp_out", "blocks.1.resid_mid", "final_norm", "logits"]
)
def test_an_edit_changes_what_comes_after_it_and_nothing_before(small, site):
    network, params = make(small)
    words = TREE.words[LAST][:4]
    plain = network.apply(params, words)
    edited = network.apply(params, words, edit={site: lambda value: value * 0.5})
    before = small.sites[: small.sites.index(site)]
    assert all(np.array_equal(plain[s], edited[s]) for s in before)
    assert np.array_equal(edited[site], plain[site] * 0.5)
    assert not np.allclose(plain["logits"], edited["logits"])


def test_an_identity_edit_changes_nothing(small):
    network, params = make(small)
    words = TREE.words[LAST][:4]
    edit = {site: lambda value: value for site in small.sites}
    assert np.array_equal(network.apply(params, words)["logits"], network.apply(params, words, edit=edit)["logits"])


def test_residuals_add_up(small):
    network, params = make(small)
    out = network.apply(params, TREE.words[LAST])
    assert np.array_equal(out["blocks.1.resid_pre"], out["blocks.0.resid_post"])
    total = out["blocks.0.resid_pre"] + out["blocks.0.attn_out"] + out["blocks.0.mlp_out"]
    np.testing.assert_allclose(total, out["blocks.0.resid_post"], atol=1e-5)


BAD = {
    "unknown site": (lambda n, p: n.apply(p, np.zeros((1, 2), int), edit={"blocks.0.resid_pst": lambda v: v}), "nearest is 'blocks.0.resid_post'"),
    "edit of another shape": (lambda n, p: n.apply(p, np.zeros((1, 2), int), edit={"embed": lambda v: v[:, :1]}), "must keep"),
    "context too long": (lambda n, p: n.apply(p, np.zeros((1, 7), int)), "7 tokens but the model reads at most n_ctx = 6"),
    "tree too deep": (lambda n, p: train.packed(processes.prefix_tree(processes.named("rrxor"), 7), 6), "depth 7"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(small, case):
    call, message = BAD[case]
    with pytest.raises(ModelError, match=message):
        call(*make(small))


@pytest.mark.parametrize(("field", "value"), [("n_layers", 0), ("d_mlp", -1), ("vocab", 0)])
def test_impossible_shapes_are_refused(small, field, value):
    with pytest.raises(ModelError, match=field):
        replace(small, **{field: value})


def test_networks_are_vmapped_over_keys_and_parameters(small):
    network = toy.network(small)
    keys = jax.random.split(jax.random.key(0), 3)
    stacked = jax.vmap(network.init)(keys)
    words = TREE.words[LAST][:4]
    together = jax.vmap(network.apply, (0, None))(stacked, words)["logits"]
    alone = network.apply(network.init(keys[1]), words)["logits"]
    np.testing.assert_allclose(together[1], alone, atol=1e-5)


def test_gradients_are_finite_on_the_tree(small):
    network, params = make(small)
    batch = train.packed(TREE, small.n_ctx)
    grads = jax.grad(lambda p: network.apply(p, *batch)["logits"].sum())(params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(grads))
