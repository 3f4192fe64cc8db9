"""Toy models of superposition by what is known of them, the arithmetic of embeddings, and MI1 on planted
evidence.
"""

from dataclasses import replace
from functools import partial
from unittest import mock

import jax.numpy as jnp
import numpy as np
import pytest
from pictures import picture
from planted.dictionaries import PAIR
from planted.rates import judged, looked, rate
from planted.superposition import superposed

import processes
import toy
import train
from analysis.claim import ClaimError, Setting
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.instruments.decompositions.embedding_arithmetic import arithmetic, by_last_token
from analysis.instruments.decompositions.factors import marginals, sizes
from analysis.instruments.superposition.expected_loss import expected_loss
from analysis.instruments.superposition.optima import KNOWN, Shape, nearest_angle, search
from analysis.instruments.superposition.training import trained
from analysis.mechanisms import mi01_superposition

PRODUCT = processes.named(PAIR)


def by_quadrature(W, b, points=20_000):
    """The expected loss by the midpoint rule, whose error is of second order in 1 / points."""
    u, total = (np.arange(points) + 0.5) / points, 0.0
    for i in range(W.shape[1]):
        out = np.maximum((W.T @ W)[:, [i]] * u + b[:, None], 0)
        out[i] -= u
        total += (out**2).mean(1).sum()
    return total


@pytest.mark.parametrize("scale", [0.0, 0.3, 1.0, 3.0])
def test_the_expected_loss_is_the_integral(scale):
    rng = np.random.default_rng(0)
    W, b = rng.normal(size=(4, 3, 5)), scale * rng.normal(size=(4, 5))
    found = expected_loss(W, b)
    np.testing.assert_allclose(
        found.value, [by_quadrature(*each) for each in zip(W, b, strict=True)], rtol=1e-6
    )
    np.testing.assert_array_equal(found.value[2], expected_loss(W[2], b[2]).value)


def test_its_gradient_is_that_of_differences():
    rng, step = np.random.default_rng(1), 1e-5
    W, b = rng.normal(size=(2, 4)), 0.3 * rng.normal(size=4)
    found = expected_loss(W, b)
    for at in np.ndindex(W.shape):
        moved = np.zeros_like(W)
        moved[at] = step
        slope = (expected_loss(W + moved, b).value - expected_loss(W - moved, b).value) / (2 * step)
        assert found.W[at] == pytest.approx(slope, abs=1e-7)
    for at in range(4):
        moved = step * np.eye(4)[at]
        slope = (expected_loss(W, b + moved).value - expected_loss(W, b - moved).value) / (2 * step)
        assert found.b[at] == pytest.approx(slope, abs=1e-7)


def test_lines_without_slope_are_integrated():
    """Features that are orthogonal, or not there: outputs that see nothing of an input."""
    zero = np.zeros((2, 3))
    assert expected_loss(zero, np.zeros(3)).value == pytest.approx(1.0)  # three features lost, a third each
    assert expected_loss(zero, np.full(3, -1.0)).value == pytest.approx(1.0)
    for b in (np.full(3, 0.5), np.array([0.5, 0.0, -0.5])):
        assert expected_loss(zero, b).value == pytest.approx(by_quadrature(zero, b), abs=1e-7)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (4, 2), (6, 3)])
def test_axes_and_their_opposites_lose_nothing(n, m):
    W = np.hstack([np.eye(m), -np.eye(m)])[:, :n]
    found = expected_loss(W, np.zeros(n))
    assert abs(found.value) < 1e-12 and np.abs(found.W).max() < 1e-12


@pytest.mark.thorough
def test_numpy_and_jax_agree():
    rng = np.random.default_rng(2)
    W, b = rng.normal(size=(5, 2, 6)), rng.normal(size=(5, 6))
    exact, rough = expected_loss(W, b), expected_loss(jnp.asarray(W), jnp.asarray(b))
    for of, other in zip(exact, rough, strict=True):
        assert other.dtype == jnp.float32
        np.testing.assert_allclose(other, of, atol=1e-5 * np.abs(of).max())


@pytest.mark.thorough
@pytest.mark.parametrize("shape", KNOWN, ids=str)
def test_known_optima_are_found_and_nothing_less(shape):
    """One search in a hundred ends in the heptagon, which is found below as the best polygon."""
    found = search(*shape, starts=15, rng=np.random.default_rng(0))
    assert np.log(found.loss.min() / KNOWN[shape].loss) > -1e-6
    if shape == Shape(7, 2):
        return
    assert np.log(found.loss.min() / KNOWN[shape].loss) == pytest.approx(0, abs=1e-6)
    assert nearest_angle(found.W[found.loss.argmin()]) == pytest.approx(KNOWN[shape].angle, abs=0.01)


@pytest.mark.thorough
@pytest.mark.parametrize(("n", "m"), [(3, 2), (4, 2), (6, 3)])
def test_features_that_fit_lose_nothing(n, m):
    assert abs(search(n, m, starts=20, rng=np.random.default_rng(0)).loss.min()) < 1e-9


def of_polygon(n):
    """The least loss of a regular polygon, over its norm and bias."""
    from scipy.optimize import minimize

    turn = 2 * np.pi * np.arange(n) / n

    def loss(x):
        return float(expected_loss(x[0] * np.array([np.cos(turn), np.sin(turn)]), np.full(n, x[1])).value)

    return minimize(loss, [1.2, -0.3], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).fun


@pytest.mark.parametrize("n", [5, 6, 7])
def test_polygons_are_minima_of_two_numbers(n):
    assert np.log(of_polygon(n) / KNOWN[Shape(n, 2)].loss) == pytest.approx(0, abs=1e-6)


def test_a_heptagon_is_better_than_a_hexagon_and_a_feature_dropped():
    """What is dropped is read as its mean, 1 / 14, at the price of a third less 1 / 28."""
    turn = 2 * np.pi * np.arange(7) / 6
    hexagon = 1.3208 * np.array([np.cos(turn), np.sin(turn)]) * (np.arange(7) < 6)
    dropped = expected_loss(hexagon, np.where(np.arange(7) < 6, -0.6177, 1 / 14)).value
    assert dropped == pytest.approx(KNOWN[Shape(6, 2)].loss + 1 / 3 - 1 / 28, abs=1e-5)
    assert 0.006 < np.log(dropped / KNOWN[Shape(7, 2)].loss) < 0.007


@pytest.mark.thorough
def test_trained_models_arrive_and_random_directions_do_not():
    shape, known = (5, 2), KNOWN[Shape(5, 2)].loss
    turning, fixed = (trained(*shape, models=16, seed=0, turning=t) for t in (True, False))
    over = np.log(turning.loss / known)
    assert abs(over.min()) < 1e-4 and 0.3 < (over < 1e-3).mean() < 1
    assert np.log(fixed.loss.min() / known) > 0.1
    W, b = turning.best
    assert np.abs(expected_loss(W, b).W).max() < 1e-2 and nearest_angle(W) == pytest.approx(72, abs=0.1)
    norms = np.linalg.norm(fixed.W, axis=1)
    assert norms.std() > 0.05  # they are trained
    again = trained(*shape, models=16, seed=0)
    np.testing.assert_array_equal(again.W, turning.W)
    assert not np.array_equal(trained(*shape, models=16, seed=1).W, turning.W)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: trained(5, 0, models=3, seed=0), "m is 0"),
        (lambda: trained(5, 2, models=-1, seed=0), "models is -1"),
        (lambda: search(0, 2, starts=3, rng=np.random.default_rng(0)), "n is 0"),
    ],
)
def test_what_makes_no_model_is_refused(wrong, said):
    with pytest.raises(toy.ModelError, match=said):
        wrong()


def test_angles_leave_out_features_without_a_place():
    W = np.array([[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 0.0, 1e-3]])
    assert nearest_angle(W) == pytest.approx(90)
    assert np.isnan(nearest_angle(np.zeros((2, 3))))


@pytest.mark.parametrize("symbols", [(3, 2), (2, 4), (3, 2, 2)])
def test_sums_of_parts_have_no_contrast_and_independent_vectors_two(symbols):
    rng, d = np.random.default_rng(0), 4000
    parts = [rng.normal(size=(n, d)) for n in symbols]
    grid = np.meshgrid(*(np.arange(n) for n in symbols), indexing="ij")
    e = sum(part[at.ravel()] for part, at in zip(parts, grid, strict=True)) + 5.0
    found = arithmetic(e, symbols)
    assert found.contrast < 1e-12 and sum(found.parts) == pytest.approx(1)
    independent = arithmetic(rng.normal(size=(int(np.prod(symbols)), d)), symbols)
    assert independent.contrast == pytest.approx(2, abs=0.05)
    one = arithmetic(parts[0][grid[0].ravel()], symbols)
    assert one.parts[0] == pytest.approx(1) and one.parts[1] == pytest.approx(0, abs=1e-12)


def test_the_contrast_is_that_of_all_quadruples():
    e = np.random.default_rng(1).normal(size=(6, 3))
    table = e.reshape(3, 2, 3)
    lengths = [
        ((table[a, 0] - table[a, 1] - table[c, 0] + table[c, 1]) ** 2).sum()
        for a, c in ((0, 1), (0, 2), (1, 2))
    ]
    spread = ((e - e.mean(0)) ** 2).sum() / 5
    assert arithmetic(e, (3, 2)).contrast == pytest.approx(np.sqrt(np.mean(lengths) / spread))


@pytest.mark.parametrize(
    ("e", "sizes", "said"),
    [
        (np.ones((5, 2)), (3, 2), r"one for each of 6 tokens"),
        (np.eye(3), (3, 1), "at least two symbols"),
        (np.ones((6, 2)), (3, 2), "all the same"),
    ],
)
def test_what_cannot_add_up_is_refused(e, sizes, said):
    with pytest.raises(toy.ModelError, match=said):
        arithmetic(e, sizes)


def test_beliefs_about_factors_add_up_and_the_joint_belief_does_not():
    t = contexts(PRODUCT, 5)
    symbols = PRODUCT.made_of.radices
    apart = np.hstack(marginals(t.belief, sizes(PRODUCT)))
    assert arithmetic(by_last_token(apart, t), symbols).contrast < 1e-12
    assert arithmetic(by_last_token(t.belief, t), symbols).contrast > 1
    rows = t.words[np.arange(len(t.length)), t.length - 1] == 3
    mean = t.weight[rows] @ t.belief[rows] / t.weight[rows].sum()
    np.testing.assert_allclose(by_last_token(t.belief, t)[3], mean)


@pytest.mark.thorough
def test_power_and_size_of_mi1():
    assert rate("MI1", superposed(), PRODUCT, 6) >= 0.9
    for nothing in (
        {"hardest": 0.5},
        {"missing": 0.5},
        {"beyond": -0.002},
        {"contrast": 0.5},
        {"contrast": 2.0},
        {"random": 1e-4},
        {"smallest": 0.03},
        {"untrained_last": 0.2, "contrast": 0.3},
    ):
        assert rate("MI1", superposed(**nothing), PRODUCT, 6) <= 0.05, nothing


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({"beyond": 0.002}, "refuted"),
        ({"beyond": -0.002}, "refuted"),
        ({"contrast": 1.0}, "refuted"),
        ({"random": 1e-5}, "explained"),
        ({"smallest": 0.01}, "explained"),
        ({"untrained_last": 0.2, "contrast": 0.35}, "explained"),
        ({"slope": 0.1}, "invalid"),
        ({"untrained": 1.0}, "invalid"),
        ({"unlearned": 0.01}, "invalid"),
    ],
)
def test_outcomes_of_mi1(given, outcome):
    assert looked("MI1", superposed(**{"hardest": 0.0} | given), PRODUCT, 6).outcome == outcome


def test_thresholds_of_mi1_are_not_moved():
    asked = [(c.above, c.below, c.over) for c in CLAIMS["MI1"].criteria]
    assert asked == [(-1e-3, 1e-3, "most")] * 5 + [(-np.inf, np.log(0.5), "mean")]


@pytest.mark.parametrize(
    ("name", "said"), [("mess3", "no pairs"), ("mess3 * mess3 * mess3", "too many contexts")]
)
def test_mi1_refuses_what_has_no_pairs(name, said):
    with pytest.raises(ClaimError, match=said):
        CLAIMS["MI1"].check(processes.named(name), 5)


@pytest.mark.thorough
def test_the_figure_of_mi1_draws(tmp_path):
    evidence = superposed()(np.random.default_rng(0))
    verdict = judged("MI1", evidence, PRODUCT, 6)
    assert picture(verdict, evidence, tmp_path) > 10_000


@pytest.mark.thorough
def test_evidence_of_mi1_is_made_end_to_end(tmp_path):
    """Networks that have learned next to nothing, beside few toy models."""
    claim = CLAIMS["MI1"]
    full = claim.recipes(PAIR, Setting(seeds=2))["transformer"]
    small = replace(full.model, n_ctx=5, n_layers=1, d_model=8, d_head=4, d_mlp=8)
    recipe = replace(full, model=small, steps=2, optimiser=replace(full.optimiser, warmup=1), checkpoints=2)
    with (
        mock.patch.object(mi01_superposition, "MODELS", 4),
        mock.patch.object(mi01_superposition, "trained", partial(trained, steps=20)),
    ):
        evidence = claim.evidence({"transformer": train.obtain(recipe, tmp_path)})
    assert list(evidence.least) == [str(s) for s in KNOWN]
    assert evidence.contrast.shape == (2, 2) and evidence.joint == pytest.approx(1.21, abs=0.05)
    assert evidence.parts.shape == (2, 2) and evidence.W[str(Shape(12, 3))].shape == (2, 3, 12)
    assert not judged("MI1", evidence, PRODUCT, 5).controls[0].holds
