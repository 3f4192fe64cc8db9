"""MI13 on planted evidence, and on small networks that learn by both rules."""

import numpy as np
import pytest
from planted.rates import MESS3, looked, rate
from planted.relaxation import learning

import processes
import train
from analysis.claim import ClaimError, Setting
from analysis.families import CLAIMS
from analysis.mechanisms import mi13_predictive_coding as mi13
from train.rules.relaxation import SETTLING, TOLERANCE


def changed(**how):
    return lambda rng: learning(rng, **how)


def test_power_and_size():
    assert rate("MI13", learning, MESS3, 6) >= 0.9
    for nothing in ({"ratio": 2.2}, {"lost": 0.025}, {"ratio": 20.0}, {"lost": 0.3}):
        assert rate("MI13", changed(**nothing), MESS3, 6) <= 0.05


@pytest.mark.thorough
@pytest.mark.parametrize("nothing", [{"ratio": 2.0}, {"lost": 0.02}])
def test_size_at_the_thresholds(nothing):
    assert rate("MI13", changed(**nothing), MESS3, 6, trials=200) <= 0.05


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"ratio": 5.0}, "refuted", "leaves to learn"),
        ({"lost": 0.2}, "refuted", "R2 of beliefs"),
        ({"left": 0.1}, "invalid", "not yet learned"),
        ({"same": 0.9}, "invalid", "held weakly"),
        ({"unrest": 0.5}, "invalid", "longer relaxation"),
        ({"untrained": 0.99}, "invalid", "untrained"),
        ({"untrained": 0.94}, "invalid", "untrained"),
        ({"shuffled": 0.97}, "invalid", "shuffle"),
    ],
)
def test_outcomes(how, outcome, told):
    found = looked("MI13", changed(**how), MESS3, 6)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    asked = [(c.above, c.below, c.over) for c in CLAIMS["MI13"].criteria]
    assert asked == [(-np.inf, np.log(2), "mean"), (-0.02, np.inf, "mean")]
    assert (mi13.BETA, mi13.STEPS, mi13.RATE, mi13.WIDTH, mi13.AT_REST) == (1.0, 1500, 1e-2, 16, 0.1)
    assert (TOLERANCE, SETTLING) == (2e-5, 1000)


@pytest.mark.parametrize(("name", "length"), [("rrxor", 9), ("mess3", 6), ("mess:four", 5), ("cycle", 8)])
def test_contexts_are_as_long_as_all_can_be_read(name, length):
    process = processes.named(name)
    assert mi13.n_ctx(process) == length
    assert len(processes.prefix_tree(process, length)) - 1 <= mi13.MOST


@pytest.mark.thorough
def test_a_process_of_many_symbols_and_few_contexts_is_taken():
    process = processes.named("cycle")
    CLAIMS["MI13"].check(process, mi13.n_ctx(process))


def test_processes_of_many_contexts_are_refused():
    process = processes.named("mess3 * mess3")
    with pytest.raises(ClaimError, match="would read 3 tokens, since contexts of one more are over 1400"):
        CLAIMS["MI13"].check(process, mi13.n_ctx(process))


@pytest.mark.thorough
def test_evidence_of_small_networks(tmp_path, monkeypatch):
    """Both rules begin at one loss and lower it, and the record says so."""
    monkeypatch.setattr(mi13, "STEPS", 60)
    monkeypatch.setattr(mi13, "AT_LENGTH", 500)
    (recipe,) = CLAIMS["MI13"].recipes("mess3", Setting(seeds=2)).values()
    found = mi13.rules({"recurrent": train.obtain(recipe, tmp_path)})
    assert found.course.shape == (2, 2, len(found.step)) and found.step[0] == 0
    np.testing.assert_allclose(found.course[0, :, 0], found.course[1, :, 0], rtol=1e-4)
    assert (found.left < 0.3 * found.course[:, :, 0]).all()
    assert (found.agreement[1] > mi13.SAME).all() and (found.unrest < mi13.AT_REST).all()
    assert found.unrest.shape == (2, 2) and (found.unrest > 0).all()
    assert (found.r2 > found.shuffled.max()).all()
