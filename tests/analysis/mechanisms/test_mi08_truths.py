"""Contrast-consistent search: what it finds where facts are known, and MI8 on planted evidence."""

from dataclasses import replace

import numpy as np
import pytest
from pictures import picture
from planted.rates import judged, looked, rate
from planted.runs import kept
from planted.truths import FACTS, LEDGER, held, searches

import processes
import toy
from analysis.claim import Setting
from analysis.families import CLAIMS
from analysis.instruments.decompositions.truths import OF_SUMS, contrast_consistent, odd_labels, salience
from analysis.mechanisms import mi08_truths as mi8


@pytest.mark.thorough
@pytest.mark.parametrize("d", [2, 3])
def test_all_answers_that_sums_of_facts_give_are_found_and_no_others(d):
    """The number of self-dual threshold functions, up to sign, of facts in orthogonal directions."""
    facts = mi8.worlds(d)
    x = held(facts, 6, np.random.default_rng(0))
    found = contrast_consistent(x[0], x[1], restarts=128)
    assert found.solved.mean() > 0.5
    assert len(found.counted[0]) == OF_SUMS[d - 1] // 2


def test_threshold_functions_are_counted():
    """Brute force: labels of all states by random weighted sums of facts."""
    rng = np.random.default_rng(0)
    for d in (2, 3, 4):
        facts = np.where(mi8.worlds(d), 1.0, -1.0)
        says = rng.normal(size=(20_000, d)) @ facts.T > 0
        assert len(np.unique(says, axis=0)) == OF_SUMS[d - 1]


@pytest.mark.thorough
def test_a_loud_fact_is_found_more_often_than_a_quiet_one():
    facts = mi8.worlds(3)
    rng = np.random.default_rng(1)
    loud, even = (held(facts, 6, rng, of) for of in ((1,), ()))
    of_loud, of_even = (contrast_consistent(x[0], x[1], restarts=128) for x in (loud, even))
    one = np.ascontiguousarray(facts.T[[1]])
    assert of_loud.share(one) > of_even.share(one) + 0.2
    by = salience(loud[0], loud[1], np.ascontiguousarray(facts.T))
    assert by[1] > 2 * max(by[0], by[2])


@pytest.mark.thorough
def test_answers_are_counted_up_to_sign():
    facts = mi8.worlds(2)
    x = held(facts, 4, np.random.default_rng(2))
    found = contrast_consistent(x[0], x[1], restarts=64)
    assert found.share(np.ascontiguousarray(facts.T)) == found.share(np.ascontiguousarray(~facts.T)) == 1.0
    turned = contrast_consistent(x[1], x[0], restarts=64)
    assert len(turned.counted[0]) == len(found.counted[0]) == 2


@pytest.mark.thorough
def test_what_is_no_contrast_is_not_solved():
    """Where a statement and its negation look the same, nothing tells them apart."""
    x = np.random.default_rng(3).normal(size=(8, 4))
    found = contrast_consistent(x, x, restarts=16)
    assert not found.solved.any() and len(found.counted[0]) == 0 and found.share(np.ones((1, 8), bool)) == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((np.ones((3, 2)), np.ones((4, 2))), "a row for each pair"),
        ((np.ones((3, 2)), np.ones((3, 2))), "do not vary"),
        ((np.full((3, 2), np.nan), np.ones((3, 2))), "finite"),
    ],
)
def test_what_are_no_pairs_is_refused(given, said):
    with pytest.raises(toy.ModelError, match=said):
        contrast_consistent(*given)
    with pytest.raises(toy.ModelError, match="at least 1"):
        contrast_consistent(np.eye(2), -np.eye(2), restarts=0)


def test_worlds_are_half_of_all_and_turned_round():
    for d in (2, 3, 4, 5):
        half = mi8.worlds(d)
        both = np.concatenate([half, ~half])
        assert len(np.unique(both, axis=0)) == 2**d == 2 * len(half)
    labels = odd_labels(4)
    assert labels.shape == (8, 4) and len(np.unique(labels ^ labels[:, :1], axis=0)) == 8
    with pytest.raises(toy.ModelError, match="1 to 16"):
        odd_labels(17)


def test_labels_tell_facts_that_are_held_and_no_others():
    facts, rng = mi8.worlds(5), np.random.default_rng(4)
    x = held(facts, 8, rng)
    assert mi8.probed(x, facts) == 1.0
    assert mi8.probed(x, rng.permutation(facts)) < 0.9


def test_power_and_size_of_mi8():
    """At a factor of three with each fact and a rank correlation of .4; at none, and where half are facts."""
    assert rate("MI8", searches(), LEDGER, 0) >= 0.9
    for nothing in ({"growth": 0.0}, {"single": 0.5}, {"salient": 0.0}):
        assert rate("MI8", searches(**nothing), LEDGER, 0) <= 0.05


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"growth": -0.3}, "refuted", "growth"),
        ({"single": 0.8}, "refuted", "are a fact"),
        ({"salient": -0.4}, "refuted", "loud"),
        ({"solved": 0.02}, "invalid", "starts"),
        ({"told": 0.7}, "invalid", "labels given"),
        ({"unlearned": 0.05}, "invalid", "not yet learned"),
    ],
)
def test_outcomes_of_mi8(how, outcome, told):
    found = looked("MI8", searches(**how), LEDGER, 0)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below, c.over) for c in CLAIMS["MI8"].criteria] == [
        (0.0, np.inf, "mean"),
        (-np.inf, 0.5, "mean"),
        (0.0, np.inf, "mean"),
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mess3", "no ledger"),
        ("ledger(K=5, g=1, p=0.25)", "use p=0.5"),
        ("ledger(K=4, g=2, p=0.5)", "announce 2"),
        ("ledger(K=9, g=1, p=0.5)", "it has 9 facts"),
    ],
)
def test_where_mi8_cannot_be_tested(name, said):
    source = processes.source(name)
    assert said in CLAIMS["MI8"].refusal(source, 0)
    assert mi8.recipes(name, Setting(seeds=2)) == {}


def test_what_mi8_expects():
    allowed, sums, patterns = CLAIMS["MI8"].prediction(LEDGER, 0).values()
    assert (allowed, sums, patterns) == ([2, 8, 128, 32768], [2, 7, 52, 941], [2, 4, 8, 16])


@pytest.mark.thorough
def test_its_figure_draws(tmp_path):
    evidence = searches()(np.random.default_rng(0))
    assert picture(judged("MI8", evidence, LEDGER, 0), evidence, tmp_path) > 10_000


@pytest.mark.thorough
def test_what_mi8_measures_on_networks(tmp_path, monkeypatch):
    """Networks as they begin on ledgers of two and three facts."""
    monkeypatch.setattr(mi8, "RESTARTS", 32)
    made = mi8.recipes("ledger(K=3, g=1, p=0.5)", Setting(seeds=2))
    assert [role.facts for role in made] == [2, 3]
    runs = {role: kept(replace(recipe, steps=25), tmp_path) for role, recipe in made.items()}
    of = mi8.searching(runs)
    assert of.count.shape == (2, 2) and of.salient.shape == (2,) and (of.unlearned > 0.1).all()
    assert (of.count <= np.array([[2], [8]])).all() and (of.single <= 1).all()
    assert FACTS[0] == of.facts[0]
