"""Weighted points and subspaces: equal to the formulas that stood in the files that use them."""

import numpy as np
import pytest

from analysis.instruments.forward import log_distribution
from analysis.instruments.statistics import coordinates, evenly, mean_overlap, overlap, principal

RNG = np.random.default_rng(0)
WEIGHT = RNG.dirichlet(np.ones(40))
POINTS = RNG.normal(size=(40, 3)) @ RNG.normal(size=(3, 6)) + RNG.normal(size=6)


def test_principal_axes_are_those_of_the_weighted_cloud():
    """By singular values of the cloud times the roots of its weights."""
    mean, variance, axes = principal(POINTS, WEIGHT)
    centred = (POINTS - WEIGHT @ POINTS) * np.sqrt(WEIGHT)[:, None]
    _, size, right = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(variance[::-1], size**2, atol=1e-12)
    np.testing.assert_allclose(np.abs(right[:3] @ axes[:, ::-1][:, :3]), np.eye(3), atol=1e-10)
    np.testing.assert_allclose(mean, WEIGHT @ POINTS)


@pytest.mark.parametrize("scale", [1.0, 7.0])
def test_coordinates_keep_all_distances_in_as_few_numbers_as_there_are_dimensions(scale):
    found = coordinates(POINTS, scale * WEIGHT, faint=1e-9)
    assert found.shape == (40, 3)
    np.testing.assert_allclose(WEIGHT @ found, 0, atol=1e-13)
    apart = [np.linalg.norm(x[:, None] - x, axis=-1) for x in (found, POINTS)]
    np.testing.assert_allclose(*apart, atol=1e-12)
    far = POINTS + 1e-12 * RNG.normal(size=POINTS.shape)
    assert coordinates(far, WEIGHT, faint=1e-9).shape == (40, 3)


def test_mean_overlap_is_over_pairs():
    spaces = [np.eye(4)[:, :2], np.eye(4)[:, 1:3], np.eye(4)[:, 2:]]
    assert [overlap(spaces[i], spaces[j]) for i, j in ((0, 1), (0, 2), (1, 2))] == [0.5, 0, 0.5]
    assert mean_overlap(spaces) == pytest.approx(1 / 3)


@pytest.mark.parametrize(("n", "most"), [(1, 8), (8, 8), (9, 8), (100, 8), (3, 1)])
def test_places_that_are_evenly_spread(n, most):
    found = evenly(n, most)
    assert len(found) == min(n, most) and found[0] == 0
    gaps = np.diff(found).tolist()
    assert most == 1 or (found[-1] == n - 1 and max(gaps, default=0) - min(gaps, default=0) <= 1)


def test_logits_are_normalised_in_float64():
    logits = (10 * RNG.normal(size=(5, 4))).astype(np.float32)
    wide = logits.astype(np.float64) - logits.astype(np.float64).max(-1, keepdims=True)
    np.testing.assert_array_equal(
        log_distribution(logits), wide - np.log(np.exp(wide).sum(-1, keepdims=True))
    )
