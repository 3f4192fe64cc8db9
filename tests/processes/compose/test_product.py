"""Products and mixtures: joint filters, probabilities and entropies of words."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import all_words, distribution_of_words
from oracles.compose import ROUNDING, assert_is_a_process, modest

from processes import (
    ProcessError,
    block_entropy,
    coin,
    entropy_rate,
    filter,
    mixture,
    named,
    prefix_tree,
    probability,
    product,
    relabelled,
)
from processes.names.catalogue import CATALOGUE
from processes.strategies import hmms

BINARY = [name for name in CATALOGUE if named(name).vocab == 2]


# -- products
# ----------------------------------------------------------------------------------------------------


TWO = [
    ("mess3", "even"),
    ("rrxor", "mess3"),
    ("coin", "sns"),
    ("nemo", "golden_mean"),
    ("zero_one_random", "random_insertion"),
]


@pytest.mark.parametrize("pair", TWO)
def test_the_joint_filter_is_the_product_of_filters(pair):
    made = product([named(name) for name in pair])
    joint = made.process()
    tree = prefix_tree(joint, 4)
    last = tree.level(4)
    words = tree.words[last][:, :4]
    parts = made.filter(words)
    assert (
        np.abs(sum(f.log_probability for f in parts)[:, -1] - np.log(tree.probability[last])).max() < ROUNDING
    )
    beliefs = made.joint_distribution([f.belief for f in parts])
    assert np.abs(beliefs[:, -1] - tree.belief[last]).max() < ROUNDING
    assert (
        np.abs(made.joint_distribution(made.next_tokens(words))[:, -1] - tree.next_token[last]).max()
        < ROUNDING
    )
    swapped = product(made.factors[::-1])  # the planted violation: factors in the wrong order of significance
    wrong = swapped.process()
    assert wrong.T.shape != joint.T.shape or np.abs(wrong.T - joint.T).max() > 0.01


@pytest.mark.thorough
@modest
@given(hmms(max_states=3, max_vocab=2), hmms(max_states=3, max_vocab=3))
def test_word_probabilities_of_a_product_multiply(p, q):
    made = product([p, q])
    joint = made.process()
    words = all_words(made.vocab, 3) if made.vocab < 5 else all_words(made.vocab, 2)
    a, b = made.split(words)
    expected = [probability(p, u) * probability(q, v) for u, v in zip(a, b, strict=True)]
    assert np.abs([probability(joint, w) for w in words] - np.array(expected)).max() < ROUNDING
    assert_is_a_process(joint, 2)


@pytest.mark.parametrize("pair", [("even", "golden_mean"), ("nemo", "coin"), ("zero_one_random", "even")])
def test_entropies_of_a_product_add(pair):
    p, q = (named(name) for name in pair)
    joint = product([p, q]).process()
    assert np.abs(block_entropy(joint, 5) - block_entropy(p, 5) - block_entropy(q, 5)).max() < ROUNDING
    assert entropy_rate(joint).value == pytest.approx(
        entropy_rate(p).value + entropy_rate(q).value, abs=ROUNDING
    )


def test_entropies_of_dependent_processes_do_not_add():
    """The planted violation: one process read twice in one token has half the entropy of two copies."""
    p = named("even")
    twice = relabelled(p, [0, 3], vocab=4)
    assert entropy_rate(twice).value == pytest.approx(entropy_rate(p).value, abs=ROUNDING)
    assert entropy_rate(product([p, p]).process()).value > entropy_rate(twice).value + 0.4


@pytest.mark.thorough
@modest
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_split_and_join_are_inverse(radices, data):
    made = product([coin(p=0.5) if r == 2 else relabelled(coin(p=1.0), [0, 0], vocab=r) for r in radices])
    tokens = np.arange(made.vocab)
    assert np.array_equal(made.join(made.split(tokens)), tokens)
    symbols = [np.array([data.draw(st.integers(0, r - 1))]) for r in radices]
    number = 0
    for r, x in zip(radices, symbols, strict=True):
        number = number * r + int(x[0])  # big-endian: factor 0 most significant
    assert made.join(symbols)[0] == number
    assert np.array_equal(np.ravel(made.digits[number]), np.ravel(symbols))


def test_products_of_many_factors_never_build_the_joint():
    made = product([named("mess3")] * 8)
    with pytest.raises(ProcessError, match="work with its factors"):
        made.process()
    words = np.random.default_rng(0).integers(0, made.vocab, (2, 5))
    assert [f.belief.shape for f in made.filter(words)] == [(2, 5, 3)] * 8
    assert len(made.next_tokens(words)) == 8


def test_a_star_between_processes_is_the_product():
    p, q, r = named("mess3"), named("even"), coin(p=0.3)
    assert p * q == product([p, q]).process() and (p * q).spec == f"{p.spec} * {q.spec}"
    assert p * q * r == p * (q * r) == named(f"{p.spec} * even * coin(p=0.3)") != q * p * r
    for other in (2, "mess3", None):
        with pytest.raises(TypeError, match="unsupported|multiply"):
            p * other


# -- mixtures
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", list(itertools.combinations(BINARY, 2))[::3])
def test_the_posterior_over_components_is_bayes_rule(pair):
    components, weights = [named(name) for name in pair], np.array([0.3, 0.7])
    made = mixture(components, weights)
    tree = prefix_tree(made.process(), 5)
    words = [tree.words[n][: tree.length[n]] for n in range(len(tree))]
    joint = np.array(
        [[c * probability(p, w) for c, p in zip(weights, components, strict=True)] for w in words]
    )
    expected = joint / joint.sum(1, keepdims=True)
    assert np.abs(joint.sum(1) - tree.probability).max() < ROUNDING
    assert np.abs(made.posterior(tree.belief) - expected).max() < ROUNDING
    unweighted = np.array(
        [[probability(p, w) for p in components] for w in words]
    )  # the planted violation: a prior forgotten
    assert np.abs(unweighted / unweighted.sum(1, keepdims=True) - expected).max() > 0.1
    inside = [n for n in range(len(tree)) if joint[n, 1] > 0]
    for n in inside[1:]:
        assert (
            np.abs(
                made.within(tree.belief[n : n + 1], 1)[0]
                - filter(components[1], words[n][None]).belief[0, -1]
            ).max()
            < ROUNDING
        )


@pytest.mark.thorough
@modest
@given(st.data())
def test_mixtures_of_random_processes(data):
    p, q = (data.draw(hmms(max_states=3, max_vocab=2)) for _ in range(2))
    if p.vocab != q.vocab:
        with pytest.raises(ProcessError, match="one alphabet"):
            mixture([p, q], [0.5, 0.5])
        return
    c = data.draw(st.integers(0, 20)) / 20
    made = mixture([p, q], [c, 1 - c]).process()
    assert (
        np.abs(
            distribution_of_words(made, 4)
            - c * distribution_of_words(p, 4)
            - (1 - c) * distribution_of_words(q, 4)
        ).max()
        < ROUNDING
    )


def test_the_rate_of_a_mixture_is_the_mean_rate():
    made = mixture([coin(p=0.5), named("even")], [0.25, 0.75]).process()
    rates = [0.25 * entropy_rate(coin(p=0.5)).value + 0.75 * entropy_rate(named("even")).value]
    # h(L) approaches it from above by at most H(component) / L, the price of finding out which one it is
    excess = block_entropy(made, 14)[-1] / 14 - rates[0]
    assert 0 < excess < 0.14
