"""Energies of linear chains have their closed form; gradients tend to backpropagation's at first order."""

import numpy as np
import pytest

import toy
from analysis.instruments.predictive_coding import (
    backpropagated,
    energy,
    local_gradient,
    outputs,
    relaxed,
    settled,
)


def chain(layers, *, d=4, inputs=6, seed=0):
    """Weights of a chain whose layers differ in width, inputs and targets."""
    rng = np.random.default_rng(seed)
    widths = [d, *(d + 1 + k % 2 for k in range(layers - 1)), d - 1]
    weights = [rng.normal(size=(b, a)) / np.sqrt(a) for a, b in zip(widths, widths[1:], strict=False)]
    return weights, rng.normal(size=(inputs, d)), rng.normal(size=(inputs, d - 1))


def flat(gradient):
    return np.concatenate([g.ravel() for g in gradient])


def relative(found, true):
    return np.linalg.norm(found - true) / np.linalg.norm(true)


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
@pytest.mark.parametrize("beta", [0.01, 1.0, np.inf])
def test_relaxation_ends_in_the_closed_form(layers, beta):
    weights, x, y = chain(layers)
    exact, found = settled(weights, x, y, beta=beta), relaxed(weights, x, y, beta=beta)
    np.testing.assert_allclose(found.energy, exact.energy, rtol=1e-7)
    np.testing.assert_allclose(energy(weights, exact.states, y, beta=beta), exact.energy, rtol=1e-10)
    for a, b in zip(found.states, exact.states, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7)
    assert found.steps > 0 or layers == 1 and np.isinf(beta)


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_backpropagation_is_the_gradient_of_differences(activation):
    weights, x, y = chain(3)
    found, step = backpropagated(weights, x, y, activation), 1e-6

    def loss():
        return ((outputs(weights, x, activation)[-1] - y) ** 2).sum() / 2

    for W, g in zip(weights, found, strict=True):
        for at in ((0, 0), (1, 2)):
            W[at] += step
            more = loss()
            W[at] -= 2 * step
            less = loss()
            W[at] += step
            assert g[at] == pytest.approx((more - less) / (2 * step), rel=1e-6, abs=1e-7)


@pytest.mark.thorough
@pytest.mark.parametrize("activation", ["linear", "tanh"])
@pytest.mark.parametrize("layers", [2, 3, 4])
def test_the_gradient_tends_to_backpropagations_at_first_order(layers, activation):
    weights, x, y = chain(layers)
    true = flat(backpropagated(weights, x, y, activation))
    errors = []
    for beta in (1e-3, 1e-4):
        states = relaxed(weights, x, y, beta=beta, activation=activation, tolerance=1e-12).states
        errors.append(relative(flat(local_gradient(weights, states, activation)) / beta, true))
    # The next order is the square of the error itself.
    assert np.log10(errors[0] / errors[1]) == pytest.approx(1, abs=errors[0])
    assert errors[0] < 0.02


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_a_small_output_error_does_not_make_the_gradients_agree(layers):
    """With the output held at the target the gradient stays turned, however near the target is."""
    weights, x, _ = chain(layers)
    off = np.random.default_rng(1).normal(size=outputs(weights, x)[-1].shape)
    turned = []
    for size in (1e-2, 1e-6):
        y = outputs(weights, x)[-1] + size * off
        own = flat(local_gradient(weights, settled(weights, x, y, beta=np.inf).states))
        turned.append(cosine(own, flat(backpropagated(weights, x, y))))
    assert 1 - turned[0] == pytest.approx(1 - turned[1], rel=0.2)
    assert 1 - turned[1] > 1e-3  # of size 1e-6 were it of first order


def test_the_local_gradient_is_that_of_the_settled_energy():
    """States are stationary, so that how they move with the weights does not enter."""
    weights, x, y = chain(3)
    found, step = local_gradient(weights, settled(weights, x, y, beta=2.0).states), 1e-6
    for W, g in zip(weights, found, strict=True):
        W[1, 0] += step
        more = settled(weights, x, y, beta=2.0).energy.sum()
        W[1, 0] -= 2 * step
        less = settled(weights, x, y, beta=2.0).energy.sum()
        W[1, 0] += step
        assert g[1, 0] == pytest.approx((more - less) / (2 * step), rel=1e-6)


def test_where_the_target_is_the_output_nothing_moves():
    weights, x, _ = chain(3)
    y = outputs(weights, x, "tanh")[-1]
    found = relaxed(weights, x, y, beta=1.0, activation="tanh")
    assert found.steps == 0 and (found.energy == 0).all()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda w, x, y: settled(w, x, y, beta=0.0), "beta is 0.0"),
        (lambda w, x, y: relaxed(w, x, y, beta=1.0, activation="relu"), "choose one of linear, tanh"),
        (lambda w, x, y: relaxed(w, x, y, beta=1.0, most=3), "did not rest after 3 steps"),
        (lambda w, x, y: settled(w[::-1], x, y, beta=1.0), "they must be"),
        (lambda w, x, y: settled(w, x[:, :2], y, beta=1.0), r"inputs have shape \(6, 2\)"),
        (lambda w, x, y: backpropagated(w, x, y[:, :2]), "they must agree"),
    ],
)
def test_what_makes_no_chain_is_refused(wrong, said):
    with pytest.raises(toy.ModelError, match=said):
        wrong(*chain(3))
