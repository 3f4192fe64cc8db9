"""MI11 on planted evidence: power, size, what controls catch; attribution against networks; and what is
measured.
"""

from dataclasses import replace

import numpy as np
import pytest
from planted.bunches import bunched
from planted.rates import MESS3, looked, rate
from planted.runs import beginnings, kept

import processes
import toy
from analysis.claim import Setting
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.instruments.decompositions.attribution import (
    attributed,
    dealt_apart,
    excess_kurtosis,
    gaussian_over_laplace,
    sums,
)
from analysis.instruments.forward import member
from analysis.mechanisms import mi11_small_heuristics as mi11

SHAPE = toy.TransformerConfig(vocab=3, n_ctx=5, n_layers=2, n_heads=2, d_model=12, d_head=4, d_mlp=20)


def changed(**how):
    return lambda rng: bunched(rng, **how)


@pytest.mark.thorough
def test_power_and_size():
    """At twice the variance and twice as many parts as independence allows, which differ by a fifth between
    networks; at none.
    """
    assert rate("MI11", bunched, MESS3, 6) >= 0.9
    for nothing in ({"together": 1.0}, {"effective": 2 / 1.3}, {"together": 0.5}):
        assert rate("MI11", changed(**nothing), MESS3, 6, trials=60) <= 0.05


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"together": 0.5}, "refuted", ""),
        ({"effective": 1.05}, "refuted", ""),
        ({"untrained": 3.0}, "explained", "weights before training"),
        ({"learned": 1e-3}, "invalid", "not yet learned"),
        ({"kurtosis": -1.0}, "invalid", "excess kurtosis"),
        ({"missing": 0.1}, "invalid", "add up"),
        ({"dealt": 1.5}, "invalid", "dealt out apart"),
    ],
)
def test_outcomes(how, outcome, told):
    found = looked("MI11", changed(**how), MESS3, 6)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below, c.over) for c in CLAIMS["MI11"].criteria] == [(0.0, np.inf, "mean")] * 2


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "kurtosis"), [("mess3", -1.324), ("mess3:piotrowski2025", -0.813)])
def test_exact_logits_are_flatter_than_a_gaussian(name, kurtosis):
    process = processes.named(name)
    told = list(CLAIMS["MI11"].prediction(process, 8).values())
    assert told == pytest.approx([kurtosis, -2 / kurtosis], abs=2e-3)
    assert CLAIMS["MI11"].refusal(process, 8) is None


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "why"), [("rrxor", "impossible"), ("leaky_rrxor", "ten independent parts")])
def test_where_it_cannot_be_tested(name, why):
    assert why in CLAIMS["MI11"].refusal(processes.named(name), 8)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "how", [{}, {"norm": "rms"}, {"norm": "none"}, {"tied": True}, {"d_mlp": 0}, {"positions": "rotary"}]
)
def test_parts_add_up_to_the_logits(how):
    config, t = replace(SHAPE, **how), contexts(MESS3, 5)
    found = attributed(config, member(beginnings(config, 1), 0), t, t.length == 5)
    assert found.missing < 1e-4 and len(found.parts) == len(found.added)
    assert found.logits.std() > 1e-3


@pytest.mark.thorough
def test_a_part_less_is_noticed():
    t = contexts(MESS3, 5)
    found = attributed(SHAPE, member(beginnings(SHAPE, 1), 0), t, t.length == 5)
    assert found._replace(added=found.added[:-1]).missing > 0.01


def test_cumulants_of_independent_parts_add():
    """Within five standard errors of what parts that are dealt apart come to."""
    rng = np.random.default_rng(0)
    x = np.stack([rng.choice([-1.0, 1.0], 4000), rng.normal(size=4000), rng.exponential(size=4000)])[
        ..., None
    ]
    together = x + 2 * x[:1]  # the first is in all
    weight = rng.random(4000)
    said = sums(together, weight)
    n = 200_000
    apart = sums(dealt_apart(together, weight, n), np.full(n, 1 / n))
    assert said.together[0] > 1.5 and abs(apart.together[0] - 1) < 5 * np.sqrt(10 / n)
    assert abs(apart.kurtosis[0] - said.independent[0]) < 5 * np.sqrt(24 / n) * 3
    assert sums(x[:1], weight).kurtosis[0] == pytest.approx(-2, abs=0.01)
    assert (said.independent >= -2 / said.effective).all()
    np.testing.assert_allclose(said.shares[:, 0].sum(), 1 / said.together[0])


def test_kurtosis_of_known_distributions():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.uniform(size=200_000), rng.normal(size=200_000), rng.laplace(size=200_000)])
    even = np.ones(len(x))
    np.testing.assert_allclose(excess_kurtosis(x, even), [-1.2, 0, 3], atol=0.15)


def test_a_gaussian_fits_what_is_gaussian():
    """In nats: a Laplace distribution loses .072 on a Gaussian, a Gaussian .072 on a Laplace distribution."""
    rng, n = np.random.default_rng(0), 100_000
    parts = np.stack([rng.normal(size=n), 3 + rng.laplace(size=n)])[..., None]
    found = gaussian_over_laplace(parts, np.ones(n), np.arange(n) % 2 == 0)
    expected = np.log(2) + 0.5 * np.log(2 / np.pi) + 1 - 0.5 * np.log(2 * np.pi) - 0.5
    lost = -(0.5 * np.log(2 * np.pi * 2) + 0.5) + np.log(2) + 1
    np.testing.assert_allclose(found, [expected, lost], atol=0.01)


@pytest.mark.thorough
def test_what_is_measured_on_networks(tmp_path):
    recipe = CLAIMS["MI11"].recipes("mess3", Setting(seeds=2, size="small"))["transformer"]
    found = mi11.bunch({"transformer": kept(recipe, tmp_path)})
    assert found.allowed == pytest.approx(2 / 1.324, abs=0.01) and (found.missing < 1e-3).all()
    for name in mi11.ALONE:
        assert getattr(found, name).shape == (2,)
    for name in mi11.BY_PART:
        assert getattr(found, name).shape == (len(found.parts), 2)
    assert (np.abs(np.log(found.dealt)) < 0.1).all() and (found.effective >= 1).all()
