"""MI6 on planted evidence, and what it measures on networks that are exact or know nothing."""

import numpy as np
import pytest
from planted.rates import RRXOR, looked, rate
from planted.runs import kept
from planted.segmentation import cutting

import processes
from analysis.claim import Setting
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.mechanisms import mi06_segmentation as mi6


def changed(**how):
    return lambda rng: cutting(rng, **how)


@pytest.mark.thorough
def test_power_and_size():
    """At no difference and a twentieth of a nat; at thresholds, and where rivals do as well."""
    assert rate("MI6", cutting, RRXOR, 10) >= 0.9
    for nothing in (
        {"missed": 0.02},
        {"missed": -0.02},
        {"missed_by_threshold": 0.02},
        {"gain": 0.0},
        {"gain": -0.01},
        {"one_token": 0.66},
        {"elsewhere": 0.05},
    ):
        assert rate("MI6", changed(**nothing), RRXOR, 10) <= 0.05


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"missed": 0.1}, "refuted", "rising"),
        ({"missed_by_threshold": 0.1}, "refuted", "above a threshold"),
        ({"missed": -0.04}, "refuted", ""),
        ({"gain": -0.03}, "refuted", "gain"),
        ({"learned": 1e-2}, "invalid", "not yet learned"),
        ({"untrained": 0.69}, "invalid", "untrained networks"),
        ({"shuffled": 0.68}, "invalid", "other contexts"),
        ({"one_token": 0.69}, "explained", "one token"),
        ({"elsewhere": 0.2}, "explained", "boundaries anywhere"),
    ],
)
def test_outcomes(how, outcome, told):
    found = looked("MI6", changed(**how), RRXOR, 10)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below, c.over) for c in CLAIMS["MI6"].criteria] == [
        (-0.02, 0.02, "mean"),
        (-0.02, 0.02, "mean"),
        (0.0, np.inf, "mean"),
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mess3", "no period"),
        ("fanizza", "generalised"),
        ("mixture(rrxor, even)", "components"),
        ("zero_one_random", "no better"),
    ],
)
def test_where_there_are_no_blocks_to_find(name, why):
    assert why in CLAIMS["MI6"].refusal(processes.named(name), 8)


@pytest.mark.parametrize("name", CLAIMS["MI6"].tested_on)
def test_where_there_are(name):
    process = processes.named(name)
    assert CLAIMS["MI6"].refusal(process, 8) is None
    threshold, rise = CLAIMS["MI6"].prediction(process, 8).values()
    assert 0.5 < threshold < 1 and 0.5 + mi6.TELLS < rise < 1


@pytest.mark.thorough
def test_what_is_measured_on_networks(tmp_path):
    """Those that were never trained cut as nobody would; whatever they do, cuts at their best come first."""
    recipe = CLAIMS["MI6"].recipes("rrxor", Setting(seeds=2, size="small"))["transformer"]
    found = mi6.segmented({"transformer": kept(recipe, tmp_path)})
    truth = contexts(RRXOR, recipe.model.n_ctx)
    for rule in mi6.RULES:
        assert found.network[rule].shape == (2,)
        assert (found.network[rule] <= found.at_best[rule] + 1e-12).all()
        assert found.exact[rule] <= found.exact["posterior"]
        assert (found.at_best[rule] >= found.exact["everywhere"] - 1e-12).all()
    assert (found.at_best["rise"] < found.exact["rise"] - mi6.TELLS).all()
    assert len(found.text) == len(found.text_exact) == truth.n_ctx
    t = processes.filter(RRXOR, found.text)
    np.testing.assert_allclose(processes.entropy(processes.predict(RRXOR, t.belief)), found.text_exact)
    np.testing.assert_allclose(t.belief[:, 0], found.text_begins)


@pytest.mark.thorough
def test_a_network_that_is_exact_misses_nothing(tmp_path, monkeypatch):
    """With the exact next-token distributions in its place, and with another's in theirs."""
    recipe = CLAIMS["MI6"].recipes("rrxor", Setting(seeds=2, size="small"))["transformer"]
    run, truth = kept(recipe, tmp_path), contexts(RRXOR, recipe.model.n_ctx)
    real = mi6.observe

    def exact(config, params, where, sites):
        seen = real(config, params, where, sites)
        distribution = np.log(np.maximum(truth.next_token, 1e-12))
        return [type(e)(truth, e.activations, distribution) for e in seen]

    monkeypatch.setattr(mi6, "observe", exact)
    found = mi6.segmented({"transformer": run})
    for rule in mi6.RULES:
        np.testing.assert_allclose(found.missed(rule), 0, atol=1e-9)
    np.testing.assert_allclose(found.gain, found.exact_gain)
    assert (found.gain > 0.01).all() and (found.elsewhere < found.gain).all()
