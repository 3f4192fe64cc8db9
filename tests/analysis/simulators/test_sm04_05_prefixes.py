"""SM4 and SM5 on planted evidence: power, size, what each control catches; and SM5's instrument by what is
known of exact chains.
"""

import jax
import numpy as np
import pytest
from planted.prefixes import extremes, texts
from planted.rates import RRXOR, looked, rate
from planted.runs import kept

import processes
import toy
from analysis.families import CLAIMS
from analysis.instruments.behaviour.own_text import (
    Chain,
    Truth,
    drifted,
    left,
    markov_chain,
    network_chain,
    total_variation,
)
from analysis.recipes import standard
from analysis.simulators import sm04_all_prefixes as sm4
from analysis.simulators import sm05_finite_chain as sm5

GOLDEN_MEAN = processes.named("golden_mean")


def changed(plant, **how):
    return lambda rng: plant(rng, **how)


@pytest.mark.thorough
def test_power_and_size_of_sm4():
    """At 97 % proved and a gap of .2; at thresholds, and beyond them."""
    assert rate("SM4", extremes, GOLDEN_MEAN, 8) >= 0.9
    for nothing in ({"proved": 0.7}, {"slack": 0.02}, {"gap": 0.05}, {"gap": 0.0}):
        assert rate("SM4", changed(extremes, **nothing), GOLDEN_MEAN, 8) <= 0.05


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"gap": 0.0, "spread": 0.03}, "refuted", ""),
        ({"proved": 0.3}, "refuted", ""),
        ({"learned": 1e-2}, "invalid", "not yet learned"),
        ({"beyond": 0.1}, "invalid", "long drawn words"),
        ({"untrained": 0.8}, "explained", "the number of words"),
    ],
)
def test_outcomes_of_sm4(how, outcome, told):
    found = looked("SM4", changed(extremes, **how), GOLDEN_MEAN, 8)
    assert found.outcome == outcome and told in found.reason


@pytest.mark.thorough
def test_power_and_size_of_sm5():
    assert rate("SM5", texts, RRXOR, 8) >= 0.9
    for wrong in ({"amplified": 2.2}, {"amplified": 0.45}, {"rate": 0.011}, {"rate": -0.011}, {"stay": 1.3}):
        assert rate("SM5", changed(texts, **wrong), RRXOR, 8) <= 0.05


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"amplified": 8.0}, "refuted", ""),
        ({"stay": 3.0}, "refuted", ""),
        ({"learned": 1e-2}, "invalid", "not yet learned"),
        ({"untrained": 0.003}, "invalid", "untrained"),
        ({"error": 1e-6}, "invalid", "exact chain"),
        ({"markov": 0.004}, "explained", "three symbols"),
    ],
)
def test_outcomes_of_sm5(how, outcome, told):
    found = looked("SM5", changed(texts, **how), RRXOR, 8)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below, c.over) for c in CLAIMS["SM4"].criteria] == [
        (0.5, np.inf, "most"),
        (-np.inf, 0.01, "most"),
        (0.05, np.inf, "mean"),
    ]
    assert [(c.above, c.below, c.over) for c in CLAIMS["SM5"].criteria] == [
        (-1.0, 1.0, "mean"),
        (-0.01, 0.01, "mean"),
        (-np.inf, 1.25, "mean"),
    ]


def test_where_they_cannot_be_tested():
    assert "certain" in CLAIMS["SM4"].refusal(RRXOR, 8)
    assert "negative" in CLAIMS["SM4"].refusal(processes.named("fanizza"), 8)
    assert CLAIMS["SM4"].refusal(processes.named("mess3"), 7) is None
    assert "too many" in CLAIMS["SM5"].refusal(processes.named("mess3"), 12)
    assert sm4.symbol(GOLDEN_MEAN) == 1 and sm4.symbol(processes.named("even")) == 0


EIGENVALUE = {"rrxor": 0.883, "even": 0.658, "nemo": 0.694, "golden_mean": 0.5}


@pytest.mark.parametrize("name", EIGENVALUE)
def test_the_exact_chain_is_the_process(name):
    process = processes.named(name)
    truth = Truth(process, 8)
    assert total_variation(truth.chain.stationary, truth.distribution) < 1e-14
    assert truth.chain.entropy_rate == pytest.approx(processes.h(process, 9)[-1], abs=1e-13)
    assert truth.h == pytest.approx(truth.chain.entropy_rate, abs=1e-13)
    assert truth.chain.second_eigenvalue == pytest.approx(EIGENVALUE[name], abs=6e-4)
    assert truth.distribution.sum() == pytest.approx(1, abs=1e-13)
    assert (truth.distribution[~truth.possible] == 0).all() and (truth.distribution[truth.possible] > 0).all()


def test_a_chain_that_errs_is_not():
    truth = Truth(processes.named("even"), 6)
    wrong = Chain(0.999 * truth.chain.probability + 0.0005)
    assert total_variation(wrong.stationary, truth.distribution) > 1e-4
    np.testing.assert_allclose(wrong.stationary @ wrong.matrix, wrong.stationary, atol=1e-15)


def test_first_order_is_the_derivative():
    """Of the stationary distribution, as a small error shrinks."""
    truth = Truth(RRXOR, 6)
    exact, size = truth.chain, 1e-6
    wrong = Chain((1 - size) * exact.probability + size / 2)
    error = truth.distribution @ wrong.matrix - truth.distribution @ exact.matrix
    change = wrong.stationary - exact.stationary
    np.testing.assert_allclose(change, exact.responds(error), atol=1e-4 * np.abs(change).max())
    measured = np.abs(change).sum() / np.abs(error).sum()
    assert measured == pytest.approx(truth.amplification, rel=1e-4)


def test_a_short_memory_is_exact_where_the_process_has_one():
    truth = Truth(GOLDEN_MEAN, 6)
    assert total_variation(markov_chain(truth, 3).stationary, truth.distribution) < 1e-14
    longer = Truth(processes.named("even"), 6)
    assert total_variation(markov_chain(longer, 3).stationary, longer.distribution) > 0.01


def test_variety_drifts_away():
    assert left(1000, 100) == pytest.approx(0.905, abs=5e-4)
    distribution = Truth(RRXOR, 6).distribution
    found = drifted(distribution, 200, 60, lines=400)
    expected = np.array([left(200, g) for g in range(1, 61)])
    np.testing.assert_allclose(found, expected, atol=0.01)
    assert abs(found[-1] - left(400, 60)) > 0.05  # of other samples it is another


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    recipe = sm5.SM5.recipes("golden_mean", sm5.Setting(seeds=2, size="small"))["transformer"]
    return kept(recipe, tmp_path_factory.mktemp("run"))


@pytest.mark.thorough
def test_what_sm5_measures_is_that_of_the_chain(run):
    found = sm5.own_text({"transformer": run})
    truth = Truth(GOLDEN_MEAN, run.recipe.model.n_ctx)
    params = jax.tree.map(lambda leaf: leaf[1], run.params())
    chain = network_chain(run.recipe.model, params)
    distribution = np.full(len(truth.distribution), 1 / len(truth.distribution))
    for _ in range(200):  # long text, word by word
        distribution = distribution @ chain.matrix
    np.testing.assert_allclose(distribution, chain.stationary, atol=1e-12)
    assert found.stationary[1] == pytest.approx(total_variation(distribution, truth.distribution), abs=1e-12)
    assert found.mass[1] == pytest.approx(distribution[~truth.possible].sum(), abs=1e-12)
    word = truth.words[5]
    out = toy.network(run.recipe.model).apply(params, word[None])["logits"][0, -1]
    np.testing.assert_allclose(chain.probability[5], jax.nn.softmax(out), atol=1e-6)


@pytest.mark.thorough
def test_what_sm4_measures_is_what_is_proved(tmp_path, monkeypatch):
    monkeypatch.setattr(sm4, "SECONDS", 2.0)
    models = {
        sm4.RECURRENT: toy.RecurrentConfig(2, 5, 1, 2, "rnn"),
        sm4.TRANSFORMER: toy.TransformerConfig(2, 5, 1, 1, 8, 8, 8),
    }
    runs = {
        role: kept(standard("golden_mean", sm4.Setting(seeds=2), model=model), tmp_path)
        for role, model in models.items()
    }
    found = sm4.extremes(runs)
    assert found.exact == 0.5 and found.impossible
    assert (found.high >= found.enumerated - 1e-12).all() and (found.high >= found.drawn - 1e-12).all()
    assert ((found.proved == 0) == (found.high == 1.0)).all()
    assert (np.maximum(found.on, found.off) < 1).all() and (found.unlearned > 1e-2).all()
