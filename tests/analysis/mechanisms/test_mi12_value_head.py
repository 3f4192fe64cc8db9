"""MI12 on planted evidence: power, size, what controls catch; value heads on features that are known; and
what is measured on networks.
"""

import numpy as np
import pytest
from planted.rates import looked, rate
from planted.runs import kept
from planted.value_heads import headed

import processes
from analysis.claim import ClaimError, Setting
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.instruments.probing.value_heads import Values, beyond_next_token, read, rectified
from analysis.mechanisms import mi12_value_head as mi12

CHECKSUM = processes.named("checksum:ternary")


def changed(**how):
    return lambda rng: headed(rng, **how)


@pytest.mark.thorough
def test_power_and_size():
    """At a hundredth of R2 below exact beliefs and .003 added; at thresholds, sixty times."""
    assert rate("MI12", headed, CHECKSUM, 7, alone=True) >= 0.9
    for nothing in ({"linear": 0.98}, {"added": 0.01}, {"added_to_guess": 0.003}):
        assert rate("MI12", changed(**nothing), CHECKSUM, 7, alone=True, trials=60) <= 0.05


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"linear": 0.9}, "refuted", ""),
        ({"added": 0.05}, "refuted", ""),
        ({"added_to_guess": -0.2}, "refuted", ""),
        ({"added_to_guess": 0.0, "of_guess": 1.0}, "supported", ""),
        ({"learned": 1e-3}, "invalid", "not yet learned"),
        ({"untrained": 1.0}, "explained", "untrained"),
        ({"shuffled": 1.0}, "explained", "capacity"),
        ({"partial": 0.02}, "explained", "a window of tokens"),
        ({"partial": 0.02, "told": 1.0}, "supported", ""),
        ({"wrong": 1.2}, "explained", "any process"),
    ],
)
def test_outcomes(how, outcome, told):
    found = looked("MI12", changed(**how), CHECKSUM, 7, alone=True)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below, c.over) for c in CLAIMS["MI12"].criteria] == [
        (-0.02, np.inf, "mean"),
        (-np.inf, 0.01, "mean"),
        (0.0, np.inf, "mean"),
    ]


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "delay"), [("checksum:ternary", 1), ("nemo", 2), ("random_insertion", 3)])
def test_where_next_token_distributions_hardly_tell_values(name, delay):
    t = contexts(processes.named(name), 8)
    found = beyond_next_token(t)
    assert found.delay == delay
    assert read(t.next_token, found.value, t) < 0.2 and read(t.belief, found.value, t) > 1 - 1e-6
    told = CLAIMS["MI12"].prediction(t.process, 8)
    assert told["steps by which the last symbol is rewarded late"] == delay
    assert CLAIMS["MI12"].refusal(t.process, 8) is None


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["mess3", "rrxor", "golden_mean"])
def test_where_it_cannot_be_tested(name):
    process = processes.named(name)
    with pytest.raises((ClaimError, processes.ProcessError)) as refused:
        CLAIMS["MI12"].check(process, 8)
    assert name == "golden_mean" or "how late" in str(refused.value) or "however late" in str(refused.value)


@pytest.mark.thorough
def test_a_guess_needs_more_than_one_linear_head():
    """The phase of a checksum says what the next symbol but one will be: its most probable value is no linear
    function of the belief, and random rectified features of beliefs in random directions read it.
    """
    t = contexts(CHECKSUM, 8)
    values = Values(t, np.eye(3)[-1], 1)
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(32, 7)))[0].T
    x = (t.belief @ turned).astype(np.float32)
    assert read(x, values.guess, t) < 0.1 and read(rectified(x, t), values.guess, t) > 0.9
    assert read(x, values.value, t) > 0.999 and read(rectified(x, t), values.value, t) > 0.999


def test_guesses_are_the_largest_of_what_beliefs_expect():
    t = contexts(processes.named("nemo"), 6)
    ahead = t.belief @ t.process.T.sum(0) @ t.process.T.sum(0)
    expected = processes.predict(t.process, ahead).max(1)
    np.testing.assert_allclose(Values(t, np.eye(2)[-1], 2).guess, expected, atol=1e-12)


@pytest.mark.thorough
def test_wrong_values_are_those_of_other_observers():
    t = contexts(processes.named("nemo"), 6)
    values = Values(t, np.eye(2)[-1], 2)
    decoy = processes.decoy(t.process, seed=1)
    v = t.believed(decoy) @ processes.value(decoy, [0, 1], discount=0.9, delay=2)
    np.testing.assert_array_equal(values.wrong[:, 1], v)


@pytest.mark.thorough
def test_what_is_measured_on_networks(tmp_path, monkeypatch):
    recipe = CLAIMS["MI12"].recipes("nemo", Setting(seeds=2, size="small"))["transformer"]
    monkeypatch.setattr(mi12, "SHUFFLES", 5)
    found = mi12.valued({"transformer": kept(recipe, tmp_path)})
    assert found.delay == 2 and found.beliefs > 1 - 1e-6 and found.beliefs_of_guess > 1 - 1e-6
    for name in mi12.HEADS:
        assert getattr(found, name).shape == (2,) and np.isfinite(getattr(found, name)).all()
    assert set(found.partial) == set(found.rivals) and found.gained.shape == found.gained_wrong.shape == (2,)
    assert (found.linear <= 1).all() and (found.unlearned > 0).all()
