"""Subspaces, beside projections worked out another way, and beside the formulas that they stand for."""

import numpy as np
import pytest

from processes.algebra.chain import gauged
from processes.algebra.span import closure, column_space, orthogonalised, outside, random_frame, row_space
from processes.entropy import entropy, terms, total_variation

SEEDS = pytest.mark.parametrize("seed", range(5))


def of_rank(rng, n, d, r):
    return rng.normal(size=(n, r)) @ rng.normal(size=(r, d))


def projection(rows):
    return np.linalg.pinv(rows) @ rows


@SEEDS
def test_bases_are_orthonormal_and_span_what_is_spanned(seed):
    rng = np.random.default_rng(seed)
    x = of_rank(rng, 7, 5, 3)
    for basis, of in ((row_space(x, 1e-9), x), (column_space(x, 1e-9).T, x.T)):
        assert basis.shape[0] == 3
        np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=1e-13)
        np.testing.assert_allclose(basis.T @ basis, projection(of), atol=1e-12)


def test_what_is_faint_is_left_out_and_nothing_spans_nothing():
    x = np.diag([1.0, 1e-3, 1e-7])
    assert [len(row_space(x, faint)) for faint in (1e-9, 1e-5, 1e-2)] == [3, 2, 1]
    assert row_space(np.zeros((4, 3)), 1e-9).shape == (0, 3) and column_space(
        np.zeros((4, 0)), 1e-9
    ).shape == (4, 0)
    assert len(row_space(1e-200 * x, 1e-5)) == 2  # beside the largest, however small that is


@SEEDS
def test_what_lies_outside(seed):
    rng = np.random.default_rng(seed)
    basis, v = row_space(rng.normal(size=(3, 8)), 1e-9), rng.normal(size=8)
    np.testing.assert_allclose(outside(v, basis), v - projection(basis) @ v, atol=1e-13)
    nearly = basis[0] + 1e-9 * v  # where one pass leaves rounding in the span
    assert np.abs(basis @ outside(nearly, basis)).max() < 1e-24
    np.testing.assert_array_equal(outside(v, np.empty((0, 8))), v)


def test_a_closure_is_the_least_space_that_operators_do_not_leave():
    """Of a shift, all that comes after; of a vector of zeros, nothing."""
    shift = np.eye(5, k=1)
    for first in range(5):
        basis = closure(np.eye(5)[first], shift[None])
        np.testing.assert_allclose(basis.T @ basis, np.diag(np.arange(5) >= first), atol=1e-14)
    assert closure(np.zeros(5), shift[None]).shape == (0, 5)
    rng = np.random.default_rng(0)
    operators, v = rng.normal(size=(2, 6, 6)) * np.kron(np.eye(2), np.ones((3, 3))), np.eye(6)[0]
    basis = closure(v, operators)
    assert len(basis) == 3 and np.abs(basis[:, 3:]).max() < 1e-14
    for A in operators:
        assert max(np.abs(outside(row, basis)).max() for row in basis @ A) < 1e-12


@SEEDS
def test_columns_are_orthogonalised_one_after_the_other(seed):
    """As Gram and Schmidt do it, signs and all."""
    x = np.random.default_rng(seed).normal(size=(6, 4))
    found = np.empty((0, 6))
    for v in x.T:
        left = outside(v, found)
        found = np.vstack([found, left / np.linalg.norm(left)])
    np.testing.assert_allclose(orthogonalised(x), found.T, atol=1e-12)


@pytest.mark.parametrize(("d", "k"), [(5, 2), (5, 5), (4, 1)])
def test_random_frames_are_those_drawn_before(d, k):
    """To the bit: published numbers hang on these draws."""
    drawn = np.linalg.qr(np.random.default_rng(3).normal(size=(d, k)))[0]
    frame = random_frame(d, k, np.random.default_rng(3))
    np.testing.assert_array_equal(frame, drawn)
    np.testing.assert_allclose(frame.T @ frame, np.eye(k), atol=1e-14)


def test_the_gauge_of_a_vector():
    assert gauged(np.array([1.0, 3.0])).sum() == 2 and gauged(np.array([-1.0, -3.0])).min() > 0
    np.testing.assert_array_equal(gauged(np.array([2.0, -2.0])), [1, -1])


def test_entropy_is_the_sum_of_its_terms_and_total_variation_half_a_distance():
    p = np.random.default_rng(0).dirichlet(np.ones(4), size=6)
    p[0] = [1, 0, 0, 0]
    np.testing.assert_array_equal(
        entropy(p), np.maximum(-np.sum(p * np.log(np.where(p > 0, p, 1.0)), -1), 0.0)
    )
    assert terms(np.zeros(3)).tolist() == [0, 0, 0]
    np.testing.assert_array_equal(total_variation(p[:3], p[3:]), 0.5 * np.abs(p[:3] - p[3:]).sum(-1))
    assert total_variation(p[:, None], p[None]).shape == (6, 6)
    assert total_variation(np.array([1.0, 0]), np.array([0, 1.0])) == 1
