"""Rounded matrices, against grids by hand and brute force; inputs of layers, against networks run by hand."""

from itertools import product

import jax
import numpy as np
import pytest
from planted.runs import beginnings

import processes
import toy
from analysis.instruments.contexts import contexts
from analysis.instruments.forward import member
from analysis.instruments.interventions.quantisation import compensated, input_moments, nearest, quantised
from toy.inputs import dotted

TRUTH = contexts(processes.named("rrxor"), 5)
TRANSFORMER = toy.TransformerConfig(vocab=2, n_ctx=5, n_layers=2, n_heads=2, d_model=8, d_head=3, d_mlp=12)
PLAIN = toy.TransformerConfig(
    vocab=2, n_ctx=5, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=12, norm="none", tied=True
)
CELLS = [toy.RecurrentConfig(2, 5, 2, 6, cell) for cell in ("rnn", "gru", "lstm")]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_each_output_has_a_grid_with_zero_on_it(rng, bits):
    matrix = rng.normal(size=(40, 6)) + np.array([0, 0, 0, 3, -3, 0])
    matrix[:, 5] = 0
    found = nearest(matrix, bits)
    for column, was in zip(found.T, matrix.T, strict=True):
        low, high = min(was.min(), 0), max(was.max(), 0)
        step = (high - low) / (2**bits - 1)
        assert len(np.unique(column.round(9))) <= 2**bits
        assert np.abs(column - was).max() <= step + 1e-12  # half a step, and as much where zero is put on it
        if step:
            np.testing.assert_allclose(column / step, np.round(column / step), atol=1e-9)
    assert (found[:, 5] == 0).all()


def test_one_bit_less_doubles_the_error(rng):
    matrix = rng.normal(size=(2000, 4))
    size = [np.abs(nearest(matrix, bits) - matrix).mean() for bits in (6, 7, 8)]
    np.testing.assert_allclose(np.divide(size[:-1], size[1:]), 2, rtol=0.05)


def test_independent_inputs_are_rounded_to_the_nearest(rng):
    """Nothing can be made up for by inputs that have nothing in common."""
    matrix = rng.normal(size=(10, 5))
    moments = np.diag(rng.uniform(1, 2, size=10))
    np.testing.assert_allclose(compensated(matrix, moments, 3), nearest(matrix, 3), atol=1e-12)


def lost(found, matrix, moments):
    error = found - matrix
    return np.einsum("io,ij,jo->o", error, moments, error)


def test_compensation_loses_less_and_no_less_than_the_best(rng):
    """On what the layer gives; the best of all numbers on the grid, tried one by one."""
    x = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))
    moments = x.T @ x / len(x)
    matrix = rng.normal(size=(5, 30))
    made_up, plain = (lost(f, matrix, moments) for f in (compensated(matrix, moments, 2), nearest(matrix, 2)))
    assert made_up.sum() < 0.7 * plain.sum()
    best = np.empty(30)
    for o in range(30):
        w = matrix[:, o]
        low, high = min(w.min(), 0), max(w.max(), 0)
        step = (high - low) / 3
        points = step * np.round(low / step) + step * np.arange(4)
        every = np.array(list(product(points, repeat=5)))
        best[o] = np.einsum("ni,ij,nj->n", every - w, moments, every - w).min()
    assert (made_up >= best - 1e-9).all() and (plain >= best - 1e-9).all()


def test_the_first_step_is_the_least_squares_one(rng):
    """After one input is rounded, those left over are where least squares puts them."""
    x = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4)) * np.array([9.0, 1, 1, 1])
    moments = x.T @ x / len(x)
    matrix = np.column_stack([[0.4, 0.5, -1.0, 1.0]])
    found = compensated(matrix, moments, 2)
    error = nearest(matrix, 2)[0] - matrix[0]  # the largest input is the first
    damped = moments + np.eye(4) * 0.01 * np.diag(moments).mean()
    rest = matrix[1:] - np.linalg.solve(damped[1:, 1:], damped[1:, :1]) * error
    step = 2 / 3
    second = np.clip(step * np.round(rest[np.argmax(np.diag(moments)[1:])] / step), -2 * step, step)
    np.testing.assert_allclose(found[1 + np.argmax(np.diag(moments)[1:])], second, atol=1e-9)
    assert found[0] == nearest(matrix, 2)[0]


@pytest.mark.thorough
def test_matrices_are_rounded_and_all_else_is_kept():
    own = member(beginnings(TRANSFORMER, 1), 0)
    found = quantised(own, 3)
    for (path, was), now in zip(
        jax.tree_util.tree_leaves_with_path(own), jax.tree.leaves(found), strict=True
    ):
        kernel = dotted(path).endswith("kernel")
        assert now.dtype == was.dtype and now.shape == was.shape
        assert (not np.array_equal(was, now)) == kernel
    assert np.array_equal(quantised({"kernel": np.eye(3)}, 4)["kernel"], np.eye(3))  # of any tree


@pytest.mark.thorough
@pytest.mark.parametrize("config", [TRANSFORMER, PLAIN, *CELLS], ids=str)
def test_inputs_are_those_of_the_layers(config):
    """A matrix changed along directions that its inputs have not changes no prediction; along others it
    does.
    """
    own = member(beginnings(config, 1), 0)
    found = input_moments(config, own, TRUTH)
    kernels = [dotted(path) for path, _ in jax.tree_util.tree_leaves_with_path(own)]
    assert sorted(found) == sorted(name for name in kernels if name.endswith("kernel"))
    words = TRUTH.words[TRUTH.length == TRUTH.n_ctx]
    plain = toy.network(config).apply(own, words)["logits"]
    for name, moments in found.items():
        np.testing.assert_allclose(moments, moments.T)
        size, directions = np.linalg.eigh(moments)
        unseen = directions[:, size < 1e-9 * size.max()]
        for along, same in ((unseen, True), (directions[:, -1:], False)):
            if not along.shape[1] or size.max() == 0:
                continue

            def moved(path, leaf, name=name, along=along):
                if dotted(path) != name:
                    return leaf
                return leaf + np.asarray(
                    along.sum(1)[:, None] * np.linspace(0.5, 1, leaf.shape[1]), np.float32
                )

            other = jax.tree_util.tree_map_with_path(moved, own)
            change = np.abs(np.asarray(toy.network(config).apply(other, words)["logits"]) - plain).max()
            assert (change < 1e-4) == same, (name, change)


@pytest.mark.thorough
def test_words_that_are_drawn_do_as_well(monkeypatch):
    monkeypatch.setattr("analysis.instruments.contexts.MOST_CONTEXTS", 10)
    drawn = contexts(processes.named("golden_mean(p=0.3711)"), 5)
    own = member(beginnings(CELLS[0], 1), 0)
    found = input_moments(CELLS[0], own, drawn)["blocks.0.dense_h.kernel"]
    state = np.asarray(toy.network(CELLS[0]).apply(own, drawn.drawn)["blocks.0.state"], np.float64)[:, :-1]
    flat = state.reshape(-1, 6)
    np.testing.assert_allclose(found, flat.T @ flat / drawn.drawn.size, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: nearest(np.eye(2), 0), "bits is 0; it must be a whole number from 1 to 16"),
        (lambda: quantised({"kernel": np.eye(2)}, 17), "bits is 17"),
        (lambda: compensated(np.eye(2), np.eye(3), 4), r"shape \(3, 3\); for a matrix of 2 inputs"),
    ],
)
def test_what_cannot_be_rounded_is_refused(call, sentence):
    with pytest.raises(toy.ModelError, match=sentence):
        call()
