"""Four losses with one expected gradient.

With p(.|c) the exact law of the next token after context c and q the network's, each estimates without bias

    L = sum_c P(c) / n_ctx H(p(.|c), q(.|c)),      H(p, q) = -sum_x p(x) log q(x),   nats per token

    sampled     1/(B n_ctx) sum_{b,t} -log q(x_{t+1} | c_{b,t})          words and next tokens drawn: what a language model sees
    expected    1/(B n_ctx) sum_{b,t} H(p, q)(c_{b,t})                   the next token averaged out (Rao-Blackwell): never more variance
    stratified  the same sum over B words drawn together (`tables.stratified`): near the top of the tree each context lies on almost
                exactly B P(c) of them, as in a population step; where words have parted from all others they go on as in `expected`
    population  L itself: every context once, with its weight, on the packed prefix tree; no variance

All of them are unbiased. Variance of the gradient over that of `expected`, at equal batch and about equal time (32 words of 10 tokens,
the transformer of the paper on Mess3 and RRXOR; `benchmarks/objectives.py`): stratified .45 and .42 at the start, .81 and .86 after 300
steps; sampled 2.4 and 3.0, then 230 and 18. So where all contexts are too many for `population`, `stratified` takes its place.
A tree pruned to the most probable words has no variance but a bias that no number of steps averages out: after 300 steps its square
was 1.5 and .5 times that of the exact gradient. It is no objective for that reason; `pruned.py` bounds what it leaves out.
All report `excess`, the mean over their contexts of KL(p || q): the loss minus its floor, free of the floor's own noise.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

import processes
import toy

from .recipe import Recipe
from .tables import Packed, Tables, next_token_laws, packed, sample, stratified, tables


class Loss(NamedTuple):
    """What one evaluation of an objective yields, nats per token."""

    loss: Float[Array, ""]  # what is differentiated
    excess: Float[Array, ""]  # KL to the exact predictor on the same contexts


Data = Any  # what an objective is evaluated on: `Tables` or `Population`, a pytree of device arrays
Objective = Callable[[toy.Params, PRNGKeyArray, Data], Loss]


class Population(NamedTuple):
    """Every context once, as the population objective reads it."""

    batch: Packed
    weight: Float[Array, "N"]  # P(context) / n_ctx
    exact: Float[Array, "N V"]  # law of the next symbol


def data(recipe: Recipe) -> Data:
    """What the recipe's objective is evaluated on. All of the process that training sees, so that processes of equal sizes share a program."""
    if recipe.objective != "population":
        return tables(recipe.ground_truth())
    tree = processes.prefix_tree(recipe.ground_truth(), recipe.model.n_ctx)
    weight = jnp.asarray(tree.probability[1:] / recipe.model.n_ctx, jnp.float32)
    return Population(packed(tree, recipe.model.n_ctx), weight, jnp.asarray(tree.next_token[1:], jnp.float32))


def objective(kind: str, batch: int | None, network: toy.Network) -> Objective:
    """The loss of a kind of objective as a pure function of parameters, a key and `data`."""
    return partial(_population, network) if kind == "population" else partial(_drawn, network, kind, batch)


def _drawn(network: toy.Network, kind: str, batch: int | None, params: toy.Params, key: PRNGKeyArray, table: Tables) -> Loss:
    assert batch is not None  # checked by Recipe
    if kind == "stratified":
        inputs, exact = stratified(table, key, batch, network.config.n_ctx)
    else:
        inputs, targets = processes.alignment.split(sample(table, key, batch, network.config.n_ctx + 1))
        exact = next_token_laws(table, inputs)
    log_q = jax.nn.log_softmax(network.apply(params, inputs)["logits"])
    expected = -(exact * log_q).sum(-1).mean()
    excess = expected - _entropy(exact).mean()
    if kind != "sampled":
        return Loss(expected, excess)
    return Loss(-jnp.take_along_axis(log_q, targets[..., None], -1).mean(), excess)


def _population(network: toy.Network, params: toy.Params, key: PRNGKeyArray, given: Population) -> Loss:
    log_q = jax.nn.log_softmax(network.apply(params, given.batch.tokens, given.batch.tree)["logits"])
    value = -(given.weight @ (given.exact * log_q).sum(-1))
    return Loss(value, value - given.weight @ _entropy(given.exact))


def _entropy(p: Float[Array, "*n V"]) -> Float[Array, "*n"]:
    return -(p * jnp.log(jnp.where(p > 0, p, 1.0))).sum(-1)
