"""Compositions: products, mixtures, vocabularies, noise, triggers and blocks, against enumeration of all
words.
"""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import all_words, distribution_of_words
from oracles.compose import ROUNDING, assert_is_a_process, modest

from processes import (
    ProcessError,
    block,
    block_entropy,
    coin,
    coupled,
    entropy,
    entropy_rate,
    expand,
    filter,
    ghmm,
    h,
    mixture,
    named,
    noisy,
    predict,
    prefix_tree,
    probability,
    product,
    relabelled,
    symmetric_channel,
    triggered,
)
from processes.names.catalogue import CATALOGUE
from processes.strategies import hmms


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_oracle_is_the_probability_of_words(name):
    process = named(name)
    assert (
        np.abs(
            distribution_of_words(process, 3) - [probability(process, w) for w in all_words(process.vocab, 3)]
        ).max()
        < ROUNDING
    )


def entropy_of_words(process, n):
    return float(entropy(distribution_of_words(process, n)[None])[0])


def skewed(process):
    """The same word distribution in mixed coordinates: a generalised HMM with signed entries."""
    G = np.linalg.qr(np.random.default_rng(3).normal(size=(process.n_states,) * 2))[0] + 0.1 * np.eye(
        process.n_states
    )
    return ghmm(np.linalg.inv(G) @ process.T @ G)


# -- vocabularies and noise
# ----------------------------------------------------------------------------------------------------


@pytest.mark.thorough
@modest
@given(hmms(), st.data())
def test_injective_maps_keep_entropies_and_beliefs(process, data):
    vocab = process.vocab + 2
    symbols = data.draw(st.permutations(range(vocab)))[: process.vocab]
    made = relabelled(process, symbols, vocab=vocab)
    assert entropy_of_words(made, 3) == pytest.approx(entropy_of_words(process, 3), abs=ROUNDING)
    tree = prefix_tree(process, 3)
    last = tree.level(3)
    words = tree.words[last][:, :3]
    assert (
        np.abs(filter(made, np.asarray(symbols)[words]).belief - filter(process, words).belief).max()
        < ROUNDING
    )


@modest
@given(hmms(max_vocab=3))
def test_merging_never_raises_entropy(process):
    merged = relabelled(process, [0] * process.vocab, vocab=1)
    assert entropy_of_words(merged, 4) == pytest.approx(0, abs=ROUNDING)
    if process.vocab == 3:
        pairs = relabelled(process, [0, 1, 1], vocab=2)
        assert entropy_of_words(pairs, 4) <= entropy_of_words(process, 4) + ROUNDING
        words = all_words(3, 3)
        expected = np.zeros(8)
        np.add.at(expected, np.minimum(words, 1) @ [4, 2, 1], distribution_of_words(process, 3))
        assert np.abs(distribution_of_words(pairs, 3) - expected).max() < ROUNDING


def test_merging_is_caught_where_injective_maps_keep_entropies():
    process = named("mess3")
    assert h(process, 3)[-1] - h(relabelled(process, [0, 1, 1], vocab=2), 3)[-1] > 0.1


@modest
@given(hmms(max_vocab=2), st.integers(0, 20))
def test_noise_by_summing_over_what_was_sent(process, e):
    channel = symmetric_channel(process.vocab, error=e / 20 if process.vocab > 1 else 0.0)
    channel = np.hstack([channel * 0.9, np.full((process.vocab, 1), 0.1)])  # and a tenth is erased
    made = noisy(process, channel)
    sent, read = all_words(process.vocab, 3), all_words(made.vocab, 3)
    p = distribution_of_words(process, 3)
    expected = [sum(p[k] * np.prod(channel[u, v]) for k, u in enumerate(sent)) for v in read]
    assert np.abs(distribution_of_words(made, 3) - expected).max() < ROUNDING
    transposed = np.prod(channel[:, : process.vocab].T[sent[0], sent[0]])
    assert transposed == pytest.approx(
        np.prod(channel[sent[0], sent[0]])
    )  # on the diagonal both readings of a channel agree ...


def test_a_transposed_channel_is_caught():
    """... and off it they do not, which the columns of an asymmetric channel show: no distributions."""
    z_channel = np.array([[1.0, 0.0], [0.3, 0.7]])
    assert distribution_of_words(noisy(coin(p=0.5), z_channel), 1) == pytest.approx([0.65, 0.35])
    with pytest.raises(ProcessError, match="row 0 of the channel"):
        noisy(coin(p=0.5), z_channel.T)


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_noise_and_full_noise(name):
    process = named(name)
    V = process.vocab
    assert np.abs(noisy(process, np.eye(V)).T - process.T).max() < 1e-15
    assert np.abs(distribution_of_words(noisy(process, np.full((V, V), 1 / V)), 3) - V**-3.0).max() < ROUNDING


# -- triggers
# ----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(hmms(max_states=3, max_vocab=2), hmms(max_states=3, max_vocab=2))
def test_triggered_words_by_hand(p, q):
    """P(u, trigger to the second, v) = (1-e)^|u| P_p(u) e P_q(v), when there is no way back."""
    if p.vocab != q.vocab:
        return
    V, e = p.vocab, 0.2
    made = triggered([p, q], [[0, e], [0, 0]], first=[1, 0])
    for u, v in itertools.product(all_words(V, 2), all_words(V, 2)):
        expected = (1 - e) ** 2 * probability(p, u) * e * probability(q, v)
        assert probability(made, [*u, V + 1, *v]) == pytest.approx(expected, abs=1e-13)
    assert probability(made, [V]) == 0 and probability(made, [V + 1, V + 1]) == 0
    assert_is_a_process(made)


def test_the_trigger_is_what_tells_the_components_apart():
    p = triggered([named("even"), named("golden_mean")], [[0.0, 0.1], [0.1, 0.0]], first=[0.5, 0.5])
    belief = filter(p, np.array([[0, 3], [0, 2]])).belief[:, -1]  # 3 starts component 1, 2 starts component 0
    assert np.abs(belief[0, :2]).max() == 0 and np.abs(belief[1, 2:]).max() == 0
    silent = mixture(
        [named("even"), named("golden_mean")], [0.5, 0.5]
    ).process()  # without triggers, one word cannot tell
    assert 0 < filter(silent, np.array([[0, 0]])).belief[0, -1, :2].sum() < 1


# -- blocks
# ----------------------------------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_blocks_have_the_words_and_n_times_the_entropy(name, n):
    process = named(name)
    made = block(process, n)
    assert np.abs(distribution_of_words(made, 2) - distribution_of_words(process, 2 * n)).max() < ROUNDING
    assert np.abs(block_entropy(made, 2) - block_entropy(process, 2 * n)[n - 1 :: n]).max() < ROUNDING
    one = replace(process)  # entropies by symbol are not entropies by block
    assert n == 1 or abs(block_entropy(made, 2)[-1] - block_entropy(one, 2)[-1]) > 0.1
    if name in ("even", "golden_mean", "coin"):
        assert entropy_rate(made).value == pytest.approx(n * entropy_rate(process).value, abs=ROUNDING)


@pytest.mark.thorough
@modest
@given(hmms(max_states=3, max_vocab=2))
def test_expand_undoes_block(process):
    for n in (1, 2, 3):
        spelt = expand(block(process, n), radix=process.vocab, digits=n)
        assert np.abs(distribution_of_words(spelt, 5) - distribution_of_words(process, 5)).max() < ROUNDING


@pytest.mark.parametrize(("name", "radix", "digits"), [("mess3", 3, 1), ("coin", 2, 1)])
def test_expand_by_one_digit_changes_nothing(name, radix, digits):
    process = named(name)
    assert np.abs(expand(process, radix=radix, digits=digits).T - process.T).max() < 1e-15


@settings(deadline=None, max_examples=20)
@given(hmms(max_states=2, max_vocab=2), hmms(max_states=2, max_vocab=2))
def test_block_undoes_expand(p, q):
    if p.vocab != q.vocab:
        return
    tokens = product([p, q]).process()  # V^2 tokens
    back = block(expand(tokens, radix=p.vocab, digits=2), 2)
    assert np.abs(distribution_of_words(back, 2) - distribution_of_words(tokens, 2)).max() < ROUNDING


def test_spelling_divides_the_rate():
    tokens = product([named("golden_mean"), coin(p=0.3)]).process()
    spelt = expand(tokens, radix=2, digits=2)
    assert entropy_rate(spelt).value == pytest.approx(entropy_rate(tokens).value / 2, abs=ROUNDING)
    little_endian = relabelled(
        tokens, [0, 2, 1, 3], vocab=4
    )  # the planted violation: digits in the other order are other words
    assert (
        np.abs(
            distribution_of_words(expand(little_endian, radix=2, digits=2), 3)
            - distribution_of_words(spelt, 3)
        ).max()
        > 0.01
    )


# -- generalised HMMs and misuse
# ---------------------------------------------------------------------------------------------------

WAYS = {
    "product": lambda p, q: product([p, q]).process(),
    "coupled": lambda p, q: coupled(
        [p, [q, named("golden_mean")]], "sequential", maps=[[0], [1, 0]]
    ).process(),
    "mixture": lambda p, q: mixture([p, q], [0.4, 0.6]).process(),
    "relabelled": lambda p, q: relabelled(p, [1, 0], vocab=2),
    "noisy": lambda p, q: noisy(p, symmetric_channel(2, error=0.1)),
    "triggered": lambda p, q: triggered([p, q], [[0.0, 0.3], [0.2, 0.1]], first=[0.5, 0.5]),
    "block": lambda p, q: block(p, 2),
}


@pytest.mark.parametrize("way", WAYS)
def test_generalised_processes_compose_like_hmms(way):
    p, q = named("nemo"), named("even")
    expected, made = WAYS[way](p, q), WAYS[way](skewed(p), q)
    assert made.kind == "ghmm" and expected.kind == "hmm"
    assert np.abs(distribution_of_words(made, 4) - distribution_of_words(expected, 4)).max() < 1e-10
    words = all_words(made.vocab, 2)
    words = words[distribution_of_words(expected, 2) > 0]
    distributions = [predict(x, filter(x, words).belief[:, -1]) for x in (made, expected)]
    assert np.abs(distributions[0] - distributions[1]).max() < 1e-9


MISUSE = {
    "no factors": (lambda: product([]), "at least one factor"),
    "foreign token": (lambda: product([coin(p=0.5)]).split(np.array([2])), "not in the alphabet"),
    "foreign symbol": (lambda: product([coin(p=0.5)]).join([np.array([2])]), "not in the alphabet"),
    "missing factor": (
        lambda: product([coin(p=0.5)] * 2).join([np.array([0])]),
        "1 sequences of symbols for 2",
    ),
    "no components": (lambda: mixture([], []), "at least one process"),
    "weights": (lambda: mixture([coin(p=0.5)] * 2, [0.5, 0.6]), "no distribution on 2 outcomes"),
    "negative weight": (lambda: mixture([coin(p=0.5)] * 2, [1.5, -0.5]), "no distribution on 2 outcomes"),
    "foreign belief": (
        lambda: mixture([coin(p=0.5)] * 2, [0.5, 0.5]).posterior(np.ones((1, 3))),
        "3 coordinates",
    ),
    "short map": (lambda: relabelled(coin(p=0.5), [0], vocab=2), "does not rename the 2 symbols"),
    "map out of range": (lambda: relabelled(coin(p=0.5), [0, 2], vocab=2), "does not rename"),
    "channel shape": (lambda: noisy(coin(p=0.5), np.eye(3)), "one row for each of the 2"),
    "impossible error": (lambda: symmetric_channel(1, error=0.5), "at least 2 symbols"),
    "switch": (
        lambda: triggered([coin(p=0.5)] * 2, [[0.5, 0.6], [0, 0]], first=[1, 0]),
        "row at most 1",
    ),
    "empty block": (lambda: block(coin(p=0.5), 0), "not 0"),
    "huge block": (lambda: block(coin(p=0.5), 40), "shorter blocks"),
    "digits": (lambda: expand(named("mess3"), radix=2, digits=2), "do not spell"),
    "spelling a generalised HMM": (
        lambda: expand(skewed(named("nemo")), radix=2, digits=1),
        "generalised HMM",
    ),
}


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_is_refused_in_one_sentence(case):
    make, message = MISUSE[case]
    with pytest.raises(ProcessError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_composites_keep_their_parts():
    p, q = named("mess3"), named("mess3:piotrowski2025")
    assert product([p, q]).factors == (p, q) and mixture([p, q], [0.5, 0.5]).components == (p, q)
    assert math.prod(product([p, q]).radices) == product([p, q]).vocab == 9
