"""Words are drawn with their exact probabilities."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

import processes as P
from processes import CATALOGUE, ProcessError, named
from processes.sample import _by_belief, _by_state
from processes.strategies import hmms

N, LENGTH = 20_000, 4


def exact(process, length):
    words = itertools.product(range(process.vocab), repeat=length)
    return np.array([P.probability(process, word) for word in words]).clip(0)


def z_score(words, distribution):
    """Pearson's chi-square of word counts against `distribution`, in standard errors: it has mean k-1 and,
    exactly, variance 2 (k-1) + (sum 1/p - k^2 - 2k + 2)/n under it (k words of positive probability).
    """
    V = round(len(distribution) ** (1 / words.shape[1]))
    counts = np.bincount(words @ V ** np.arange(words.shape[1])[::-1], minlength=len(distribution))
    n, seen = len(words), distribution > 1e-12
    assert counts[~seen].sum() == 0, "an impossible word was drawn"
    p = distribution[seen]
    k = len(p)
    if k == 1:
        return 0.0
    chi2 = ((counts[seen] - n * p) ** 2 / (n * p)).sum()
    return (chi2 - (k - 1)) / np.sqrt(2 * (k - 1) + ((1 / p).sum() - k * k - 2 * k + 2) / n)


@pytest.mark.parametrize("name", CATALOGUE)
def test_words_have_their_probabilities(name):
    """The chi-square of 20 000 words of length 4 lies within five of its own standard errors; the seed is
    fixed.
    """
    process = named(name)
    words = P.sample(process, (N, LENGTH), np.random.default_rng(7))
    assert abs(z_score(words, exact(process, LENGTH))) < 5


@pytest.mark.parametrize("spec", ["rrxor", "mess3", "sns", "cycle"])
def test_by_belief_draws_the_same_law_from_hmms(spec):
    process = named(spec)
    for draw in (_by_belief, _by_state):
        words = draw(process, N, LENGTH, np.random.default_rng(3)).T
        assert abs(z_score(words, exact(process, LENGTH))) < 5


@pytest.mark.parametrize(
    ("drawn", "claimed"),
    [("mess3(x=.05, a=.85)", "mess3(x=.06, a=.85)"), ("fanizza", "fanizza(alpha=2000, lam=.46)")],
)
def test_a_wrong_law_is_caught(drawn, claimed):
    words = P.sample(named(drawn), (N, LENGTH), np.random.default_rng(7))
    assert z_score(words, exact(named(claimed), LENGTH)) > 5


@pytest.mark.thorough
def test_the_last_symbols_of_long_words_have_their_law_too():
    """Stationary: symbols 300..303 are distributed as the first four."""
    for spec in ("rrxor", "moon"):
        process = named(spec)
        words = P.sample(process, (4000, 304), np.random.default_rng(1))
        assert abs(z_score(words[:, -4:], exact(process, 4))) < 5


@given(process=hmms())
@settings(max_examples=25, deadline=None)
def test_only_possible_words(process):
    words = P.sample(process, (50, 12), np.random.default_rng(0))
    assert np.isfinite(P.filter(process, words).log_probability).all()


@pytest.mark.parametrize("spec", ["rrxor", "moon"])
@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (0, 4), (3, 0)])
def test_shapes_and_seeds(spec, shape):
    process = named(spec)
    a, b = (P.sample(process, shape, np.random.default_rng(5)) for _ in range(2))
    assert a.shape == shape and np.issubdtype(a.dtype, np.integer)
    np.testing.assert_array_equal(a, b)
    if shape == (2, 3, 4):
        assert not np.array_equal(a, P.sample(process, shape, np.random.default_rng(6)))


def test_a_start_is_respected():
    process = replace(named("rrxor"), start=np.eye(5)[3])  # T: one is the only symbol
    assert (P.sample(process, (100, 1), np.random.default_rng(0)) == 1).all()


def test_a_signed_process_that_is_none_raises():
    good = named("fanizza")
    broken = replace(good, T=np.stack([good.T[0] + 1.5 * good.T[1], -0.5 * good.T[1]]))
    with pytest.raises(ProcessError, match="negative"):
        P.sample(broken, (10, 5), np.random.default_rng(0))
