"""Two features in one dimension: the exact loss, and which of them the best model keeps."""

import numpy as np
import pytest

import toy
from analysis.instruments.superposition.phases import pair_loss, phase


def by_quadrature(W, b, density, importance, points=1000):
    """The midpoint rule over every set of active features."""
    u = (np.arange(points) + 0.5) / points
    first, second = np.meshgrid(u, u, indexing="ij")
    zero, p = np.zeros(1), density
    sets = (
        (zero, zero, (1 - p) ** 2),
        (u, 0 * u, p * (1 - p)),
        (0 * u, u, p * (1 - p)),
        (first, second, p**2),
    )
    G, total = W.T @ W, 0.0
    for x, y, probability in sets:
        for j, weight in enumerate((1.0, importance)):
            out = np.maximum(G[j, 0] * x + G[j, 1] * y + b[j], 0)
            total += probability * weight * ((out - (x, y)[j]) ** 2).mean()
    return total


@pytest.mark.parametrize("m", [1, 2])
@pytest.mark.parametrize("density", [0.1, 0.5, 1.0])
def test_the_loss_is_the_sum_over_active_sets(m, density):
    rng = np.random.default_rng(0)
    for _ in range(4):
        W, b = rng.normal(size=(m, 2)), 0.5 * rng.normal(size=2)
        exact = pair_loss(W, b, density=density, importance=2.5).value
        assert exact == pytest.approx(by_quadrature(W, b, density, 2.5), rel=2e-6)


def test_its_gradient_is_that_of_differences():
    rng, step = np.random.default_rng(1), 1e-6

    def loss(x):
        return pair_loss(x[:4].reshape(2, 2), x[4:], density=0.4, importance=0.6)

    x = rng.normal(size=6)
    slopes = [(loss(x + d).value - loss(x - d).value) / (2 * step) for d in step * np.eye(6)]
    np.testing.assert_allclose(np.concatenate([loss(x).W.ravel(), loss(x).b]), slopes, atol=1e-7)


def test_features_that_do_not_meet_are_integrated():
    """Where the product of both is zero, nothing depends on the other one."""
    for W in (np.zeros((1, 2)), np.array([[0.9, 0.0]]), np.eye(2)):
        exact = pair_loss(W, np.array([0.2, 0.5]), density=0.7, importance=1.5).value
        assert exact == pytest.approx(by_quadrature(W, np.array([0.2, 0.5]), 0.7, 1.5), rel=2e-6)
    assert pair_loss(np.eye(2), np.zeros(2), density=0.7, importance=3.0).value == pytest.approx(0, abs=1e-15)


def test_the_first_and_the_second_feature_change_places():
    W, b = np.array([[0.7, -0.4]]), np.array([0.1, 0.3])
    there = pair_loss(W, b, density=0.3, importance=4.0).value
    back = pair_loss(W[:, ::-1], b[::-1], density=0.3, importance=0.25).value
    assert there == pytest.approx(4 * back)


@pytest.mark.parametrize(
    ("density", "importance", "kept"),
    [
        (1.0, 0.5, (True, False)),
        (1.0, 2.0, (False, True)),
        (0.3, 0.1, (True, False)),
        (0.3, 10.0, (False, True)),
        (0.3, 1.0, (True, True)),
        (0.05, 0.1, (True, True)),
        (0.05, 10.0, (True, True)),
    ],
)
def test_dense_features_are_dropped_and_sparse_ones_superposed(density, importance, kept):
    found = phase(density=density, importance=importance, rng=np.random.default_rng(0))
    assert tuple(found.kept) == kept
    if all(kept):
        assert found.W[0, 0] * found.W[0, 1] < 0  # as opposites
    if density == 1.0:  # the lesser is read as its mean, and loses its variance
        assert found.loss == pytest.approx(min(importance, 1) / 12, abs=1e-6)


def test_two_dimensions_hold_both():
    found = phase(density=1.0, importance=0.3, m=2, rng=np.random.default_rng(0))
    assert found.loss < 1e-9 and found.kept.all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"density": 0.0, "importance": 1.0}, "density is 0.0"),
        ({"density": 1.5, "importance": 1.0}, "density is 1.5"),
        ({"density": 0.5, "importance": -1.0}, "importance is -1.0"),
    ],
)
def test_what_makes_no_pair_is_refused(given, said):
    with pytest.raises(toy.ModelError, match=said):
        phase(**given, rng=np.random.default_rng(0))
