"""Three losses with one expected gradient.

For a context c of weight P(c)/n_ctx and exact next-token law p(.|c), each estimates sum_c weight(c) H(p(.|c), model(.|c)):

    sampled     contexts and the next token are drawn: what a language model sees
    expected    contexts are drawn, the next token is averaged out exactly (Rao-Blackwell): same mean, less variance
    population  nothing is drawn: every context once, with its weight, on the packed prefix tree

All report `excess`, the mean over their contexts of KL(p || model): the loss minus its floor, free of the floor's own noise.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

import processes
import toy

from .recipe import Recipe
from .shards import deal
from .tables import Tables, next_token_laws, packed, sample, tables


class Loss(NamedTuple):
    """What one evaluation of an objective yields, nats per token."""

    loss: Float[Array, ""]  # what is differentiated
    excess: Float[Array, ""]  # KL to the exact predictor on the same contexts


Data = Any  # what an objective is evaluated on: `Tables` or `Examples`, a pytree of arrays
Objective = Callable[..., Loss]  # (params, key, data, shard=0)


class Examples(NamedTuple):
    """What one evaluation looks at, weighted; the three objectives differ in these alone."""

    tokens: Int[Array, "*n"]
    tree: toy.Tree | None  # how tokens hang together, where they are no sequences
    target: Float[Array, "*n V"]  # law of the next symbol that the loss is against
    exact: Float[Array, "*n V"]  # its exact law
    weight: Float[Array, "*n"]  # sums to 1 over all examples of a step


def data(recipe: Recipe, shards: int = 1) -> Data:
    """What the recipe's objective is evaluated on, in `shards` parts along the first axis of every leaf.

    All of the process that training sees, so that processes of equal sizes share a program. Where examples are drawn, every part
    is the whole: each draws the same batch, and looks at its own part of it.
    """
    if recipe.objective != "population":
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (shards, *leaf.shape)), tables(recipe.ground_truth()))
    tree = processes.prefix_tree(recipe.ground_truth(), recipe.model.n_ctx)
    exact = jnp.asarray(tree.next_token[1:], jnp.float32)
    batch, weight = packed(tree, recipe.model.n_ctx), jnp.asarray(tree.probability[1:] / recipe.model.n_ctx, jnp.float32)
    parts = deal(batch.tree, shards)
    return Examples(
        tokens=batch.tokens[parts.node],
        tree=parts.tree,
        target=exact[parts.node],
        exact=exact[parts.node],
        weight=jnp.where(parts.owned, weight[parts.node], 0),
    )


def objective(kind: str, batch: int | None, network: toy.Network, shards: int = 1) -> Objective:
    """The loss of a kind of objective as a pure function of parameters, a key, one part of `data` and its number.

    The losses and gradients of all parts add up to those of the whole.
    """

    def loss(params, key, given, shard=0):
        x = given if kind == "population" else _part(_drawn(kind, batch, network.config.n_ctx, key, given), shard, shards)
        log_q = jax.nn.log_softmax(network.apply(params, x.tokens, x.tree)["logits"])
        value = -(x.weight * (x.target * log_q).sum(-1)).sum()
        excess = (x.weight * (x.exact * (_log(x.exact) - log_q)).sum(-1)).sum()
        return Loss(value, excess)

    return loss


def _drawn(kind: str, batch: int | None, n_ctx: int, key: PRNGKeyArray, table: Tables) -> Examples:
    assert batch is not None  # checked by Recipe
    inputs, targets = processes.alignment.split(sample(table, key, batch, n_ctx + 1))
    exact = next_token_laws(table, inputs)
    target = jax.nn.one_hot(targets, exact.shape[-1]) if kind == "sampled" else exact
    return Examples(inputs, None, target, exact, jnp.full(inputs.shape, 1 / inputs.size))


def _part(x: Examples, shard: Int[Array, ""] | int, shards: int) -> Examples:
    return jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, shard * (len(leaf) // shards), len(leaf) // shards), x)


def _log(p: Float[Array, "*n"]) -> Float[Array, "*n"]:
    return jnp.log(jnp.where(p > 0, p, 1.0))
