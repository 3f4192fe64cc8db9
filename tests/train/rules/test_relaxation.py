"""Learning by relaxation: its gradient is that of an energy, and tends to backpropagation's."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import processes
import toy
import train
from train import RecipeError
from train.rules import relaxation
from train.rules.relaxation import agreement, by_relaxation, gradients

MESS3 = processes.named("mess3")
CONFIG = toy.RecurrentConfig(vocab=3, n_ctx=4, n_layers=1, d_model=5, cell="rnn")


def stack(config=CONFIG, networks=2):
    keys = jax.vmap(train.key)(jnp.arange(networks))
    return jax.vmap(toy.network(config).init)(keys)


def alone(config=CONFIG):
    return jax.tree.map(lambda leaf: leaf[0], stack(config))


@pytest.mark.thorough
def test_the_pull_on_states_is_the_gradient_of_the_energy():
    """Over the weight of each context, and times beta."""
    net = relaxation._network(CONFIG, stack(), MESS3, 0.7, 1e-6, 1000)
    params = alone()
    state = net.forward(params) + 0.1 * jax.random.normal(jax.random.key(1), (len(net.nodes.token), 5))
    whole = jax.grad(lambda s: net.energy(params, s))(state)
    expected = 0.7 * whole / net.nodes.weight[:, None]
    np.testing.assert_allclose(net.pull(params, state), expected, rtol=2e-3, atol=2e-5)


def test_states_of_a_forward_pass_have_no_errors_of_their_own():
    net = relaxation._network(CONFIG, stack(), MESS3, 1.0, 1e-6, 1000)
    params = alone()
    state = net.forward(params)
    np.testing.assert_allclose(net.step(params, net.before(state)), state, atol=1e-6)
    assert net.energy(params, state) == pytest.approx(float(net.loss(params)), rel=1e-5)


@pytest.mark.thorough
def test_states_come_to_rest_at_less_energy():
    net = relaxation._network(CONFIG, stack(), MESS3, 1.0, 1e-6, 1000)
    params = alone()
    first = net.forward(params)
    slope, loss, steps = net.relaxed(params)
    assert 5 < steps < 1000 and loss == pytest.approx(float(net.loss(params)), rel=1e-5)
    # The energy at rest falls along the gradient, by as much as that says.
    moved = jax.tree.map(lambda p, g: p - 1e-3 * g, params, slope)
    gained = rest_energy(net, params) - rest_energy(net, moved)
    expected = 1e-3 * sum(float((g**2).sum()) for g in jax.tree.leaves(slope))
    assert gained == pytest.approx(expected, rel=0.15)
    assert rest_energy(net, params) < float(net.energy(params, first))


def rest_energy(net, params):
    descend = jax.jit(lambda state: state - 0.2 * net.pull(params, state))
    state = net.forward(params)
    for _ in range(600):
        state = descend(state)
    return float(net.energy(params, state))


@pytest.mark.thorough
def test_held_weakly_the_gradient_is_backpropagation():
    """An error of first order in beta, so that 1 minus the cosine is of second order, in every network."""
    held = [gradients(CONFIG, stack(), MESS3, beta=beta, tolerance=1e-6) for beta in (1.0, 0.1, 0.01)]
    found = [agreement(*both) for both in held]
    angles = [1 - cosine for cosine in found]
    assert (angles[0] > 20 * angles[1]).all() and (angles[1] > 50 * angles[2]).all()
    assert (angles[2] < 2e-4).all()


@pytest.mark.thorough
def test_its_loss_is_that_of_the_population_objective():
    recipe = train.Recipe("mess3", CONFIG, "population", train.Optimiser("adam", 1e-2), 1, None, seeds=2)
    loss = train.objective("population", None, toy.network(CONFIG))
    part = jax.tree.map(lambda leaf: leaf[0], train.data(recipe))
    net, params = relaxation._network(CONFIG, stack(), MESS3, 1.0, 1e-6, 1000), alone()
    theirs = jax.grad(lambda params: loss(params, None, part).excess)(params)
    ours = jax.grad(net.loss)(params)
    assert float(loss(params, None, part).excess) == pytest.approx(float(net.loss(params)), rel=1e-5)
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6)


@pytest.mark.thorough
def test_momentum_comes_to_rest_where_plain_descent_does():
    """The weight gradient after some hundred steps is that after thousands without momentum."""
    net = relaxation._network(CONFIG, stack(), MESS3, 1.0, 1e-6, 1000)
    params = jax.tree.map(lambda p: 2 * p, alone())  # as large as after training
    slope, _, _ = net.relaxed(params)
    pull = jax.jit(lambda state: state - 0.02 * net.pull(params, state))
    state = net.forward(params)
    for _ in range(6000):
        state = pull(state)
    rested = jax.grad(net.energy)(params, state)
    for a, b in zip(jax.tree.leaves(slope), jax.tree.leaves(rested), strict=True):
        np.testing.assert_allclose(a, b, rtol=0.02, atol=1e-4)


@pytest.mark.thorough
def test_networks_learn_by_relaxation():
    made = by_relaxation(CONFIG, stack(), MESS3, steps=300, learning_rate=1e-2)
    assert made.left.shape == made.settled.shape == (2, 300)
    assert (made.left[:, -1] < 0.1 * made.left[:, 0]).all() and (made.settled < 1000).all()
    again = by_relaxation(CONFIG, stack(networks=1), MESS3, steps=300, learning_rate=1e-2)
    np.testing.assert_array_equal(again.left[0], made.left[0])  # whatever is trained beside it


@pytest.mark.parametrize(
    ("config", "how", "sentence"),
    [
        (CONFIG, {"steps": 0}, "steps"),
        (CONFIG, {"learning_rate": -1.0}, "rate"),
        (CONFIG, {"settling": 0}, "settling"),
        (CONFIG, {"beta": 0.0}, "beta is 0.0; the output is held"),
        (CONFIG, {"beta": 1e-60}, "weight of 1e-06 to 1e.06"),
        (CONFIG, {"beta": float("inf")}, "beta"),
        (toy.RecurrentConfig(3, 4, 2, 5, "rnn"), {}, "2 layers of cell 'rnn'"),
        (toy.RecurrentConfig(3, 4, 1, 5, "gru"), {}, "cell 'gru'"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(config, how, sentence):
    with pytest.raises(RecipeError, match=sentence):
        by_relaxation(config, stack(config), MESS3, **{"steps": 2, "learning_rate": 1e-2, **how})


@pytest.mark.parametrize(
    ("config", "start", "error", "sentence"),
    [
        (replace(CONFIG, vocab=2), None, RecipeError, "reads 2 symbols and mess3.* has 3"),
        (CONFIG, replace(CONFIG, d_model=6), toy.ModelError, "shape"),
        (CONFIG, "alone", toy.ModelError, "shape"),
    ],
)
def test_parameters_of_another_network_are_one_sentence(config, start, error, sentence):
    given = alone() if start == "alone" else stack(start or config)
    with pytest.raises(error, match=sentence):
        by_relaxation(config, given, MESS3, steps=1, learning_rate=1e-2)
