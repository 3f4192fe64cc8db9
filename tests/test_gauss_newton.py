"""The finish by Gauss-Newton that training's own is compared with."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import toy
import train
from benchmarks import gauss_newton, optimisers, time_to_kl
from train.objectives import Examples

SMALL = toy.TransformerConfig(vocab=2, n_ctx=5, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=8)
EVEN = train.Recipe(
    process="even",
    model=SMALL,
    objective="population",
    optimiser=train.Optimiser("muon", 1e-2, 5, "cosine"),
    steps=40,
    batch=None,
    seeds=2,
)


@pytest.fixture
def seen():
    rng = np.random.default_rng(3)
    exact = rng.dirichlet(np.ones(3), 7)
    exact[0] = [1.0, 0.0, 0.0]
    return Examples(jnp.zeros(7, int), None, jnp.float32(exact), jnp.float32(exact), jnp.full(7, 1 / 7))


@pytest.mark.thorough
def test_where_logits_are_linear_the_matrix_is_the_second_derivative(seen):
    rng = np.random.default_rng(5)
    features, weights = rng.normal(size=(7, 4)), jnp.float32(rng.normal(size=(4, 3)))

    def logits(w):
        return jnp.float32(features) @ w

    slope, product = gauss_newton.quadratic(logits, seen, weights)
    of = lambda w: gauss_newton.excess(logits(w), seen)  # noqa: E731
    np.testing.assert_allclose(slope, jax.grad(of)(weights), atol=1e-6)
    direction = jnp.float32(rng.normal(size=(4, 3)))
    second = jax.jvp(jax.grad(of), (weights,), (direction,))[1]
    np.testing.assert_allclose(product(direction), second, atol=1e-6)


@pytest.mark.thorough
def test_a_step_that_raises_the_excess_is_not_taken(seen):
    """Logits that bend away: the damping grows and the parameters stay."""
    at = jnp.zeros((7, 3)).at[:, 0].set(0.3)

    def logits(w):
        return 50 * jnp.sin(20 * w)

    state = gauss_newton.State(at, 0 * at, jnp.float32(1e-9), gauss_newton.excess(logits(at), seen))
    for _ in range(6):
        after = gauss_newton.iteration(logits, seen, state)
        taken = bool((after.params != state.params).any())
        assert after.excess < state.excess if taken else after.damping == 4 * state.damping
        state = after


@pytest.mark.thorough
def test_every_network_goes_on_downwards():
    *_, last = train.fit(EVEN, report_every=30.0)
    params, before, _ = gauss_newton.finish(EVEN, last.state.params, 15)
    assert before.shape == (2, 15) and (np.diff(before) <= 0).all()
    assert (time_to_kl.exact_kl(EVEN, params) < before[:, 0] / 2).all()


def test_a_loss_with_noise_is_refused():
    noisy = replace(EVEN, objective="expected", batch=4)
    with pytest.raises(ValueError, match="the expected objective has noise"):
        gauss_newton.finish(noisy, {}, 1)


@pytest.mark.parametrize("process", ["rrxor", "mess3"])
def test_trials_begin_with_new_networks(process):
    """The standard training may end in a finish, whose networks are no beginning of another training."""
    for trial in (optimisers.Trial(process, seeds=3), time_to_kl.Trial(process, "expected", 1e-3, 100, 8)):
        assert trial.recipe.origin is None
