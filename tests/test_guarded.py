"""Guarded processes as experiments: steering vectors, training regimes, and what is measured of constraints."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import processes
import toy
import train
from train import RecipeError, Steering, steer, steered

SITE = "blocks.0.resid_post"
MODEL = toy.TransformerConfig(vocab=5, n_ctx=4, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=0)
TARGET = "guarded(given(mess(x=0.1, a=0.85, s=3); never 0); never 0; on=none)"


def how(**changes):
    return Steering(**({"process": TARGET, "site": SITE, "first": 0, "steps": 40, "learning_rate": 0.3, "batch": 16, "seed": 0} | changes))


@pytest.fixture(scope="module")
def networks():
    return jax.vmap(toy.network(MODEL).init)(jax.random.split(jax.random.key(0), 2))


def test_a_steering_vector_lowers_the_divergence_and_leaves_the_network_alone(networks):
    before = jax.tree.map(np.array, networks)
    found = steer(MODEL, networks, how(), np.eye(8))
    assert found.vector.shape == (2, 8) and found.excess.shape == (2, 40)
    assert (found.excess[:, -10:].mean(1) < 0.8 * found.excess[:, :3].mean(1)).all()
    jax.tree.map(np.testing.assert_array_equal, before, networks)


def test_a_steering_vector_lies_in_its_span(networks):
    rng = np.random.default_rng(0)
    for basis in (rng.normal(size=(2, 8)), rng.normal(size=(2, 3, 8))):  # one span for all networks, one for each
        found = np.asarray(steer(MODEL, networks, how(steps=5), basis).vector)
        for v, b in zip(found, np.broadcast_to(basis, (2, *basis.shape[-2:])), strict=True):
            rest = v - np.linalg.lstsq(b.T, v, rcond=None)[0] @ b
            assert np.abs(v).max() > 0.1 and np.abs(rest).max() < 1e-5  # float32


def test_no_steps_of_steering_are_the_zero_vector(networks):
    assert not np.asarray(steer(MODEL, networks, how(steps=0), np.eye(8)).vector).any()


def test_a_vector_is_added_from_its_first_position_on(networks):
    one, tokens = jax.tree.map(lambda leaf: leaf[0], networks), jnp.array([[3, 0, 1, 2]])
    plain = toy.network(MODEL).apply(one, tokens)[SITE]
    moved = steered(toy.network(MODEL), SITE, 2).apply((one, jnp.ones(8)), tokens)[SITE]
    np.testing.assert_allclose(moved - plain, np.array([0, 0, 1, 1.0])[None, :, None] * np.ones(8), atol=1e-6)
    tree = processes.prefix_tree(processes.named(TARGET), 3)
    batch = train.packed(tree, 4)
    packed = steered(toy.network(MODEL), SITE, 2).apply((one, jnp.ones(8)), batch.tokens, batch.tree)["logits"]
    row = int(tree.offset[3]) - 1  # the first word of three tokens, root left out
    flat = steered(toy.network(MODEL), SITE, 2).apply((one, jnp.ones(8)), tree.words[1:][row][None])["logits"][0, 2]
    np.testing.assert_allclose(packed[row], flat, atol=1e-5)


BAD_STEERING = {
    "site": (how(site="logits"), np.eye(8), toy.ModelError, "not on the residual stream"),
    "alphabet": (how(process="mess3"), np.eye(8), RecipeError, "emits 3 symbols but the network reads 5"),
    "first": (how(first=4), np.eye(8), RecipeError, "from position 4 means nothing"),
    "basis": (how(), np.eye(7), RecipeError, r"shape \(7, 7\); it must be \(r, 8\)"),
}


@pytest.mark.parametrize("case", BAD_STEERING)
def test_bad_steering_gets_one_sentence(case, networks):
    setting, basis, error, message = BAD_STEERING[case]
    with pytest.raises(error, match=message):
        steer(MODEL, networks, setting, basis)
