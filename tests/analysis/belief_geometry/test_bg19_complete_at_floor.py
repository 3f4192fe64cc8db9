"""BG19: whether networks at the floor of the loss hold the whole belief, on planted evidence and on a run."""

from dataclasses import replace

import numpy as np
import pytest
from planted.rates import RRXOR, by_rule, looked, rate
from planted.records import complete
from planted.runs import kept

import processes
import train
from analysis.belief_geometry import bg19_complete_at_floor as claim
from analysis.instruments.probing.study import CONCATENATED, study
from analysis.instruments.untrained import initialised
from analysis.recipes import SMALL, standard
from train.runs import checkpoints


def test_power_and_size():
    """At an R2 of .98; at one of .94, and where networks disagree by a tenth."""
    assert rate("BG19", complete, RRXOR, 10) >= 0.9
    assert rate("BG19", lambda rng: complete(rng, r2=0.94), RRXOR, 10) <= 0.05
    assert rate("BG19", lambda rng: complete(rng, spread=0.1), RRXOR, 10) <= 0.05


def test_what_falls_short_refutes_and_what_is_not_at_the_floor_says_nothing():
    assert looked("BG19", lambda rng: complete(rng, r2=0.6), RRXOR, 10).outcome == "refuted"
    far = looked("BG19", lambda rng: complete(rng, loss=3e-6), RRXOR, 10)
    assert far.outcome == "invalid" and "floor" in far.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below, c.over) for c in claim.BG19.criteria] == [
        (0.95, np.inf, "most"),
        (-np.inf, 0.05, "mean"),
    ]
    assert (claim.NOISELESS, claim.DRAWN) == (1e-7, 1e-6)
    alone = by_rule("BG19", complete(np.random.default_rng(0)), RRXOR, 10)
    assert alone.outcome == "undecided"  # eight of eight are too few for most


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    recipe = train.reseeded(standard("nemo", model=replace(SMALL, n_ctx=8)), 3, 2)
    found = kept(recipe, tmp_path_factory.mktemp("run"))
    for step in found.checkpoint_steps[:-1]:  # other networks, as those of other steps are
        fresh = initialised(recipe.model, 100 + step + np.arange(recipe.seeds))
        checkpoints.keep_parameters(found.path, step, fresh)
    return found


@pytest.mark.thorough
def test_what_is_measured_is_that_of_a_study(run):
    found, s = claim.completeness({"transformer": run}), study(run)
    assert found.limit == claim.NOISELESS
    np.testing.assert_allclose(found.r2, s.r2(CONCATENATED))
    np.testing.assert_allclose(found.divergence, [e.excess for e in s.trained])
    # Of the kept steps the last is the end.
    np.testing.assert_allclose(found.course[:, -1], found.r2, atol=1e-9)
    np.testing.assert_allclose(found.course_divergence[:, -1], found.divergence, rtol=1e-6)


def test_products_are_read_where_a_linear_reader_finds_nothing():
    """Features of which only a product is the label."""
    from analysis.instruments.contexts import contexts

    t = contexts(processes.named("mess3"), 6)
    rng = np.random.default_rng(0)
    sign = np.sign(rng.normal(size=(len(t.belief), t.belief.shape[1])))
    x = np.hstack([sign, sign * t.belief])
    linear = claim.probe(claim.moments(x, t.belief, t)).r2
    assert linear < 0.1 and claim._with_products(x, t) > 0.95
