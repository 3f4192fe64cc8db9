"""Filtering in segments is filtering: equal to the plain recursion, without underflow, with exact zeros and
the same errors.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import processes as P
from processes import CATALOGUE, ProcessError, named
from processes.segmented_filter import WIDTH, _segments, walk
from processes.strategies import hmms

ROUNDING = 1e-12  # a few thousand float64 roundings


def plainly(process, word):
    """Beliefs and conditional probabilities of one word by Bayes' rule, written out."""
    belief, beliefs, chances = process.start, [], []
    for x in word:
        joint = belief @ process.T[x]
        chances.append(joint @ process.w)
        belief = joint / chances[-1]
        beliefs.append(belief)
    return np.array(beliefs), np.array(chances)


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("segments", [1, 2, 7, 50])
def test_equal_to_the_plain_recursion(name, segments):
    process = named(name)
    words = P.sample(process, (3, 50), np.random.default_rng(0))
    belief, chance = walk(process, words, segments=segments)
    for i, word in enumerate(words):
        b, c = plainly(process, word)
        np.testing.assert_allclose(belief[i], b, rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(chance[i], c, rtol=0, atol=ROUNDING)
        if process.kind == "hmm":
            np.testing.assert_array_equal(belief[i] == 0, b == 0)


@pytest.mark.thorough
@given(process=hmms(), segments=st.integers(1, 12), seed=st.integers(0, 99), length=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_random_processes_and_segments(process, segments, seed, length):
    word = P.sample(process, (1, length), np.random.default_rng(seed))
    belief, chance = walk(process, word, segments=segments)
    b, c = plainly(process, word[0])
    np.testing.assert_allclose(belief[0], b, rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(chance[0], c, rtol=0, atol=ROUNDING)
    np.testing.assert_array_equal(belief[0] == 0, b == 0)


def test_a_shifted_segment_would_be_caught():
    """The comparison above is sharp: starting one symbol late is far outside its tolerance."""
    process = named("mess3")
    word = P.sample(process, (1, 50), np.random.default_rng(0))
    late = walk(process, word[:, 1:])[0]
    assert np.abs(walk(process, word)[0][:, 1:] - late).max() > 1e6 * ROUNDING


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("spec", "n"),
    [("mess3", 100_000), ("rrxor", 100_000), ("fanizza", 20_000), ("moon", 10_000), ("bloch_walk", 10_000)],
)
def test_long_words(spec, n):
    """No underflow, -log P / n near the entropy rate, next-token distributions everywhere, and equality with
    the plain recursion.
    """
    process = named(spec)
    words = P.sample(process, (1, n), np.random.default_rng(2))
    assert _segments(process, 1, n) > 1  # the segmented path is the one under test
    found = P.filter(process, words)
    assert np.isfinite(found.log_probability).all() and np.isfinite(found.belief).all()
    distribution = P.predict(process, found.belief)
    np.testing.assert_allclose(distribution.sum(-1), 1, atol=1e-11)
    b, c = plainly(process, words[0, :5000])
    np.testing.assert_allclose(
        found.belief[0, :5000], b, rtol=0, atol=1e-11 if process.kind == "ghmm" else ROUNDING
    )
    np.testing.assert_allclose(found.log_probability[0, :5000], np.log(c).cumsum(), rtol=1e-12)
    # The next-token distribution at t gives the conditional probability of symbol t+1.
    step = np.diff(found.log_probability[0])
    np.testing.assert_allclose(
        step, np.log(distribution[0, np.arange(n - 1), words[0, 1:]]), atol=1e-9
    )  # differences of sums near 1e5
    surprise = P.entropy(distribution)
    error = (
        5 * np.std(-step - surprise[0, :-1]) / np.sqrt(n - 1)
    )  # martingale differences: five standard errors of their mean
    assert abs(np.mean(-step - surprise[0, :-1])) < error


def test_a_state_that_seems_impossible_for_long_is_not_forgotten():
    """Two coins of unknown bias: 3000 flips favour one by e^-5000, the word's later half the other; no row
    may underflow.
    """
    T = np.array([[[0.9, 0.0], [0.0, 0.1]], [[0.1, 0.0], [0.0, 0.9]]])
    mixture = P.hmm(T, start=[0.5, 0.5])
    only = replace(mixture, start=np.array([0.0, 1.0]))
    word = np.zeros((1, 3000), int)
    for process in (mixture, only):
        belief, chance = walk(process, word, segments=4)
        b, c = plainly(process, word[0])
        np.testing.assert_allclose(belief[0], b, rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(chance[0], c, rtol=0, atol=ROUNDING)
    assert chance[0, -1] == pytest.approx(0.1) and belief[0, -1, 1] == 1


def test_tiny_probabilities_do_not_underflow_within_a_segment():
    tiny = 1e-60
    process = P.hmm([[[tiny, tiny], [tiny, 2 * tiny]], [[0.5, 0.5 - 2 * tiny], [0.3, 0.7 - 3 * tiny]]])
    word = np.zeros((1, 64), int)
    belief, chance = walk(process, word, segments=2)
    b, c = plainly(process, word[0])
    np.testing.assert_allclose(belief[0], b, rtol=1e-12)
    np.testing.assert_allclose(chance[0], c, rtol=1e-12)


@pytest.mark.parametrize("position", [0, 1, 31, 500, 998, 999])
def test_impossible_words_name_their_position(position):
    process = named("golden_mean")
    word = np.zeros((2, 1000), int)
    word[1, position] = 1
    word[1, max(position - 1, 0)] = 1
    first = position if position else 1
    if not position:
        word[1, 1] = 1
    with pytest.raises(ProcessError, match=rf"at its position {first}\)") as caught:
        P.filter(process, word)
    assert len(str(caught.value)) < 250
    assert ("(its last 20 symbols)" in str(caught.value)) == (first >= 20)
    assert "1" * 2 in str(caught.value)


def test_a_hundred_thousand_symbols_are_not_printed():
    process, word = named("golden_mean"), np.zeros((1, 100_000), int)
    word[0, -2:] = 1
    with pytest.raises(
        ProcessError, match=r"\.\.\.0{18}11 \(its last 20 symbols\) has probability zero .* position 99999\)"
    ):
        P.filter(process, word)


@pytest.mark.parametrize("shape", [(1, 0), (0, 5), (2, 3, 40), (40,), (3, 1)])
def test_shapes(shape):
    process = named("mess3")
    words = P.sample(process, shape, np.random.default_rng(0))
    found = P.filter(process, words)
    assert found.belief.shape == (*shape, 3) and found.log_probability.shape == shape
    if len(shape) == 3:
        np.testing.assert_array_equal(found.belief[1, 2], P.filter(process, words[1, 2]).belief)


def test_batches_wider_than_a_block():
    process = named("mess3")
    words = P.sample(process, (WIDTH + 3, 4), np.random.default_rng(0))
    found = P.filter(process, words)
    np.testing.assert_allclose(
        found.belief[[0, WIDTH - 1, WIDTH, -1]],
        P.filter(process, words[[0, WIDTH - 1, WIDTH, -1]]).belief,
        atol=ROUNDING,
    )


def test_many_states_take_the_other_way():
    rng = np.random.default_rng(0)
    T = rng.random((4, 12, 12))
    process = P.hmm(T / T.sum((0, 2))[None, :, None])
    words = P.sample(process, (5, 40), rng)
    belief, chance = walk(process, words)
    for segments in (1, 3):
        b, c = walk(process, words, segments=segments)
        np.testing.assert_allclose(b, belief, atol=ROUNDING)
    for i, word in enumerate(words):
        b, c = plainly(process, word)
        np.testing.assert_allclose(belief[i], b, atol=ROUNDING)
        np.testing.assert_allclose(chance[i], c, atol=ROUNDING)
