"""Networks that read on from what they kept, and text that they write."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import toy

SHAPE = {"vocab": 3, "n_ctx": 9, "n_layers": 2, "n_heads": 2, "d_model": 16, "d_head": 8, "d_mlp": 32}
CONFIGS = {
    "plain": toy.TransformerConfig(**SHAPE),
    "rotary": toy.TransformerConfig(**SHAPE, positions="rotary", norm="rms", tied=True),
    "myopic": toy.TransformerConfig(**SHAPE, positions="none", myopic=True),
    "decay": toy.TransformerConfig(**SHAPE, mixer="decay", norm="none"),
    "myopic decay": toy.TransformerConfig(**SHAPE, mixer="decay", myopic=True),
    **{
        cell: toy.RecurrentConfig(vocab=3, n_ctx=9, n_layers=2, d_model=8, cell=cell)
        for cell in ("rnn", "gru", "lstm")
    },
}
WORDS = np.random.default_rng(0).integers(0, 3, (5, 9))


def made(name):
    net = toy.network(CONFIGS[name])
    params = net.init(jax.random.key(0))
    return net, params, np.asarray(net.apply(params, WORDS, sites=("logits",))["logits"])


@pytest.mark.thorough
@pytest.mark.parametrize("name", CONFIGS)
def test_reading_on_is_reading(name):
    net, params, whole = made(name)
    first, cache = net.extend(params, WORDS[:, :4])
    one, cache = net.extend(params, WORDS[:, 4:5], cache)
    rest, cache = net.extend(params, WORDS[:, 5:], cache)
    np.testing.assert_allclose(np.concatenate([first, one, rest], 1), whole, atol=5e-6)
    assert (cache.length == 9).all()


@pytest.mark.thorough
@pytest.mark.parametrize("name", CONFIGS)
def test_sequences_may_be_cut_short_and_differ_in_length(name):
    net, params, whole = made(name)
    _, cache = net.extend(params, np.flip(WORDS, 0))  # what stands beyond a length is of other words
    _, cache = net.extend(params, WORDS[:, :5], cache._replace(length=jnp.zeros(5, jnp.int32)))
    length = np.array([1, 2, 3, 4, 5])
    new = np.stack([w[n : n + 4] for w, n in zip(WORDS, length, strict=True)])
    on, after = net.extend(params, new, cache._replace(length=jnp.asarray(length)))
    for i, n in enumerate(length):
        np.testing.assert_allclose(on[i], whole[i, n : n + 4], atol=5e-6)
    assert (after.length == length + 4).all()


@pytest.mark.thorough
def test_a_sequence_may_begin_many():
    net, params, whole = made("rotary")
    _, cache = net.extend(params, WORDS[:1, :4])
    rows = np.zeros(3, int)
    ends = np.random.default_rng(1).integers(0, 3, (3, 5))
    on, _ = net.extend(params, ends, jax.tree.map(lambda leaf: leaf[rows], cache))
    words = np.concatenate([WORDS[rows, :4], ends], 1)
    np.testing.assert_allclose(on, net.apply(params, words)["logits"][:, 4:], atol=5e-6)


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "scale"), [("plain", 1.3), ("decay", 1.3), ("gru", 2)])
def test_text_follows_the_networks_own_distribution(name, scale):
    """Frequencies of 27 words of three tokens, after each first token: a chi-square over 4000 sequences."""
    net, params, _ = made(name)
    params = jax.tree.map(lambda leaf: scale * leaf, params)  # further from uniform
    B = 12_000
    prompt = np.arange(B)[:, None] % 3
    text = np.asarray(jax.jit(lambda key: toy.generate(net, params, prompt, 3, key))(jax.random.key(0)))
    words = np.stack(np.unravel_index(np.arange(81), (3, 3, 3, 3)), -1)
    p = np.asarray(jax.nn.softmax(net.apply(params, words[:, :3])["logits"]), np.float64)
    distribution = np.take_along_axis(p, words[:, 1:, None], 2).prod((1, 2)) / 3
    seen = np.bincount(np.concatenate([prompt, text], 1) @ [27, 9, 3, 1], minlength=81)
    chi2 = ((seen - B * distribution) ** 2 / (B * distribution)).sum()
    assert chi2 < 78 + 4 * np.sqrt(2 * 78), "four standard deviations above what is expected"
    assert np.abs(distribution - 1 / 81).sum() > 0.1, "a distribution that differs from uniform"


@pytest.mark.thorough
def test_text_is_the_keys_alone_and_fills_the_context():
    net, params, _ = made("plain")
    first, again, other = (
        np.asarray(toy.generate(net, params, WORDS[:, :1], 9, jax.random.key(k))) for k in (0, 0, 1)
    )
    assert first.shape == (5, 9) and (first == again).all() and (first != other).any()
    stacked = jax.tree.map(lambda leaf: leaf[None], params)
    many = jax.vmap(lambda own: toy.generate(net, own, WORDS[:, :1], 9, jax.random.key(0)))(stacked)
    assert (np.asarray(many[0]) == first).all()


def test_bad_input_is_refused():
    net, params, _ = made("plain")
    _, cache = net.extend(params, WORDS)
    for told, call in (
        ("begin anew", lambda: net.extend(params, WORDS[:, :1], cache)),
        ("same network and sequences", lambda: net.extend(params, WORDS[:2, :1], cache)),
        ("same network and sequences", lambda: made("gru")[0].extend(made("gru")[1], WORDS[:, :1], cache)),
        ("give the one that `extend` returned", lambda: net.extend(params, WORDS, "kept")),
        ("a row for each sequence", lambda: net.extend(params, WORDS[0])),
        ("symbols 0 to 2", lambda: net.extend(params, WORDS + 1)),
        ("ask for 8 or fewer", lambda: toy.generate(net, params, WORDS[:, :2], 9, jax.random.key(0))),
        ("n is 0", lambda: toy.generate(net, params, WORDS[:, :2], 0, jax.random.key(0))),
        ("give one JAX key", lambda: toy.generate(net, params, WORDS[:, :2], 1, 7)),
        ("at least one token", lambda: toy.generate(net, params, WORDS[:, :0], 1, jax.random.key(0))),
    ):
        with pytest.raises(toy.ModelError, match=told):
            call()
