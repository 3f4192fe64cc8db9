"""Networks: sites, edits, the packed tree, the bridge."""

import functools
from dataclasses import dataclass, replace
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import processes
import toy
import train
from toy import ModelError
from toy.checks import check_fields
from toy.layers.decay import Decay
from toy.layers.rotary import rotate
from toy.sites import Sites

TREE = processes.prefix_tree(processes.named("rrxor"), 6)
LAST = TREE.level(6)


@functools.cache
def make(config):
    network = toy.network(config)
    return network, network.init(jax.random.key(0))


@functools.cache
def compiled(config):
    """What a network does, as one program for all tests that read it as it is."""
    return jax.jit(make(config)[0].apply)


def recurrent(cell, **change):
    return toy.RecurrentConfig(**(dict(vocab=2, n_ctx=6, n_layers=2, d_model=8, cell=cell) | change))


VARIANTS = {
    "as is": {},
    "attention only": dict(d_mlp=0),
    "no positions": dict(positions="none"),
    "rms": dict(norm="rms"),
    "no norm": dict(norm="none"),
    "gelu, one head": dict(activation="gelu", n_heads=1, d_head=7),
    "rotary, tied": dict(positions="rotary", tied=True),
    "decay": dict(mixer="decay", positions="none"),
    "rnn": recurrent("rnn", tied=True),
    "gru": recurrent("gru"),
    "lstm": recurrent("lstm"),
}
KINDS = ("as is", "decay", "gru", "lstm")  # one of each way to mix the past in


def variant_of(small, name):
    change = VARIANTS[name]
    return replace(small, **change) if isinstance(change, dict) else change


@pytest.fixture(scope="module", params=KINDS)
def kind(request, small):
    """A network of each kind, compiled, its parameters, and what it does on all words of full length."""
    network, params = make(variant_of(small, request.param))
    network = replace(network, apply=compiled(network.config))
    return network, params, network.apply(params, TREE.words[LAST])


@pytest.mark.thorough
@pytest.mark.parametrize("variant", VARIANTS)
def test_batches_and_the_packed_tree_agree_at_every_site(small, variant):
    config = variant_of(small, variant)
    network, params = make(config)
    words = TREE.words[LAST]

    @jax.jit
    def both(params, *packed):
        found = network.apply(params, words), network.apply(params, *packed)
        assert all(tuple(sites) == config.sites for sites in found)
        return found

    on_batch, on_tree = both(params, *train.packed(TREE, config.n_ctx))
    for site in config.sites:
        last = on_batch[site][:, :, -1] if site.endswith("attn_pattern") else on_batch[site][:, -1]
        packed = on_tree[site][LAST.start - 1 :]
        # float32: two orders of summation differ by a few hundred roundings of numbers of order one.
        np.testing.assert_allclose(packed, last, atol=2e-5 * float(jnp.abs(last).max() + 1), err_msg=site)


@pytest.mark.thorough
def test_the_future_is_not_seen(kind):
    network, params, plain = kind
    changed = np.array(TREE.words[LAST])
    changed[:, 4:] = 1 - changed[:, 4:]
    a, b = plain["logits"], network.apply(params, changed)["logits"]
    assert np.array_equal(a[:, :4], b[:, :4]) and not np.allclose(a[:, 4:], b[:, 4:], atol=1e-4)


@pytest.mark.thorough
def test_the_past_is_seen(kind):
    network, params, plain = kind
    changed = np.array(TREE.words[LAST])
    changed[:, 0] = 1 - changed[:, 0]
    assert np.abs(plain["logits"] - network.apply(params, changed)["logits"])[:, 1:].max((0, 2)).min() > 1e-4


def test_initialisation_depends_on_the_key_alone(kind):
    network, params, _ = kind
    same, other = network.init(jax.random.key(0)), network.init(jax.random.key(1))
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, params, same)))
    unchanged = jax.tree.leaves_with_path(jax.tree.map(np.array_equal, params, other))
    assert [equal for path, equal in unchanged if path[-1].key in ("kernel", "embedding")].count(False) > 4
    assert not any(equal for path, equal in unchanged if path[-1].key in ("kernel", "embedding"))


def parameters(config):
    shapes = jax.eval_shape(toy.network(config).init, jax.random.key(0))
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


def test_parameters_are_as_many_as_the_equations_have(small):
    v, d, n = 2, 8, 2
    for cell, gates in (("rnn", 1), ("gru", 3), ("lstm", 4)):
        assert parameters(recurrent(cell)) == 2 * v * d + n * gates * (2 * d * d + d)
        assert parameters(recurrent(cell)) - parameters(recurrent(cell, tied=True)) == v * d
    assert parameters(small) - parameters(replace(small, tied=True)) == small.vocab * small.d_model
    assert parameters(small) - parameters(replace(small, positions="rotary")) == small.n_ctx * small.d_model
    assert (
        parameters(replace(small, mixer="decay")) - parameters(small)
        == small.n_layers * small.n_heads * small.d_head
    )


def test_the_stream_is_among_the_sites(kind):
    config, plain = kind[0].config, kind[2]
    assert config.stream == ("blocks.0.resid_pre", "blocks.0.resid_post", "blocks.1.resid_post")
    assert {plain[site].shape for site in config.stream} == {(len(TREE.words[LAST]), 6, config.d_model)}
    assert np.array_equal(plain["blocks.1.resid_pre"], plain["blocks.0.resid_post"])


def test_attention_patterns_are_laws_over_the_past(small):
    pattern = compiled(small)(make(small)[1], TREE.words[LAST])["blocks.0.attn_pattern"]
    assert pattern.shape[1] == small.n_heads
    assert np.allclose(pattern.sum(-1), 1, atol=1e-6) and np.array_equal(pattern, np.tril(pattern))


@pytest.mark.thorough
@pytest.mark.parametrize(
    "site",
    [
        "embed",
        "blocks.0.attn_pattern",
        "blocks.0.attn_out",
        "blocks.1.mlp_out",
        "blocks.1.resid_mid",
        "final_norm",
        "logits",
    ],
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


@pytest.mark.thorough
def test_an_identity_edit_changes_nothing(small):
    network, params = make(small)
    words = TREE.words[LAST][:4]
    edit = {site: lambda value: value for site in small.sites}
    assert np.array_equal(
        network.apply(params, words)["logits"], network.apply(params, words, edit=edit)["logits"]
    )


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["decay", "gru", "lstm"])
def test_a_state_erased_is_a_history_forgotten(small, name):
    """Zero every layer's state after the third token: what follows is what the network makes of the later
    tokens alone.
    """
    network, params = make(variant_of(small, name))
    words, batch = TREE.words[LAST], train.packed(TREE, 6)
    third = jnp.asarray(batch.tree.position == 2, jnp.float32)[:, None]
    states = [site for site in network.config.sites if site.endswith("state")]
    on_words, on_nodes = (
        dict.fromkeys(states, lambda s: s.at[..., 2, :].set(0)),
        dict.fromkeys(states, lambda s: s * (1 - third)),
    )

    @jax.jit
    def all_ways(params):
        runs = (words, None, None), (words[:, 3:], None, None), (words, None, on_words), (*batch, on_nodes)
        return [network.apply(params, *run) for run in runs]

    plain, alone, forgot, on_tree = all_ways(params)
    plain, alone, forgot = plain["logits"], alone["logits"], forgot["logits"]
    np.testing.assert_allclose(forgot[:, 3:], alone, atol=1e-5)
    assert np.abs(plain[:, 3:] - alone).max() > 1e-3 and np.allclose(plain[:, :2], forgot[:, :2], atol=1e-5)
    np.testing.assert_allclose(on_tree["logits"][LAST.start - 1 :], alone[:, -1], atol=1e-5)
    assert not on_tree["blocks.0.state"][batch.tree.position == 2].any() and on_tree["blocks.0.state"].any()


@pytest.mark.thorough
def test_an_edit_of_what_goes_on_does_not_reach_the_carry(small):
    network, params = make(recurrent("gru"))
    words = TREE.words[LAST]
    plain, edited = (
        network.apply(params, words, edit=e)
        for e in (None, {"blocks.0.resid_post": lambda v: v.at[..., 2, :].multiply(2)})
    )
    assert np.array_equal(plain["blocks.0.state"], edited["blocks.0.state"])
    moved = np.abs(plain["blocks.1.state"] - edited["blocks.1.state"]).max((0, 2))
    assert not moved[:2].any() and moved[2:].all()


def test_a_state_edit_of_another_shape_is_refused():
    network, params = make(recurrent("gru"))
    with pytest.raises(ModelError, match="must keep"):
        network.apply(params, TREE.words[LAST], edit={"blocks.0.state": lambda s: s[..., :1]})


def test_the_decaying_state_is_the_sum_over_the_past():
    """The recurrence, over time and along a branch, against y_t = sum_s (q_t . a^(t-s) k_s) v_s /
    sqrt(d_head) in float64.
    """
    T, h, d = 6, 2, 3
    mixer = Decay(5, h, d, n_ctx=T, myopic=False, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(1), (T, 5))
    q, k, v = np.split(np.asarray(mixer.qkv(x), np.float64).reshape(T, 3 * h, d), 3, axis=1)
    a = 1 / (1 + np.exp(-np.asarray(mixer.log_odds[...], np.float64)))
    y = np.zeros((T, h, d))
    for t in range(T):
        for s in range(t + 1):
            y[t] += ((q[t] * a ** (t - s) * k[s]).sum(-1) / np.sqrt(d))[:, None] * v[s]
    assert np.ptp(a) > 0.2  # channels forget at different rates
    chain = toy.Tree(jnp.where(jnp.tri(T, dtype=bool), jnp.arange(T), -1), (1,) * T)
    for tree in (None, chain):
        out = mixer(x, tree, Sites(["b.state"], None), "b")
        np.testing.assert_allclose(out, mixer.out(y.reshape(T, -1).astype(np.float32)), atol=2e-6)


@pytest.mark.thorough
def test_rotated_scores_know_distances_only():
    q, k = jax.random.normal(jax.random.key(0), (2, 1, 1, 8))

    def score(i, j):
        return float((rotate(q, np.array([i])) * rotate(k, np.array([j]))).sum())

    assert score(5, 2) == pytest.approx(score(9, 6), abs=1e-5) and abs(score(5, 2) - score(5, 3)) > 1e-2
    assert np.array_equal(rotate(q, np.array([0])), q)


@pytest.mark.thorough
@pytest.mark.parametrize("mixer", ["attention", "decay"])
@pytest.mark.parametrize("on", ["batch", "tree"])
def test_a_myopic_network_learns_nothing_for_later_positions(small, mixer, on):
    """Same values; of the loss at the last position, the gradient at its own embedding is unchanged, that at
    all earlier ones zero.
    """
    plain, myopic = replace(small, mixer=mixer), replace(small, mixer=mixer, myopic=True)
    _, params = make(plain)
    batch = (TREE.words[LAST][:1], None) if on == "batch" else train.packed(TREE, 6)
    shape = (1, 6, small.d_model) if on == "batch" else (len(batch[0]), small.d_model)
    of = (0, -1) if on == "batch" else (LAST.start - 1,)
    own = (0, 5) if on == "batch" else of

    def gradient(config):
        network = toy.network(config)

        def loss(shift):
            logits = network.apply(params, *batch, edit={"embed": lambda e: e + shift})["logits"]
            return logits[of][0], logits

        return jax.jit(jax.grad(loss, has_aux=True))(jnp.zeros(shape))

    (full, value), (short, same) = gradient(plain), gradient(myopic)
    assert np.array_equal(value, same)
    np.testing.assert_allclose(short[own], full[own], atol=1e-6)
    assert np.abs(short[own]).max() > 1e-3 and not short.at[own].set(0).any()
    assert full.at[own].set(0).any()


@pytest.mark.thorough
@pytest.mark.parametrize("variant", ["as is", "rotary, tied", "decay", "gru", "myopic"])
@pytest.mark.parametrize("last", [1, 3, 6])
def test_the_last_positions_alone_are_those_of_all(small, variant, last):
    """Logits and their gradients, to rounding; what comes after the last block's keys is as short."""
    change = dict(myopic=True) if variant == "myopic" else VARIANTS[variant]
    network, params = make(replace(small, **change) if isinstance(change, dict) else change)
    words = TREE.words[LAST][:5]

    def total(params, **few):
        logits = network.apply(params, words, **few)["logits"][:, -last:]
        return (logits**2).sum(), logits

    (_, some), slope = jax.value_and_grad(total, has_aux=True)(params, last=last)
    (_, whole), full = jax.value_and_grad(total, has_aux=True)(params)
    assert some.shape == (5, last, 2)
    np.testing.assert_allclose(some, whole, atol=1e-5)
    for a, b in zip(jax.tree.leaves(slope), jax.tree.leaves(full), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4 * float(jnp.abs(b).max() + 1))
    if variant == "as is":
        pattern = network.apply(params, words, last=last)[f"blocks.{small.n_layers - 1}.attn_pattern"]
        assert pattern.shape == (5, small.n_heads, last, 6)


def test_residuals_add_up(small):
    out = compiled(small)(make(small)[1], TREE.words[LAST])
    assert np.array_equal(out["blocks.1.resid_pre"], out["blocks.0.resid_post"])
    total = out["blocks.0.resid_pre"] + out["blocks.0.attn_out"] + out["blocks.0.mlp_out"]
    np.testing.assert_allclose(total, out["blocks.0.resid_post"], atol=1e-5)


BAD = {
    "unknown site": (
        lambda n, p: n.apply(p, np.zeros((1, 2), int), edit={"blocks.0.resid_pst": lambda v: v}),
        "nearest is 'blocks.0.resid_post'",
    ),
    "edit of another shape": (
        lambda n, p: n.apply(p, np.zeros((1, 2), int), edit={"embed": lambda v: v[:, :1]}),
        "must keep",
    ),
    "more last positions than there are": (
        lambda n, p: n.apply(p, np.zeros((1, 3), int), last=4),
        "last is 4; it must be at most 3",
    ),
    "no last position": (lambda n, p: n.apply(p, np.zeros((1, 3), int), last=0), "must be at least 1"),
    "last positions of a tree": (
        lambda n, p: n.apply(p, *train.packed(TREE, 6), last=1),
        "a tree has no last positions",
    ),
    "context too long": (
        lambda n, p: n.apply(p, np.zeros((1, 7), int)),
        "7 tokens but the model reads at most n_ctx = 6",
    ),
    "tree too deep": (
        lambda n, p: train.packed(processes.prefix_tree(processes.named("rrxor"), 7), 6),
        "depth 7",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(small, case):
    call, message = BAD[case]
    with pytest.raises(ModelError, match=message):
        call(*make(small))


@pytest.mark.parametrize("case", ["unknown site", "context too long"])
def test_bad_input_is_refused_by_recurrent_networks_as_well(case):
    call, message = BAD[case]
    with pytest.raises(ModelError, match=message):
        call(*make(recurrent("gru")))


IMPOSSIBLE = [
    dict(n_layers=0),
    dict(d_mlp=-1),
    dict(vocab=0),
    dict(d_head=3, positions="rotary"),
    dict(positions="rotary", mixer="decay"),
]


@pytest.mark.parametrize("change", IMPOSSIBLE, ids=str)
def test_impossible_shapes_are_refused(small, change):
    with pytest.raises(ModelError, match=next(iter(change))):
        replace(small, **change)


@pytest.mark.parametrize("change", [dict(d_model=0), dict(n_ctx=0)], ids=str)
def test_impossible_recurrent_shapes_are_refused(change):
    with pytest.raises(ModelError, match=next(iter(change))):
        recurrent(**({"cell": "gru"} | change))


def test_unlisted_choices_are_refused():
    @dataclass
    class Shape:
        cell: Literal["rnn", "gru"]

    check_fields(Shape("gru"), {})
    with pytest.raises(ModelError, match="cell is 'gruu'; it must be one of rnn, gru"):
        check_fields(Shape("gruu"), {})


@pytest.mark.thorough
def test_networks_are_vmapped_over_keys_and_parameters(small):
    network = toy.network(small)
    keys = jax.random.split(jax.random.key(0), 3)
    words = TREE.words[LAST][:4]

    @jax.jit
    def both(keys):
        stacked = jax.vmap(network.init)(keys)
        together = jax.vmap(network.apply, (0, None))(stacked, words)["logits"]
        return together, network.apply(network.init(keys[1]), words)["logits"]

    together, alone = both(keys)
    np.testing.assert_allclose(together[1], alone, atol=1e-5)


@pytest.mark.thorough
def test_gradients_are_finite_on_the_tree(kind):
    network, params, _ = kind
    batch = train.packed(TREE, 6)
    grads = jax.jit(jax.grad(lambda p: network.apply(p, *batch)["logits"].sum()))(params)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(grads))
