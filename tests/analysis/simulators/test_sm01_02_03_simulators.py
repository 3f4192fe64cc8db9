"""SM1 to SM3 on planted evidence: held and not held, paid and not paid, ahead and not ahead."""

from dataclasses import replace

import numpy as np
import pytest
from pictures import picture
from planted.fewer import few_shuffles
from planted.networks import last_token, networks, study_of
from planted.rates import judged, judged_study, rate, rate_on
from planted.simulators import MIXED, WRONG, falling_behind, paying, telling

import processes
from analysis.claim import ClaimError, Setting
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.instruments.probing.probe import moments, probe
from analysis.instruments.probing.study import Study
from analysis.simulators.sm02_wrong_prior import PRIORS, _prompts
from analysis.simulators.sm03_myopic_design import PROCESSES, Pair, context
from analysis.simulators.sources import (
    FEATURES,
    TOGETHER,
    Within,
    labels,
    pair_counts,
    regrouped,
    rival_r2,
)
from analysis.trial import Trial


@pytest.fixture(autouse=True)
def fewer():
    with few_shuffles():
        yield


@pytest.fixture(scope="module")
def mixed():
    return contexts(processes.named(MIXED), 8)


# What is exact about sources, and what else tells of them.


def test_pairs_are_counted_as_they_are_read(mixed):
    counts = pair_counts(mixed)
    for i in (0, 5, 100, len(mixed.words) - 1):
        word = mixed.words[i][: mixed.length[i]]
        expected = np.zeros(4)
        for a, b in zip(word[:-1], word[1:], strict=True):
            expected[2 * a + b] += 1
        assert counts[i].tolist() == expected.tolist()


def test_nothing_but_filtering_tells_rrxor_from_a_coin():
    """Next tokens, windows and pair counts have an R2 of 0 with the posterior, also in sample."""
    t = contexts(processes.named("mixture(rrxor, coin)"), 10)
    posterior = labels(t)["posterior"].value
    for name in TOGETHER:
        assert abs(probe(moments(FEATURES[name](t), posterior, t)).r2_in_sample) < 0.005, name
    told = {name: probe(moments(FEATURES[name](t), posterior, t)).r2 for name in TOGETHER}
    assert max(told.values()) < 0.005
    assert probe(moments(t.belief, posterior, t)).r2 > 0.9999


@pytest.mark.parametrize(
    "name, in_sample",
    [("mixture(even, golden_mean)", (0.34, 0.55, 0.68)), ("mixture(rrxor, even)", (0.03, 0.33, 0.63))],
)
def test_rivals_tell_as_much_in_sample_as_was_computed_beforehand(name, in_sample):
    t = contexts(processes.named(name), 10)
    posterior = labels(t)["posterior"].value
    found = [probe(moments(FEATURES[rival](t), posterior, t)).r2_in_sample for rival in TOGETHER]
    np.testing.assert_allclose(found, in_sample, atol=0.04)


def test_labels_are_posterior_beliefs_within_and_log_odds(mixed):
    found, mixture = labels(mixed), mixed.process.made_of
    posterior = found["posterior"].value
    np.testing.assert_allclose(posterior.sum(1), 1, atol=1e-12)
    odds, weight = found["log odds"]
    there = weight > 0
    np.testing.assert_allclose(odds[there, 0], np.log(posterior[there, 1] / posterior[there, 0]), atol=1e-9)
    assert (posterior[~there].min(1) < 1e-9).all()
    for k in range(2):
        value, weight = found[Within(k)]
        read = processes.filter(mixture.components[k], mixed.words[weight > 1e-12][0][:1]).belief[-1]
        np.testing.assert_allclose(value[weight > 1e-12][0], read, atol=1e-12)
        assert weight.sum() == pytest.approx(mixture.weights[k], abs=1e-12)


def test_other_groupings_take_as_much_to_know_and_are_not_the_ergodic_one():
    mixture = processes.named("mixture(even, golden_mean)").made_of
    groups = regrouped(mixture)
    assert groups.shape == (4, 2)  # the even state of one with the rare state of the other
    start = mixture.process().start
    np.testing.assert_allclose(start @ groups, 0.5, atol=1e-12)
    own = np.array([1, 1, 0, 0])
    assert not any((column == own).all() or (column == 1 - own).all() for column in groups.T)
    assert regrouped(processes.named("mixture(rrxor, coin)").made_of).shape == (6, 0)


# SM1


@pytest.mark.thorough
def test_sm1_on_networks_that_hold_all_beliefs(mixed):
    s = study_of(mixed, np.random.default_rng(0), lambda i: mixed.belief, noise=0.05, seeds=8, width=8)
    verdict = judged_study("SM1", s)
    assert verdict.outcome == "supported", verdict.reason


@pytest.mark.thorough
def test_sm1_on_networks_that_hold_what_rivals_hold(mixed):
    """Next tokens, tokens and counts in noise: nothing beyond them."""
    known = np.hstack([FEATURES[name](mixed) for name in TOGETHER])
    s = study_of(mixed, np.random.default_rng(0), lambda i: known, noise=0.05, seeds=8, width=24)
    verdict = judged_study("SM1", s)
    assert verdict.outcome in ("refuted", "invalid", "undecided")


@pytest.mark.thorough
def test_sm1_is_not_supported_by_untrained_networks(mixed):
    rng = np.random.default_rng(0)
    both = (networks(mixed, rng, lambda _: last_token(mixed), noise=0.3, seeds=8) for _ in range(2))
    assert (
        judged_study(
            "SM1", Study(mixed, ("blocks.0.resid_pre", "blocks.0.resid_post", "blocks.1.resid_post"), *both)
        ).outcome
        != "supported"
    )


@pytest.mark.thorough
def test_power_and_size_of_sm1(mixed):
    assert rate_on("SM1", mixed, telling(mixed)) >= 0.9
    assert rate_on("SM1", mixed, telling(mixed, posterior=0.0, others=0.0)) <= 0.05
    assert rate_on("SM1", mixed, telling(mixed, untrained=0.6)) <= 0.05
    assert rate_on("SM1", mixed, telling(mixed, rivals=0.05)) <= 0.05
    assert rate_on("SM1", mixed, telling(mixed, others=0.6)) <= 0.05


@pytest.mark.parametrize("name", ["even", "mess3 * mess3"])
def test_sm1_refuses_what_is_no_mixture(name):
    with pytest.raises(ClaimError, match="not a mixture"):
        CLAIMS["SM1"].check(processes.named(name), 8)


# SM2


@pytest.mark.thorough
def test_power_and_size_of_sm2():
    process = processes.named(WRONG)
    assert rate("SM2", paying(), process) >= 0.9
    assert rate("SM2", paying(0.06), process) <= 0.05
    assert rate("SM2", paying(after=0.06), process) <= 0.05
    assert rate("SM2", paying(like="memory"), process) <= 0.05


@pytest.mark.thorough
def test_a_short_memory_that_pays_alike_explains_it():
    costs = paying(0.03, noise=0.001)(np.random.default_rng(0))
    alike = replace(costs, short=costs.exact[:, -1] + 0.03)
    verdict = judged("SM2", alike, processes.named(WRONG), 8)
    assert verdict.outcome == "explained" and "memory" in verdict.reason


def test_costs_of_planted_predictors_are_those_of_exact_filtering():
    """Sums over contexts of what exact readers with other priors predict, by position and after prompts."""
    t = contexts(processes.named(WRONG), 8)
    mixture = t.process.made_of
    prompts, inside = _prompts(t)
    np.testing.assert_allclose(inside.sum(1), 5, atol=1e-9)  # lengths 4 to 8, each in full
    reader = processes.mixture(mixture.components, [0.5, 0.5])
    read = t.believed(reader.process())
    p, q = t.next_token, processes.predict(reader.process(), read)
    cost = (p * np.log(np.where(p > 0, p, 1) / np.where(p > 0, q, 1))).sum(1)
    by_length = np.bincount(t.length, weights=cost * t.weight * t.n_ctx)[1:]
    np.testing.assert_allclose(by_length, processes.prior_cost(mixture, [0.5, 0.5], 9)[1:], atol=1e-12)
    for word, weights in zip(prompts, inside, strict=True):
        after, prior = processes.prompted(mixture, word), processes.prompted(reader, word).weights
        assert weights @ cost == pytest.approx(processes.prior_cost(after, prior, 5).sum(), abs=1e-12)


@pytest.mark.parametrize(
    "name, said",
    [
        ("even", "not a mixture"),
        ("mixture(even, golden_mean)", "equal or zero"),
        ("mixture(even, golden_mean; 1, 0)", "equal or zero"),
    ],
)
def test_sm2_refuses_where_no_prior_is_wrong(name, said):
    with pytest.raises(ClaimError, match=said):
        CLAIMS["SM2"].check(processes.named(name), 8)


def test_sm2_trains_each_prior_once():
    trial = Trial(CLAIMS["SM2"], WRONG, Setting())
    assert tuple(trial.recipes) == PRIORS
    specs = {q: processes.named(r.process).made_of.weights.tolist() for q, r in trial.recipes.items()}
    assert specs == {"right": [0.9, 0.1], "equal": [0.5, 0.5], "reversed": [0.1, 0.9]}


# SM3


@pytest.mark.thorough
def test_power_and_size_of_sm3():
    assert rate("SM3", falling_behind()) >= 0.9
    assert rate("SM3", falling_behind(0.0)) <= 0.05
    assert rate("SM3", falling_behind(free=0.03)) <= 0.05
    assert rate("SM3", falling_behind(shallow=0.4)) <= 0.05
    assert rate("SM3", falling_behind(by_worth=True)) <= 0.05


def test_sm3_trains_pairs_on_all_processes_and_on_the_one_asked_about():
    listed = Trial(CLAIMS["SM3"], "rrxor", Setting()).recipes
    assert {pair.process for pair in listed} == set(PROCESSES) and len(listed) == 4 * len(PROCESSES)
    more = Trial(CLAIMS["SM3"], "leaky_rrxor", Setting()).recipes
    assert set(more) - set(listed) == {
        Pair("leaky_rrxor", n, myopic) for n in (1, 2) for myopic in (False, True)
    }
    for pair, recipe in listed.items():
        assert recipe.model.myopic == pair.myopic and recipe.model.n_layers == pair.n_layers
        other = listed[pair._replace(myopic=not pair.myopic)]
        assert replace(other, model=recipe.model) == recipe
    assert (context(2), context(3), context(4)) == (8, 6, 5)


@pytest.mark.parametrize("name", ["coin", "ledger(K=32, g=4, p=0.5)"])
def test_sm3_refuses_where_nothing_can_be_lost(name):
    with pytest.raises(ClaimError):
        CLAIMS["SM3"].check(processes.source(name), 8)


# All of them


@pytest.mark.thorough
@pytest.mark.parametrize("claim", ["SM1", "SM2", "SM3"])
def test_figures_draw(claim, mixed, tmp_path):
    evidence, process = {
        "SM1": lambda rng: (study_of(mixed, rng, lambda i: mixed.belief, seeds=3, width=4), mixed.process),
        "SM2": lambda rng: (paying()(rng), processes.named(WRONG)),
        "SM3": lambda rng: (falling_behind()(rng), processes.named("rrxor")),
    }[claim](np.random.default_rng(0))
    assert picture(judged(claim, evidence, process, 8), evidence, tmp_path) > 10_000


def test_what_rivals_tell_needs_no_network(mixed):
    s = Study(mixed, (), [], [])
    together = rival_r2(s, "posterior")
    assert 0 < rival_r2(s, "posterior", ("next_token",)) + 0.2 < together + 0.2 < 1.2
    assert rival_r2(s, "no such label") is None
