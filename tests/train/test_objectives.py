"""Objectives and what they draw: unbiased on every kind of process, exact where nothing is drawn, bounded
where something is left out.
"""

from dataclasses import replace

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.estimates import z_scores

import processes
import toy
import train
from processes import ProcessError, named, prefix_tree
from processes.strategies import hmms
from toy import TransformerConfig
from train import RecipeError
from train.loss_bounds import loss_bounds, worst_surprise
from train.objectives import every_context, objective
from train.tables import stratified

SIGMAS = 5  # a two-sided five-sigma test fails by chance once in two million
N_CTX = 3
KINDS = {
    "ghmm": lambda: named("moon"),
    "quantum": lambda: named("bloch_walk"),
    "product": lambda: processes.product([named("mess3"), named("golden_mean")]).process(),
    "mixture": lambda: processes.mixture([named("even"), named("coin(p=0.9)")], [0.3, 0.7]).process(),
    "noisy": lambda: processes.noisy(named("mess3"), processes.symmetric_channel(3, error=0.1)),
    "triggered": lambda: processes.triggered(
        [named("rrxor"), named("even")], [[0.0, 0.3], [0.2, 0.1]], first=[0.5, 0.5]
    ),
    "blocks": lambda: processes.block(named("rrxor"), 2),
}


@pytest.mark.thorough
def test_left_out_mass_and_kept_words():
    @given(hmms(), st.floats(0.001, 0.3))
    def distribution(process, least):
        whole, tree = prefix_tree(process, 4), prefix_tree(process, 4, least=least)
        kept = whole.probability >= least
        assert (
            np.array_equal(tree.words, whole.words[kept]) and (tree.probability >= least * (1 - 1e-12)).all()
        )
        lost = [whole.probability[whole.level(d)][~kept[whole.level(d)]].sum() for d in range(5)]
        np.testing.assert_allclose(tree.left_out, lost, atol=1e-12)
        np.testing.assert_allclose(
            whole.belief[kept], tree.belief, rtol=1e-13
        )  # BLAS rounds by the shape of what it multiplies

    distribution()


def test_a_pruned_tree_needs_no_whole_one():
    tree = prefix_tree(named("mess3"), 64, least=1e-3)  # of 3^64 words
    assert (
        tree.depth == 64
        and 100 < len(tree) < 64_000
        and (np.diff(tree.left_out) > -1e-12).all()
        and tree.left_out[-1] > 0.5
    )
    with pytest.raises(ProcessError, match=r"over 1000 words at length 6; .*least="):
        prefix_tree(named("mess3"), 64, max_nodes=1000)
    with pytest.raises(ProcessError, match="probability at least 1.5"):
        prefix_tree(named("mess3"), 3, least=1.5)


@pytest.mark.parametrize(
    "process", [named("rrxor"), named("mess3"), named("moon"), named("golden_mean")], ids=lambda p: p.name
)
def test_words_are_counted_without_a_tree(process):
    n = len(prefix_tree(process, 5)) - 1
    assert (
        processes.count_words(process, 5, most=n) == n
        and processes.count_words(process, 5, most=n - 1) is None
    )
    assert processes.count_words(named("cycle"), 4, most=10**9) == len(prefix_tree(named("cycle"), 4)) - 1


def bigram(vocab):
    """The smallest network: a table of logits by position and token, which reads trees and sequences alike
    and compiles at once.
    """

    def apply(params, tokens, tree=None):
        return {"logits": params[jnp.arange(N_CTX) if tree is None else tree.position, tokens]}

    return toy.Network(
        TransformerConfig(vocab, N_CTX, n_layers=1, n_heads=1, d_model=1, d_head=1, d_mlp=0),
        lambda key: jax.random.normal(key, (N_CTX, vocab, vocab)),
        apply,
        extend=apply,  # nothing here reads on
    )


def gradients(kind):
    """The exact gradient on a process, and 1000 estimates of it by each drawn objective."""
    process = KINDS[kind]()
    network, tree = bigram(process.vocab), prefix_tree(process, N_CTX)
    params = network.init(jax.random.key(1))
    whole = every_context(tree)

    def gradient(name, n, on):
        loss = objective(name, 8, network)
        run = jax.jit(jax.vmap(lambda key: jax.grad(lambda p: loss(p, key, on).loss)(params).reshape(-1)))
        return np.asarray(run(jax.random.split(jax.random.key(2), n)), np.float64)

    found = {
        name: gradient(name, 1000, train.tables(process)) for name in ("expected", "sampled", "stratified")
    }
    return found | {"population": gradient("population", 1, whole)[0]}


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_drawn_objectives_are_unbiased_on_every_kind_of_process(kind):
    found = gradients(kind)
    for name in ("expected", "sampled", "stratified"):
        assert np.abs(z_scores(found[name], found["population"])).max() < SIGMAS, name
        assert np.abs(z_scores(1.3 * found[name], found["population"])).max() > SIGMAS, (
            name
        )  # the planted bias
    assert found["stratified"].var(0).sum() < found["expected"].var(0).sum() < found["sampled"].var(0).sum()


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["mess3", "rrxor", "moon"])
def test_words_drawn_together_are_a_sub_tree(name):
    """Each child of a node that n words pass gets n p(x) of them, rounded; the distributions are exact; no
    word is impossible.
    """
    process, batch = named(name), 50
    words, distributions = stratified(train.tables(process), jax.random.key(0), batch, 4)
    words = np.asarray(words)
    found = processes.filter(process, words)  # raises on an impossible word
    assert (
        np.abs(np.asarray(distributions) - processes.predict(process, found.belief)).max() < 1e-5
    )  # float32, four steps
    assert words.tolist() == sorted(words.tolist())
    for t in range(4):
        for prefix in np.unique(words[:, :t], axis=0):
            here = words[(words[:, :t] == prefix).all(1)]
            belief = processes.filter(process, prefix).belief[-1] if t else process.start
            share = len(here) * processes.predict(process, belief)
            count = np.bincount(here[:, t], minlength=process.vocab)
            assert (np.abs(count - share) < 1 + 1e-4).all()


@pytest.mark.thorough
def test_independent_words_are_no_such_sub_tree():
    """The planted violation of the test above."""
    words = np.asarray(train.sample(train.tables(named("coin")), jax.random.key(0), 1000, 1))
    assert abs(words.sum() - 500) > 1


@pytest.mark.thorough
def test_prefix_counts_have_their_mean():
    process, batch, draws = named("rrxor"), 8, 2000
    keys = jax.random.split(jax.random.key(3), draws)
    words = np.asarray(jax.jit(jax.vmap(lambda k: stratified(train.tables(process), k, batch, 5)[0]))(keys))
    tree = prefix_tree(process, 5)
    here = tree.level(5)
    code = 2 ** np.arange(5)
    counts = (words @ code)[:, :, None] == tree.words[here] @ code
    share = counts.mean(1)  # (draws, words of five tokens)
    z = (share.mean(0) - tree.probability[here]) / (share.std(0) / np.sqrt(draws))
    assert np.abs(z).max() < SIGMAS and counts.sum() == draws * batch


@pytest.mark.thorough
def test_sampling_a_product_takes_no_dense_tables():
    three = processes.product([named("mess3")] * 3).process()
    table = train.tables(three)
    assert (
        sum(leaf.nbytes for leaf in jax.tree.leaves(table)) < 5 * 4 * three.T.size
    )  # T and three tables of its edges, in float32
    words, distributions = stratified(table, jax.random.key(0), 16, 8)
    split = processes.product([named("mess3")] * 3).next_tokens(np.asarray(words))
    exact = processes.product([named("mess3")] * 3).joint_distribution(split)
    assert np.abs(np.asarray(distributions) - exact).max() < 1e-5


def test_the_loss_lies_between_its_bounds():
    process = named("mess3")
    config = TransformerConfig(vocab=3, n_ctx=5, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=0)
    network = toy.network(config)
    params = network.init(jax.random.key(0))
    exact = loss_bounds(network, params, prefix_tree(process, 5))
    assert (
        exact.left_out < 1e-12
        and exact.lower == pytest.approx(exact.kept, abs=1e-9)
        and exact.upper == pytest.approx(exact.kept, abs=1e-9)
    )
    for least in (1e-3, 1e-2, 0.1):
        b = loss_bounds(network, params, prefix_tree(process, 5, least=least))
        assert b.lower < exact.kept < b.upper and b.left_out > 1e-3
    assert (
        b.kept + 0.1 < b.lower
    )  # what the exact floor of the left-out contexts adds; more than that would be no bound:
    assert b.kept + b.left_out * np.log(3) * 1.5 > exact.kept
    logits = jax.jit(network.apply)(params, prefix_tree(process, 5).words[-243:])["logits"]
    assert -float(jax.nn.log_softmax(logits).min()) < worst_surprise(config, params)
    assert worst_surprise(replace(config, norm="none"), params) == np.inf


def test_the_population_of_a_deep_tree_is_refused_with_the_remedy(recipe):
    deep = replace(recipe.model, n_ctx=40)
    with pytest.raises(RecipeError, match=r"over 1000000 prefixes of up to 40 tokens.*stratified"):
        replace(recipe, objective="population", batch=None, model=deep)
    assert replace(recipe, objective="stratified", model=deep).batch == 16
    with pytest.raises(RecipeError, match="batch is None"):
        replace(recipe, objective="stratified", batch=None)
