"""Three losses with one expected gradient.

For a context c of weight P(c)/n_ctx and exact next-token law p(.|c), each estimates sum_c weight(c) H(p(.|c), model(.|c)):

    sampled     contexts and the next token are drawn: what a language model sees
    expected    contexts are drawn, the next token is averaged out exactly (Rao-Blackwell): same mean, less variance
    population  nothing is drawn: every context once, with its weight, on the packed prefix tree

All report `excess`, the mean over their contexts of KL(p || model): the loss minus its floor, free of the floor's own noise.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

import processes
import toy

from .recipe import Recipe
from .tables import next_token_laws, packed, sample, tables


class Loss(NamedTuple):
    """What one evaluation of an objective yields, nats per token."""

    loss: Float[Array, ""]  # what is differentiated
    excess: Float[Array, ""]  # KL to the exact predictor on the same contexts


Objective = Callable[[toy.Params, PRNGKeyArray], Loss]


def objective(recipe: Recipe, network: toy.Network) -> Objective:
    """The loss of a recipe as a pure function of parameters and a key."""
    return _population(recipe, network) if recipe.objective == "population" else _drawn(recipe, network)


def _drawn(recipe: Recipe, network: toy.Network) -> Objective:
    assert recipe.batch is not None  # checked by Recipe
    batch, table = recipe.batch, tables(recipe.ground_truth())
    length = recipe.model.n_ctx + 1

    def loss(params, key):
        inputs, targets = processes.alignment.split(sample(table, key, batch, length))
        exact = next_token_laws(table, inputs)
        log_q = jax.nn.log_softmax(network.apply(params, inputs)["logits"])
        expected = -(exact * log_q).sum(-1).mean()
        excess = expected - _entropy(exact).mean()
        if recipe.objective == "expected":
            return Loss(expected, excess)
        return Loss(-jnp.take_along_axis(log_q, targets[..., None], -1).mean(), excess)

    return loss


def _population(recipe: Recipe, network: toy.Network) -> Objective:
    tree = processes.prefix_tree(recipe.ground_truth(), recipe.model.n_ctx)
    batch = packed(tree, recipe.model.n_ctx)
    weight = jnp.asarray(tree.probability[1:] / recipe.model.n_ctx, jnp.float32)
    exact = jnp.asarray(tree.next_token[1:], jnp.float32)
    floor = weight @ _entropy(exact)

    def loss(params, key):
        log_q = jax.nn.log_softmax(network.apply(params, batch.tokens, batch.tree)["logits"])
        value = -(weight @ (exact * log_q).sum(-1))
        return Loss(value, value - floor)

    return loss


def _entropy(p: Float[Array, "*n V"]) -> Float[Array, "*n"]:
    return -(p * jnp.log(jnp.where(p > 0, p, 1.0))).sum(-1)
