"""MI15 on planted evidence: clouds that hold beliefs, and clouds that do not."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from pictures import picture
from planted.blind import few, laid_on_few, laying
from planted.rates import by_rule, looked, rate

import processes
from analysis.claim import ClaimError, Setting
from analysis.families import CLAIMS, panels
from analysis.figures.simplex import CORNER_POSITIONS
from analysis.figures.style import style
from analysis.figures.verdict import figure
from analysis.mechanisms.mi15_laid_clouds import WithoutInputs, of_activations
from analysis.mechanisms.mi15_without_inputs import SHARE
from analysis.trial import Trial


@pytest.fixture(scope="module")
def found():
    return laid_on_few()


def test_power_and_size_of_mi15():
    assert rate("MI15", laying(), alone=True) >= 0.9
    assert rate("MI15", laying(0.94), alone=True) <= 0.05
    assert rate("MI15", laying(margin=0.0), alone=True) <= 0.05
    assert rate("MI15", laying(untrained=0.99), alone=True) <= 0.05
    assert rate("MI15", laying(known=0.9), alone=True) <= 0.05
    assert rate("MI15", laying(loose=-0.1), alone=True) <= 0.05
    assert rate("MI15", laying(partial=0.05), alone=True) <= 0.05


def test_what_makes_a_verdict_invalid_and_what_explains_it():
    assert looked("MI15", laying(known=0.9), alone=True).outcome == "invalid"
    assert looked("MI15", laying(loose=-0.1), alone=True).outcome == "invalid"
    assert looked("MI15", laying(partial=0.05), alone=True).outcome == "explained"
    assert looked("MI15", laying(0.5), alone=True).outcome == "refuted"


@pytest.mark.thorough
def test_clouds_that_hold_beliefs_are_laid_on_them_and_named(found):
    assert found.symmetries == 6 and found.same == (True, False, False)
    assert (found.share() > SHARE).all() and (found.margin() > 1).all()
    assert (found.known_share() > 0.99).all()
    assert (found.beyond_gaussian() > 1).all() and (found.beyond_shuffled() > 1).all()


@pytest.mark.thorough
def test_clouds_that_know_the_last_token_are_not(found):
    assert (found.untrained_r2 < 0.8).all() and (found.untrained_distance > 2 * found.distance[0]).all()
    swapped = few("mess3", "mess3(x=0.15, a=0.6)", "nemo")
    t, distributions, trained, fresh, seeds, site = swapped
    blind = of_activations(t, distributions, fresh, trained, seeds, site)
    assert (blind.r2 < 0.8).all() and (blind.gained() < 0).all()


def test_the_networks_of_a_claim_are_those_of_others():
    (recipe,) = Trial(CLAIMS["MI15"], "mess3", Setting()).recipes.values()
    (other,) = Trial(CLAIMS["BG1"], "mess3", Setting()).recipes.values()
    assert recipe.hash == other.hash


def test_mi15_refuses_where_there_is_nothing_to_find():
    with pytest.raises((ClaimError, processes.ProcessError)):
        CLAIMS["MI15"].check(processes.named("coin"), 8)


def test_its_prediction_is_of_the_law_alone():
    told = CLAIMS["MI15"].prediction(processes.named("mess3"), 6)
    assert told["dimension of beliefs"] == 2 and told["symmetries"] == 6 and told["beliefs"] == 1092


@pytest.mark.thorough
def test_the_figure_draws(found, tmp_path):
    verdict = by_rule("MI15", laying()(np.random.default_rng(0)))
    assert picture(verdict, found, tmp_path) > 10_000
    assert isinstance(CLAIMS["MI15"].drawing(CLAIMS["MI15"].numbers(found)), WithoutInputs)


def test_every_candidate_has_a_row_and_every_point_lies_inside_the_frame():
    far = np.array([[1.8, -0.5, -0.3], [1, 0, 0]])
    names = ("nemo(p=0.5, q=0.5)", "mess3(x=0.15, a=0.6)", "random_insertion(p=0.5, q=0.25)", *"abcdefg")
    shown = replace(
        laying()(np.random.default_rng(0)), candidates=names, exact=far[[1, 1]], mapped=far, weight=np.ones(2)
    )
    with style():
        fig = figure(by_rule("MI15", shown), shown, panels(), only="evidence")
    exact, laid, distances = fig.findobj(Axes)
    assert "among 6 axes" in laid.get_title() and not any(
        distances.get_title(loc=s) for s in ("left", "right")
    )
    rows = [label.get_text() for label in distances.get_yticklabels()]
    assert set(rows) == {*names[:2], "random_insertion", *"abcdefg"} and rows[0] == names[0]
    assert exact.get_xlim() == laid.get_xlim() and exact.get_ylim() == laid.get_ylim()
    (low, high), (x, y) = np.transpose([laid.get_xlim(), laid.get_ylim()]), (far @ CORNER_POSITIONS).T
    assert low[0] < x.min() and x.max() < high[0] and low[1] < y.min() and y.max() < high[1]
