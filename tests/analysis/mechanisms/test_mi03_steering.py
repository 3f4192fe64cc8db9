"""Steering: the exact counterfactual, what vectors do in networks that are known, and MI3 as planted."""

from dataclasses import replace

import numpy as np
import pytest
from pictures import picture
from planted.rates import judged, rate
from planted.steering import LEAKY, UNIT, WIDTH, holding, steerings

import processes
import toy
import train
from analysis.claim import ClaimError, Setting
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import log_of
from analysis.instruments.forward import member
from analysis.instruments.interventions.steering import (
    SHIFT,
    cloud,
    contrast,
    halves,
    learned,
    slope,
    strength,
)
from analysis.instruments.untrained import initialised
from analysis.mechanisms.mi03_steered import SHIFTS, Steered, measured, steered


@pytest.fixture(scope="module")
def leaky():
    return contexts(processes.named(LEAKY), 8)


@pytest.fixture(scope="module")
def of_odds(leaky):
    return measured([holding(leaky, np.random.default_rng(0))], leaky, seed=0)


def test_the_counterfactual_is_that_of_another_prior(leaky):
    """Brute force: log odds that are shifted are those of who took the sources to come with other weights."""
    _, judge = halves(leaky)
    components, shift = leaky.process.made_of.components, 1.3
    odds = np.exp(shift)  # of equal weights
    other = processes.mixture(components, [odds / (1 + odds), 1 / (1 + odds)]).process()

    def probability(word):
        row = other.start
        for x in word:
            row = row @ other.T[x]
        return row.sum()

    distribution = judge.exact(shift)
    for i in range(0, len(judge.rows), 37):
        word = leaky.words[judge.rows[i]]
        word = word[word >= 0].tolist()
        expected = [probability([*word, x]) / probability(word) for x in (0, 1)]
        np.testing.assert_allclose(distribution[i], expected, atol=1e-12)
    np.testing.assert_allclose(judge.exact(0.0), leaky.next_token[judge.rows], atol=1e-14)


def test_text_is_fitted_on_and_judged_on_other_histories(leaky):
    fit, judge = halves(leaky)
    assert not set(leaky.fold[fit.rows]) & set(leaky.fold[judge.rows])
    assert fit.weight.sum() == pytest.approx(1) and judge.weight.sum() == pytest.approx(1)
    drawn = halves(contexts(processes.named("mixture(mess3, mess3(x=0.15, a=0.6))"), 8))[1]
    assert len(drawn.rows) == 1000 and np.allclose(drawn.weight, 1e-3)


@pytest.mark.parametrize("shift", [-3.0, -0.5, 0.0, 1.3, 6.0])
def test_moved_log_odds_are_measured(leaky, shift):
    _, judge = halves(leaky)
    assert judge.moved(log_of(judge.exact(shift))) == pytest.approx(shift, abs=1e-4)


@pytest.mark.thorough
def test_means_shift_log_odds_that_are_linear(leaky, of_odds):
    """The stream holds the log odds: along them nothing is left. Means and covariance go along with what
    beliefs within components have in common with the odds, so that a little is.
    """
    at = holding(leaky, np.random.default_rng(0))
    axis = np.linalg.qr(np.random.default_rng(0).normal(size=(WIDTH, 5)))[0].T[0] / UNIT
    assert halves(leaky)[1].steered(at.site, SHIFT * axis) < 1e-3 * of_odds["left"]["none"]
    fit, judge = halves(leaky)
    found = contrast(at.site.stream, fit)
    rate = found.covariance @ found.covariance
    assert found.means @ found.covariance / rate == pytest.approx(1, abs=0.2)
    assert strength(at.site, fit, found.covariance) == pytest.approx(SHIFT, abs=0.1)
    left = of_odds["left"]
    assert left["covariance"] < 0.05 * left["none"] and left["contrastive"] < 0.05 * left["none"]
    assert left["learned"] <= left["contrastive"] and left["swap"] < 0.1 * left["none"]
    assert left["random"] > 0.6 * left["none"] and 0.5 * left["none"] < left["logits"]
    middle = np.abs(SHIFTS) <= 2
    np.testing.assert_allclose(np.array(of_odds["moved"])[middle], SHIFTS[middle], atol=0.3)
    assert of_odds["outside"][0] > 5 * of_odds["outside"][4] > 0
    # Along random vectors odds hardly move, and at no strength nothing does.
    assert np.abs(of_odds["moved_random"])[middle].max() < 0.5 * SHIFTS[middle].max()
    at = int(np.argmin(np.abs(SHIFTS)))
    assert of_odds["moved_random"][at] == pytest.approx(of_odds["moved"][at], abs=1e-9)
    assert of_odds["outside_random"][at] == pytest.approx(of_odds["outside"][at])


@pytest.mark.thorough
def test_a_stream_of_posteriors_is_steered_less_far(leaky, of_odds):
    """No constant vector shifts the log odds of all contexts alike where posteriors are linear."""
    found = measured([holding(leaky, np.random.default_rng(0), "posterior")], leaky, seed=0)["left"]
    share = 1 - found["contrastive"] / found["none"]
    assert 0.2 < share < 1 - of_odds["left"]["contrastive"] / of_odds["left"]["none"] - 0.1
    assert found["swap"] < 0.1 * found["none"] and found["written"] < found["contrastive"]


def test_who_does_not_hear_is_not_steered(leaky):
    deaf = measured([holding(leaky, np.random.default_rng(0), "nothing")], leaky, seed=0)
    assert all(deaf["left"][k] == pytest.approx(deaf["left"]["none"]) for k in ("contrastive", "learned"))
    np.testing.assert_allclose(deaf["moved"], 0, atol=1e-4)
    np.testing.assert_allclose(deaf["moved_random"], 0, atol=1e-4)


@pytest.mark.thorough
def test_the_slope_is_that_of_what_is_predicted(leaky):
    """A real network: the gradient by the vector is the difference quotient of the written stream."""
    config = toy.TransformerConfig(2, 8, n_layers=2, n_heads=1, d_model=8, d_head=8, d_mlp=16)
    params = initialised(config, np.array([3]))
    site = config.stream[1]
    fit, _ = halves(leaky)
    at, exact = slope(config, member(params, 0), leaky, site), fit.exact(2.0)
    v, step = np.random.default_rng(0).normal(size=8), 1e-2
    loss, g = at(v, fit.rows, exact, fit.weight)
    for k in (0, 5):
        e = step * np.eye(8)[k]
        two = [at(v + s * e, fit.rows, exact, fit.weight)[0] for s in (1, -1)]
        assert g[k] == pytest.approx((two[0] - two[1]) / (2 * step), abs=2e-3)
    assert loss > 0


def test_the_learned_vector_is_as_long_and_does_no_worse(leaky):
    at = holding(leaky, np.random.default_rng(1))
    fit, _ = halves(leaky)
    start = contrast(at.site.stream, fit).means + 0.1 * np.random.default_rng(2).normal(size=12)
    found = learned(at, fit, start)
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(start))
    assert fit.steered(at.site, found) < 0.9 * fit.steered(at.site, start)


def test_a_cloud_holds_its_points_and_not_those_far_off():
    x = np.random.default_rng(0).normal(size=(2000, 3)) * [1, 0.1, 0]
    of, w = cloud(x, np.full(2000, 1 / 2000)), np.full(2000, 1 / 2000)
    assert of.outside(x, w) == pytest.approx(0.01, abs=0.001)
    assert of.outside(x + [0, 1, 0], w) > 0.999 and of.outside(x + [0, 0, 0.1], w) > 0.999


def test_only_slopes_within_the_cloud_count():
    s = steerings()(np.random.default_rng(0))
    moved = np.broadcast_to(SHIFTS, s.moved.shape).copy()
    moved[:, -1] = 0  # far out, predictions come back
    outside = np.zeros(moved.shape)
    assert (replace(s, moved=moved, outside=outside).rises() == -1).all()
    outside[:, -1] = 0.9
    assert (replace(s, moved=moved, outside=outside).rises() == 1).all()
    outside[:] = 1
    assert (replace(s, moved=moved, outside=outside).rises() == 1).all()


@pytest.mark.thorough
def test_mi3_on_networks_that_hold_log_odds(leaky, of_odds):
    rows = [of_odds] + [
        measured([holding(leaky, np.random.default_rng(k))], leaky, seed=k) for k in range(1, 3)
    ]
    found = steered(rows, leaky, ("a",), np.zeros(3), np.full(3, 1e-5))
    assert isinstance(found, Steered) and found.share("contrastive").min() > 0.95
    eight = steered([rows[k % 3] for k in range(8)], leaky, ("a",), np.zeros(8), np.full(8, 1e-5))
    verdict = judged("MI3", eight, leaky.process, 8)
    assert verdict.outcome == "supported", verdict.reason


@pytest.mark.thorough
def test_power_and_size_of_mi3():
    process = processes.named(LEAKY)
    assert rate("MI3", steerings(), process) >= 0.9
    assert rate("MI3", steerings(0.52), process) <= 0.05  # half of the way, beyond random vectors
    assert rate("MI3", steerings(random=0.3), process) <= 0.05
    assert rate("MI3", steerings(slope=0.0), process) <= 0.05
    assert rate("MI3", steerings(logits=0.75), process) <= 0.05
    assert rate("MI3", steerings(untrained=0.75), process) <= 0.05
    assert rate("MI3", steerings(swap=0.45), process) <= 0.05


def test_what_else_could_make_the_effect_explains_it():
    process = processes.named(LEAKY)
    verdict = judged("MI3", steerings(logits=0.85)(np.random.default_rng(0)), process, 8)
    assert verdict.outcome == "explained" and "temperature" in verdict.reason
    assert judged("MI3", steerings(0.2)(np.random.default_rng(0)), process, 8).outcome == "refuted"


@pytest.mark.parametrize(
    "name, said",
    [("even", "not a mixture"), ("mixture(even, golden_mean)", "leave undecided")],
)
def test_mi3_refuses_where_there_is_nothing_to_steer(name, said):
    with pytest.raises(ClaimError, match=said):
        CLAIMS["MI3"].check(processes.named(name), 8)


@pytest.mark.thorough
def test_its_figure_draws(tmp_path):
    evidence = steerings()(np.random.default_rng(0))
    verdict = judged("MI3", evidence, processes.named(LEAKY), 8)
    assert picture(verdict, evidence, tmp_path) > 10_000


@pytest.mark.thorough
def test_evidence_of_mi3_is_made_end_to_end(tmp_path):
    """Networks that have learned next to nothing: invalid, by the name of that."""
    claim = CLAIMS["MI3"]
    full = claim.recipes(LEAKY, Setting(seeds=2))["transformer"]
    small = replace(full.model, n_ctx=7, n_layers=1, d_model=8, d_head=4, d_mlp=8)
    adam = train.Optimiser("adam", 1e-3, warmup=1, schedule="cosine")
    recipe = replace(full, model=small, optimiser=adam, steps=2, origin=None, checkpoints=2)
    evidence = claim.evidence({"transformer": train.obtain(recipe, tmp_path)})
    assert evidence.by_site.shape == (2, 2) and evidence.moved.shape == (2, len(SHIFTS))
    assert evidence.moved_random.shape == evidence.outside_random.shape == (2, len(SHIFTS))
    assert (evidence.left["learned"] < 1.5 * evidence.left["contrastive"]).all()
    assert not judged("MI3", evidence, processes.named(LEAKY), 7).controls[0].holds
