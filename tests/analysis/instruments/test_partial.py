"""What networks tell beyond a rival: partial R2, and rank correlation given several other quantities."""

import numpy as np
import pytest
from planted.networks import LAYERS, last_token, planted, study_of

import processes
from analysis.controls import LEFT, beyond_rival, selective
from analysis.instruments.contexts import contexts
from analysis.instruments.probing.baselines import BASELINES
from analysis.instruments.probing.partial import beyond, partial_r2
from analysis.instruments.probing.probe import moments, probe
from analysis.instruments.probing.study import Study
from analysis.instruments.statistics import partial_rank_correlation, rank_correlation_given, ranks

LAST = LAYERS[-1]
MEMORY = "markov_2"


@pytest.fixture(scope="module")
def t():
    return contexts(processes.named("rrxor"), 8)


def holding(t, features, **how):
    """A study of two networks that hold the same in every layer."""
    return study_of(t, np.random.default_rng(0), lambda i: features, seeds=2, **how)


def test_what_a_rival_leaves_is_explained_by_who_holds_the_belief(t):
    study = holding(t, t.belief, noise=1e-3)
    for rival in BASELINES:
        found = beyond(study, LAST, rival)
        assert found.rival == study.baseline(rival).r2 and (found.both > 0.99).all()
        np.testing.assert_allclose(found.increment, found.both - found.rival)
        np.testing.assert_allclose(found.partial, found.increment / (1 - found.rival))
        assert (found.partial > 0.99).all()


@pytest.mark.parametrize("rival", ["next_token", "markov_1", "markov_2", "markov_3"])
def test_who_holds_the_rival_itself_explains_nothing_of_what_it_leaves(t, rival):
    found = beyond(holding(t, BASELINES[rival](t), noise=1e-3), LAST, rival)
    assert (np.abs(found.partial) < 0.05).all() and (found.partial < LEFT).all()


def test_it_does_not_matter_how_loud_a_network_is(t):
    quiet = holding(t, t.belief, noise=0.5)
    loud = [
        type(e)(t, {layer: 1e3 * x for layer, x in e.activations.items()}, e.log_prediction)
        for e in quiet.trained
    ]
    both = (beyond(s, LAST, MEMORY).partial for s in (quiet, Study(t, LAYERS, loud, quiet.untrained)))
    np.testing.assert_allclose(*both, atol=1e-4)


def test_features_and_rival_are_probed_side_by_side(t):
    """The same by hand, the rival's columns standardised and as loud as a feature."""
    study = holding(t, t.belief[:, :2], noise=0.3)
    found = beyond(study, LAST, MEMORY)
    scored = t.fold >= 0
    weight = t.weight[scored] / t.weight[scored].sum()

    def variance(x):
        return weight @ (x[scored] - weight @ x[scored]) ** 2

    rival = BASELINES[MEMORY](t)
    rival = rival[:, variance(rival) > 1e-9]
    rival = (rival - weight @ rival[scored]) / np.sqrt(variance(rival))
    for network, both in zip(study.trained, found.both, strict=True):
        x = network.activations[LAST].astype(float)
        side = np.hstack([x, np.sqrt(variance(x).mean()) * rival])
        assert both == pytest.approx(probe(moments(side, t.belief, t)).r2, abs=1e-6)


def test_a_rival_that_is_the_belief_by_algebra_has_no_say():
    mess3 = contexts(processes.named("mess3"), 6)
    study = holding(mess3, mess3.belief)
    assert study.baseline("next_token").r2 > 0.999
    assert beyond_rival(lambda s: LAST, "next_token").values(study) is None
    assert (beyond_rival(lambda s: LAST, "token_window").values(study) > LEFT).all()


def test_training_that_gains_beliefs_is_told_from_training_that_gains_none(t):
    (right,) = [selective(lambda s: LAST).values(holding(t, t.belief, noise=0.05))]
    assert (right > 0).all()
    rng = np.random.default_rng(0)
    fresh = [planted(t, rng, lambda i: last_token(t), noise=0.3, seeds=2) for _ in range(2)]
    same = selective(lambda s: LAST).values(Study(t, LAYERS, *fresh))
    assert np.abs(same).max() < 0.05 < right.min()


# Ranks


def data(seed, k=2, n=60):
    rng = np.random.default_rng(seed)
    given = rng.normal(size=(k, n))
    a, b = (given.sum(0) + rng.normal(size=n) for _ in range(2))
    return a, b, given, rng.uniform(0.5, 2, n)


def test_what_a_rival_tells_completely_leaves_nothing():
    assert partial_r2(0.75, 0.5) == 0.5 and partial_r2(1.0, 1.0) == 0.0
    np.testing.assert_array_equal(partial_r2(np.array([0.5, 0.75]), 0.5), [0.0, 0.5])


def test_given_one_quantity_it_is_the_partial_rank_correlation():
    a, b, given, _ = data(0, k=1)
    found = rank_correlation_given(a, b, given, np.ones(60))
    assert found == pytest.approx(partial_rank_correlation(a, b, given[0]), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_given_several_it_is_that_of_what_a_weighted_regression_leaves(seed):
    a, b, given, weight = data(seed)
    root = np.sqrt(weight / weight.sum())
    design = root[:, None] * np.column_stack([np.ones(60), ranks(given, weight / weight.sum()).T])
    y = root[:, None] * ranks(np.stack([a, b]), weight / weight.sum()).T
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    cosine = left[:, 0] @ left[:, 1] / np.linalg.norm(left, axis=0).prod()
    assert rank_correlation_given(a, b, given, weight) == pytest.approx(cosine, abs=1e-9)


def test_what_is_determined_has_nothing_left():
    a, b, given, weight = data(1)
    assert np.isnan(rank_correlation_given(a, np.exp(given[0]), given, weight))
    assert rank_correlation_given(2 * given[1] + 1, b, given, weight) == pytest.approx(0.0, abs=1e-9)
    twice = np.concatenate([given, given])
    alike = rank_correlation_given(a, b, twice, weight)
    assert alike == pytest.approx(rank_correlation_given(a, b, given, weight), abs=1e-6)
