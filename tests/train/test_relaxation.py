"""Learning by relaxation: its gradient is that of an energy, and tends to backpropagation's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import processes
import toy
import train
from train import RecipeError
from train.rules import relaxation
from train.rules.relaxation import agreement, by_relaxation

MESS3 = processes.named("mess3")
CONFIG = toy.RecurrentConfig(vocab=3, n_ctx=4, n_layers=1, d_model=5, cell="rnn")


def stack(config=CONFIG, networks=2):
    keys = jax.vmap(train.key)(jnp.arange(networks))
    return jax.vmap(toy.network(config).init)(keys)


def alone(config=CONFIG):
    return jax.tree.map(lambda leaf: leaf[0], stack(config))


def test_the_pull_on_states_is_the_gradient_of_the_energy():
    """Over the weight of each context, and times beta."""
    net = relaxation._network(CONFIG, MESS3, 0.7, 10)
    params = alone()
    state = net.forward(params) + 0.1 * jax.random.normal(jax.random.key(1), (len(net.nodes.token), 5))
    whole = jax.grad(lambda s: net.energy(params, s))(state)
    expected = 0.7 * whole / net.nodes.weight[:, None]
    np.testing.assert_allclose(net.pull(params, state), expected, rtol=2e-3, atol=2e-5)


def test_states_of_a_forward_pass_have_no_errors_of_their_own():
    net = relaxation._network(CONFIG, MESS3, 1.0, 10)
    params = alone()
    state = net.forward(params)
    np.testing.assert_allclose(net.step(params, net.before(state)), state, atol=1e-6)
    assert net.energy(params, state) == pytest.approx(float(net.loss(params)), rel=1e-5)


def test_states_come_to_rest_at_less_energy():
    net = relaxation._network(CONFIG, MESS3, 1.0, 400)
    params = alone()
    first = net.forward(params)
    slope, loss, unrest = net.relaxed(params)
    assert unrest < 1e-3 and loss == pytest.approx(float(net.loss(params)), rel=1e-5)
    # The energy at rest falls along the gradient, by as much as that says.
    moved = jax.tree.map(lambda p, g: p - 1e-3 * g, params, slope)
    gained = rest_energy(net, params) - rest_energy(net, moved)
    expected = 1e-3 * sum(float((g**2).sum()) for g in jax.tree.leaves(slope))
    assert gained == pytest.approx(expected, rel=0.15)
    assert rest_energy(net, params) < float(net.energy(params, first))


def rest_energy(net, params):
    state = net.forward(params)
    for _ in range(600):
        state = state - 0.2 * net.pull(params, state)
    return float(net.energy(params, state))


def test_held_weakly_the_gradient_is_backpropagation():
    """Of first order in beta."""
    angles = [
        1 - agreement(CONFIG, stack(), MESS3, beta=beta, settling=600).max() for beta in (1.0, 0.1, 0.01)
    ]
    assert angles[0] > 10 * angles[1] > 50 * angles[2] and angles[2] < 1e-4


@pytest.mark.thorough
def test_networks_learn_by_relaxation():
    made = by_relaxation(CONFIG, stack(), MESS3, steps=300, learning_rate=1e-2)
    assert made.left.shape == made.unrest.shape == (2, 300)
    assert (made.left[:, -1] < 0.1 * made.left[:, 0]).all() and (made.unrest < 0.2).all()
    again = by_relaxation(CONFIG, stack(networks=1), MESS3, steps=300, learning_rate=1e-2)
    np.testing.assert_array_equal(again.left[0], made.left[0])  # whatever is trained beside it


@pytest.mark.parametrize(
    ("config", "how", "sentence"),
    [
        (CONFIG, {"steps": 0}, "steps"),
        (CONFIG, {"learning_rate": -1.0}, "rate"),
        (CONFIG, {"settling": 0}, "settling"),
        (CONFIG, {"beta": 0.0}, "beta is 0.0; the output is held"),
        (CONFIG, {"beta": float("inf")}, "beta"),
        (toy.RecurrentConfig(3, 4, 2, 5, "rnn"), {}, "2 layers of cell 'rnn'"),
        (toy.RecurrentConfig(3, 4, 1, 5, "gru"), {}, "cell 'gru'"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(config, how, sentence):
    with pytest.raises(RecipeError, match=sentence):
        by_relaxation(config, stack(config), MESS3, **{"steps": 2, "learning_rate": 1e-2, **how})
