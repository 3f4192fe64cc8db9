"""One way to run networks: what it returns is what the network computes, and it compiles once."""

from contextlib import contextmanager
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import processes
import toy
import train
from analysis.instruments import forward as module
from analysis.instruments.contexts import contexts, drawn
from analysis.instruments.evidence import observe
from analysis.instruments.forward import (
    Added,
    Pushed,
    Replaced,
    alone,
    cast_up,
    forward,
    log_distribution,
    member,
)
from analysis.instruments.untrained import untrained

TRANSFORMER = toy.TransformerConfig(vocab=2, n_ctx=6, n_layers=2, n_heads=2, d_model=8, d_head=4, d_mlp=8)
GRU = toy.RecurrentConfig(vocab=2, n_ctx=6, n_layers=2, d_model=8, cell="gru")
BOTH = pytest.mark.parametrize("config", [TRANSFORMER, GRU], ids=["transformer", "gru"])
CLOSE = 2e-5
"""Programs that fuse otherwise round otherwise: some float32 roundings of numbers of a few units."""


@cache
def stack(config):
    """Two networks."""
    return jax.device_get(jax.jit(jax.vmap(toy.network(config).init))(jax.random.split(jax.random.key(3), 2)))


def others(config, n, seed):
    """More networks, of other parameters, that nothing is compiled for."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: rng.normal(size=(n, *leaf.shape[1:])).astype(np.float32), stack(config))


def words(n, T=6, seed=0):
    return np.random.default_rng(seed).integers(2, size=(n, T))


def plain(config, params, i, tokens, tree=None):
    return reading(config)(member(params, i), tokens, tree)


@cache
def reading(config):
    """The network itself, compiled: the sites of one network on some words."""
    return jax.jit(toy.network(config).apply)


def edited(config, params, tokens, site, edit, *written):
    """Logits of each network, whose stream at a site is `edit` of what it was and of what of `written` is its
    own."""

    @jax.jit
    def logits(own, tokens, *values):
        return toy.network(config).apply(own, tokens, edit={site: lambda x: edit(x, *values)})["logits"]

    return [logits(member(params, i), tokens, *(value[i] for value in written)) for i in range(2)]


@contextmanager
def compilations():
    """The programs that XLA compiles in the block, one entry each."""
    found = []

    def heard(event, seconds, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            found.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(heard)
    try:
        yield found
    finally:
        jax.monitoring.unregister_event_duration_listener(heard)


@pytest.mark.thorough
@BOTH
def test_every_site_is_what_the_network_computes(config):
    params, tokens = stack(config), words(5)
    passed = forward(config, params, tokens, config.sites)
    assert list(passed) == list(config.sites)
    for i in range(2):
        for site, expected in plain(config, params, i, tokens).items():
            if site.endswith("attn_pattern"):
                expected = np.moveaxis(expected, -2, 1)  # positions before heads
            assert passed[site].dtype == np.float32 and passed[site].shape[:3] == (2, 5, 6)
            np.testing.assert_allclose(passed[site][i], expected, atol=CLOSE)
    assert np.abs(passed["logits"][0] - passed["logits"][1]).max() > 0.1  # the networks are two


@pytest.mark.thorough
@BOTH
def test_a_tree_is_read_as_the_network_reads_it(config):
    tree = processes.prefix_tree(processes.named("rrxor"), 5)
    batch, params = train.packed(tree, 5), stack(config)
    passed = forward(config, params, batch.tokens, config.sites, tree=batch.tree)
    for site, expected in plain(config, params, 1, batch.tokens, batch.tree).items():
        np.testing.assert_allclose(passed[site][1], expected, atol=CLOSE)


@pytest.mark.thorough
@BOTH
def test_one_position_of_each_word_is_that_of_all(config):
    params, tokens = stack(config), words(7)
    at = np.arange(7) % 6
    everywhere = forward(config, params, tokens, config.sites)
    for position, chosen in (("last", np.full(7, 5)), (at, at)):
        passed = forward(config, params, tokens, config.sites, position=position)
        for site in config.sites:
            np.testing.assert_allclose(passed[site], everywhere[site][:, np.arange(7), chosen], atol=CLOSE)


@pytest.mark.thorough
@BOTH
def test_edits_are_those_of_the_network(config):
    params, tokens, rng = stack(config), words(5), np.random.default_rng(0)
    site, at = config.stream[1], np.array([0, 2, 5, 3, 3])
    value, vector = (rng.normal(size=shape).astype(np.float32) for shape in ((5, 8), (2, 8)))
    rows = np.arange(5)
    replaced = forward(config, params, tokens, position=at, edit=Replaced(site, value))["logits"]
    added = forward(config, params, tokens, edit=Added(site, vector, first=2))["logits"]
    for i, by_hand in enumerate(edited(config, params, tokens, site, lambda x: x.at[rows, at].set(value))):
        np.testing.assert_allclose(replaced[i], by_hand[rows, at], atol=CLOSE)
    by_hand = edited(config, params, tokens, site, lambda x, v: x.at[:, 2:].add(v), vector)
    np.testing.assert_allclose(added, np.stack(by_hand), atol=CLOSE)
    unedited = forward(config, params, tokens)["logits"]
    assert np.abs(replaced - unedited[:, rows, at]).max() > 0.01
    assert np.abs(added - unedited)[:, :, 2:].max() > 0.01 and (added == unedited)[:, :, :2].all()


@pytest.mark.thorough
@BOTH
def test_a_push_is_at_one_position_of_each_word(config):
    """To the stream, and to what a block adds to it where there is such a site."""
    params, tokens, rng = stack(config), words(5), np.random.default_rng(0)
    vector, at, rows = rng.normal(size=(2, 5, 8)).astype(np.float32), np.array([0, 2, 5, 3, 3]), np.arange(5)
    for site in (config.stream[1], *(["blocks.1.attn_out"] if config is TRANSFORMER else [])):
        pushed = forward(config, params, tokens, edit=Pushed(site, vector, at))["logits"]
        by_hand = edited(config, params, tokens, site, lambda x, v: x.at[rows, at].add(v), vector)
        np.testing.assert_allclose(pushed, np.stack(by_hand), atol=CLOSE)
        before = np.arange(6) < at[:, None]
        assert np.array_equal(pushed[:, before], forward(config, params, tokens)["logits"][:, before])


@pytest.mark.thorough
def test_a_stream_of_one_position_is_replaced_whole():
    params, value = stack(TRANSFORMER), np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    site = TRANSFORMER.stream[-1]
    found = forward(TRANSFORMER, params, words(3, 1), position="last", edit=Replaced(site, value))["logits"]
    expected = edited(TRANSFORMER, params, words(3, 1), site, lambda x: jnp.asarray(value[:, None]))
    np.testing.assert_allclose(found, np.stack(expected)[:, :, 0], atol=CLOSE)


@pytest.mark.thorough
@BOTH
def test_chunks_change_no_number(config, monkeypatch):
    """More words than a chunk holds, and not a multiple of it."""
    params, tokens, found = stack(config), words(333), {}
    whole = forward(config, params, tokens, config.sites)
    for memory in (1, 400_000):
        monkeypatch.setattr(module, "MEMORY", memory)
        sizes = [len(filled) for _, filled in module._chunks(config, tokens, None)]
        assert len(sizes) > 1 and len(set(sizes)) == 1
        found[sizes[0]] = forward(config, params, tokens, config.sites)
        for name in whole:
            np.testing.assert_allclose(found[sizes[0]][name], whole[name], atol=1e-6)
    assert len(found) == 2  # chunks of two sizes


@pytest.mark.thorough
def test_a_chunk_fits_its_memory():
    long = toy.TransformerConfig(vocab=2, n_ctx=500, n_layers=1, n_heads=4, d_model=64, d_head=4, d_mlp=8)
    shapes = jax.eval_shape(toy.network(long).init, jax.random.key(0))
    zeros = jax.tree.map(lambda leaf: np.zeros((1, *leaf.shape), leaf.dtype), shapes)
    for config, params in ((TRANSFORMER, stack(TRANSFORMER)), (GRU, stack(GRU)), (long, zeros)):
        T = config.n_ctx
        passed = plain(config, params, 0, words(5, T))
        one_word = sum(value.nbytes for value in passed.values()) // 5
        ((_, filled), *_) = module._chunks(config, words(100_000, T), None)
        assert module._bytes(config, T) == one_word
        assert len(filled) == module.FEWEST or module.MEMORY / 2 < len(filled) * one_word <= module.MEMORY


@pytest.mark.thorough
@BOTH
def test_three_calls_compile_once(config):
    """Other parameters, other words, fewer or more of them, another stack, another edit of the kind."""
    site, rng = config.stream[1], np.random.default_rng(0)

    def calls(seed):
        params = others(config, 2 + seed, seed)
        forward(config, params, words(40 + seed, seed=seed), config.stream)
        edit = Replaced(site, rng.normal(size=(50, 8)).astype(np.float32))
        forward(config, params, words(50, seed=seed), position=rng.integers(6, size=50), edit=edit)
        forward(config, params, words(40), edit=Added(site, np.ones((2 + seed, 8), np.float32), 1))

    module._program.cache_clear()
    with compilations() as first:
        calls(0)
    with compilations() as later:
        calls(1)
        calls(2)
    assert len(first) == 3 and later == []


def test_evidence_of_another_run_compiles_nothing():
    """Fresh objects of an equal process and an equal configuration, and networks of other seeds."""

    def evidence(first_seed):
        config = toy.TransformerConfig(vocab=2, n_ctx=6, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=8)
        recipe = train.Recipe(
            "rrxor", config, "expected", train.Optimiser("adam", 1e-3), steps=10, batch=4, seeds=2,
            first_seed=first_seed,
        )  # fmt: skip
        params = untrained(recipe)
        for what in (contexts(fresh_rrxor(), 6), drawn(fresh_rrxor(), 6, 70, seed=first_seed)):
            observe(config, params, what, config.stream)
        return params

    with compilations() as first:
        some = evidence(0)
    with compilations() as later:
        others = evidence(40)
    assert len(first) >= 3 and later == []
    assert any((a != b).any() for a, b in zip(*map(jax.tree.leaves, (some, others)), strict=True))


def fresh_rrxor():
    """A process object that nobody has seen."""
    return processes.hmm(processes.named("rrxor").T.copy())


def test_a_planted_program_of_its_own_is_counted():
    with compilations() as found:
        jax.jit(lambda x: x * 3 + 1)(np.float32(1))
        jax.jit(lambda x: x * 3 + 1)(np.float32(2))
    assert len(found) == 2


@pytest.mark.thorough
def test_evidence_of_drawn_words_has_a_row_for_each_context():
    what, params = drawn(processes.named("rrxor"), 6, 9), stack(TRANSFORMER)
    sites = ("blocks.1.attn_pattern", "blocks.1.resid_post")
    seen = observe(TRANSFORMER, params, what, sites)[1]
    expected = plain(TRANSFORMER, params, 1, what.drawn)
    assert seen.activations[sites[0]].shape == (54, 2, 6) and seen.activations[sites[1]].shape == (54, 8)
    np.testing.assert_allclose(
        seen.activations[sites[0]].reshape(9, 6, 2, 6)[4, :, 1], expected[sites[0]][4, 1], atol=CLOSE
    )
    np.testing.assert_allclose(
        seen.log_prediction.reshape(9, 6, 2), jax.nn.log_softmax(expected["logits"]), atol=CLOSE
    )


def test_distributions_are_normalised_in_float64():
    logits = np.array([[0.0, 50.0, -50.0], [1e4, 1e4, 0.0]], np.float32)
    found = log_distribution(logits)
    assert found.dtype == np.float64 == cast_up(logits).dtype
    np.testing.assert_allclose(np.exp(found).sum(-1), 1, rtol=1e-15)
    np.testing.assert_allclose(found[1, :2], -np.log(2), rtol=1e-15)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sites": ("resid",)}, "no site 'resid'"),
        ({"position": np.array([0, 6, 1])}, "a number from 0 to 5"),
        ({"position": np.array([0, 1])}, "each of the 3 words"),
        ({"edit": Added("logits", np.zeros((2, 8)), 0)}, "not on the residual stream"),
        ({"edit": Added("blocks.0.resid_post", np.zeros((3, 8)), 0)}, "a vector for each network"),
        ({"edit": Replaced("blocks.0.resid_post", np.zeros((3, 8)))}, "give `position`"),
        ({"edit": Pushed("logits", np.zeros((2, 3, 8)), np.zeros(3, int))}, "not on the residual stream"),
        ({"edit": Pushed("blocks.0.attn_out", np.zeros((3, 8)), np.zeros(3, int))}, "each network and word"),
        (
            {"edit": Replaced("blocks.0.resid_post", np.zeros((2, 8))), "position": "last"},
            "a vector for each word",
        ),
    ],
)
def test_what_is_none_of_the_networks_is_refused(arguments, message):
    with pytest.raises(toy.ModelError, match=message):
        forward(TRANSFORMER, stack(TRANSFORMER), words(3), **arguments)


@pytest.mark.thorough
def test_parameters_and_words_of_another_network_are_refused():
    params = stack(TRANSFORMER)
    with pytest.raises(toy.ModelError, match="a token is 2, but"):
        forward(TRANSFORMER, params, np.full((3, 6), 2))
    with pytest.raises(toy.ModelError, match="reads at most n_ctx = 6"):
        forward(TRANSFORMER, params, words(3, 7))
    with pytest.raises(toy.ModelError, match="stack the networks|they are of"):
        forward(TRANSFORMER, member(params, 0), words(3))
    one = forward(TRANSFORMER, alone(member(params, 1)), words(3))["logits"]
    np.testing.assert_array_equal(one[0], forward(TRANSFORMER, params, words(3))["logits"][1])
