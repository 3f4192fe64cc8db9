"""SM6 on planted evidence: power, size, what each rival explains; and its instrument by what is known."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from pictures import picture
from planted.rashomon import differing
from planted.rates import by_rule, looked, rate
from planted.runs import kept

import processes
import toy
import train
from analysis.claim import Setting
from analysis.families import CLAIMS
from analysis.instruments.behaviour.disagreement import (
    between_pairs,
    contributions,
    jensen_shannon,
    log_ratio,
    mean_of_pairs,
)
from analysis.instruments.contexts import enumerated
from analysis.instruments.evidence import observe
from analysis.instruments.forward import alone, member
from analysis.instruments.interventions.quantisation import MOST_BITS, matrices, quantised
from analysis.simulators import sm06_rashomon as sm6
from analysis.simulators import sm06_rashomon_design as design

GOLDEN_MEAN = processes.named("golden_mean")


def changed(**how):
    return lambda rng: differing(rng, **how)


@pytest.mark.thorough
def test_power_and_size_of_sm6():
    """Three times as far with each doubling of the width, a quarter with each constraint; without either."""
    strong = {"wider": 3.0, "constrained": 0.25}
    assert rate("SM6", changed(**strong), GOLDEN_MEAN, 7, alone=True) >= 0.9
    for nothing in (
        {"off": 2e-5},
        {"wider": 1.0},
        {"constrained": 1.0},
        {"wider": 1.0, "nearer": 1 / 3},
        {"untrained": 6e3},
        {"rare": 2e-3},
        {"empty": 0.25},
    ):
        assert rate("SM6", changed(**strong | nothing), GOLDEN_MEAN, 7, alone=True) <= 0.05, nothing


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"off": 1e-6}, "refuted", ""),
        ({"wider": 0.3}, "refuted", ""),
        ({"constrained": 4.0}, "refuted", ""),
        ({"learned": 1e-2}, "invalid", "not yet learned"),
        ({"untrained": 1e7}, "explained", "any two networks"),
        ({"rare": 0.1}, "explained", "how rare words are"),
        ({"wider": 0.5, "nearer": 0.1}, "explained", "how near wide networks"),
        ({"empty": 0.02}, "explained", "more control tokens"),
    ],
)
def test_outcomes_of_sm6(how, outcome, told):
    strong = {"wider": 3.0, "constrained": 0.25}
    found = looked("SM6", changed(**strong | how), GOLDEN_MEAN, 7, alone=True)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below) for c in CLAIMS["SM6"].criteria] == [
        (np.log(10), np.inf),
        (0.0, np.inf),
        (-np.inf, 0.0),
    ]


@pytest.mark.parametrize(
    ("name", "said"), [("coin", "every word"), ("mess3", "every word"), ("fanizza", "generalised")]
)
def test_sm6_refuses_where_nothing_is_impossible(name, said):
    assert said in CLAIMS["SM6"].refusal(processes.named(name), 7)
    assert CLAIMS["SM6"].refusal(processes.named("rrxor"), 7) is None


# The instrument.


def test_jensen_shannon_is_a_divergence_from_the_mean():
    p, q = np.array([0.5, 0.5, 1e-300]), np.array([1e-300, 0.5, 0.5])
    assert jensen_shannon(np.log(p), np.log(q)) == pytest.approx(0.5 * np.log(2), abs=1e-12)
    assert jensen_shannon(np.log(p), np.log(p)) == pytest.approx(0, abs=1e-12)


def test_pairs_are_compared_on_words_that_weigh():
    rng = np.random.default_rng(0)
    log_p = np.log(rng.dirichlet(np.ones(3), (4, 6)))
    weight = np.array([0.5, 0, 0.25, 0, 0, 0.25])
    found = between_pairs(log_p, weight)
    by_hand = [jensen_shannon(log_p[1, n], log_p[3, n]) for n in (0, 2, 5)]
    assert found[1, 3] == found[3, 1] == pytest.approx(weight[[0, 2, 5]] @ by_hand, abs=1e-14)
    assert mean_of_pairs(found) == pytest.approx(found[np.triu_indices(4, 1)].mean(), abs=1e-14)
    with pytest.raises(toy.ModelError, match="at least 2"):
        mean_of_pairs(found[:1, :1])


@pytest.mark.thorough
def test_pseudo_values_know_that_pairs_share_networks():
    """Means of squared distances: their mean is that over pairs, and the spread of pseudo-values tells how
    far that is from the truth, where the spread of means over partners says half of it.
    """
    rng, n, trials = np.random.default_rng(0), 16, 400
    told, naive, off = [], [], []
    for _ in range(trials):
        x = rng.normal(size=n) * np.exp(0.5 * rng.normal(size=n))
        pairs = np.square(x[:, None] - x)
        values = contributions(lambda m: m, pairs)
        assert values.mean() == pytest.approx(mean_of_pairs(pairs), rel=1e-9)
        told.append(values.var(ddof=1) / n)
        naive.append((pairs.sum(1) / (n - 1)).var(ddof=1) / n)
        off.append(mean_of_pairs(pairs))
    assert np.mean(told) == pytest.approx(np.var(off), rel=0.25)
    assert np.mean(naive) < 0.5 * np.var(off)


def test_two_networks_are_one_pair():
    pairs = np.array([[0.0, 3.0], [3.0, 0.0]])
    assert contributions(log_ratio, pairs, pairs / 3).tolist() == pytest.approx([np.log(3)] * 2)
    assert log_ratio(0.0, 0.0) == 0.0


# Words and arms.


def test_words_are_weighed_by_whether_they_are_possible():
    asked = design.compared("golden_mean", 4)
    assert asked.words.shape == (16, 4)
    for weights in (asked.on, asked.possible, asked.impossible):
        assert weights.sum() == pytest.approx(1, abs=1e-12)
    wrong = np.array(
        [[(1, 1) in zip(w[:t], w[1 : t + 1], strict=True) for t in range(4)] for w in asked.words]
    )
    assert ((asked.impossible > 0) == wrong).all() and ((asked.possible > 0) == ~wrong).all()
    assert asked.impossible.sum(0) == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3], abs=1e-12)


def test_bodies_that_break_what_is_on_are_in_no_training():
    """Whatever is switched; and those of the control that says nothing are the words that nothing adds to."""
    outside = design.broken()
    asked = outside.impossible > 0
    assert outside.impossible.sum() == pytest.approx(1, abs=1e-12) and not asked[:, :4].any()
    for toggled in design.TOGGLED:
        process = processes.named(design.guarded(toggled))
        assert not (design.prefixes_possible(process, outside.words) & asked).any(), toggled
    bodies = {
        toggled: {
            word[3:]
            for word in map(
                tuple, processes.prefix_tree(processes.named(design.guarded(toggled)), 9).words.tolist()
            )
            if -1 not in word
        }
        for toggled in ("none", "one", "empty")
    }
    assert bodies["none"] == bodies["empty"] < bodies["one"]


def test_sm6_trains_widths_and_switches():
    arms = CLAIMS["SM6"].recipes("even", Setting())
    assert [arm.width for arm in arms if arm.toggled is None] == list(design.WIDTHS)
    assert {arm.toggled for arm in arms} == {None, *design.TOGGLED}
    assert all(r.model.d_mlp == 4 * r.model.d_model for r in arms.values())
    assert design.length(2) == 7 and design.length(4) == 5


@pytest.mark.thorough
def test_what_sm6_measures(tmp_path, monkeypatch):
    """On networks that are hardly trained: the divergence of two networks on one impossible word, by hand."""
    for module in (design, sm6):
        monkeypatch.setattr(module, "WIDTHS", (32,))
    monkeypatch.setattr(design, "SMALL", replace(design.SMALL, n_layers=1))
    arms = CLAIMS["SM6"].recipes("golden_mean", Setting(seeds=2))
    runs = {arm: kept(recipe, tmp_path) for arm, recipe in arms.items()}
    found = sm6.rashomon(runs)
    assert found.off.shape == (1, 2, 2) and found.broken.shape == (3, 2, 2)
    run = runs[design.Arm(32)]
    asked = design.compared("golden_mean", 7)
    only = np.zeros_like(asked.impossible)
    only[-1, 6] = 1.0  # 1111111
    (one,) = design.apart(run.recipe.model, run.params(), asked.words, only)
    out = [
        toy.network(run.recipe.model).apply(
            jax.tree.map(lambda leaf, i=i: leaf[i], run.params()), np.ones((1, 7), int)
        )["logits"][0, -1]
        for i in range(2)
    ]
    log_p = [np.asarray(jax.nn.log_softmax(o), np.float64) for o in out]
    assert one[0, 1] == pytest.approx(jensen_shannon(*log_p), abs=1e-7)
    assert found.machines.tolist() == [1, 16, 729] and found.within.tolist() == [0, 4, 190]


@pytest.mark.thorough
def test_figure_draws(tmp_path):
    evidence = differing(np.random.default_rng(0))
    assert picture(by_rule("SM6", evidence, GOLDEN_MEAN, 7), evidence, tmp_path) > 10_000


@pytest.mark.thorough
def test_bits_are_the_fewest_that_stay_in_the_set(tmp_path):
    """More of them do as well; one fewer does not, or there is none."""
    recipe = design.recipe("golden_mean", 5, 8, Setting(seeds=2))
    run = train.obtain(
        replace(recipe, steps=40, origin=None, optimiser=train.Optimiser("adam", 1e-2)), tmp_path
    )
    every = enumerated(GOLDEN_MEAN, 5)
    for i, bits in enumerate(design.described(run)):
        one = member(run.params(), i)
        for b in range(max(bits - 1, 1), MOST_BITS + 1):
            (seen,) = observe(run.recipe.model, alone(quantised(one, b)), every, ())
            assert (seen.excess <= design.EPS) == (b >= bits) or bits == MOST_BITS


def test_numbers_of_matrices_are_counted_in_one_network_of_a_stack():
    params = {
        "a": {"kernel": np.zeros((3, 4, 5))},
        "b": {"bias": np.zeros((3, 7))},
        "kernel": np.zeros((3, 2, 2)),
    }
    assert matrices(params) == 24
    assert matrices(jax.tree.map(lambda leaf: leaf[0], params)) == 24
