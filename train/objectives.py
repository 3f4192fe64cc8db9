"""Four losses with one expected gradient.

With p(.|c) the exact law of the next token after context c and q the network's, each estimates without bias

    L = sum_c P(c) / n_ctx H(p(.|c), q(.|c)),      H(p, q) = -sum_x p(x) log q(x),   nats per token

    sampled     1/(B n_ctx) sum_{b,t} -log q(x_{t+1} | c_{b,t})          words and next tokens drawn: what a
        language model sees
    expected    1/(B n_ctx) sum_{b,t} H(p, q)(c_{b,t})                   the next token averaged out
        (Rao-Blackwell): never more variance
    stratified  the same sum over B words drawn together (`tables.stratified`): near the top of the tree each
                context lies on almost
                exactly B P(c) of them, as in a population step; where words have parted from all others they
                go on as in `expected`
    population  L itself: every context once, with its weight, on the packed prefix tree; no variance

A question (`processes.constraints.Question`) is scored on its answer alone, `sampled` or `expected`: the law
of the tokens that ask is trivial and none of what it is about, and scoring it would cost most of a step. The
loss is then nats per answer. All of them are unbiased. Variance of the gradient over that of `expected`, at
equal batch and about equal time (32 words of 10 tokens, the transformer of the paper on Mess3 and RRXOR;
`benchmarks/objectives.py`): stratified .45 and .42 at the start, .81 and .86 after 300 steps; sampled 2.4 and
3.0, then 230 and 18. So where all contexts are too many for `population`, `stratified` takes its place. A
tree pruned to the most probable words has no variance but a bias that no number of steps averages out: after
300 steps its square was 1.5 and .5 times that of the exact gradient. It is no objective for that reason;
`pruned.py` bounds what it leaves out. All report `excess`, the mean over their contexts of KL(p || q): the
loss minus its floor, free of the floor's own noise.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, get_type_hints

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

import processes
import toy
from toy.checks import check_range, fitted

from .recipe import Recipe, RecipeError
from .samplers import Twin, twin
from .shards import deal
from .tables import Tables, next_token_laws, packed, sample, stratified


class Loss(NamedTuple):
    """What one evaluation of an objective yields, nats per token."""

    loss: Float[Array, ""]  # what is differentiated
    excess: Float[Array, ""]  # KL to the exact predictor on the same contexts


Data = Any  # what an objective is evaluated on: `Tables`, a `Twin` or `Examples`, a pytree of arrays
Objective = Callable[..., Loss]  # (params, key, data, shard=0)


class Examples(NamedTuple):
    """What one evaluation looks at, weighted; the four objectives differ in these alone."""

    tokens: Int[Array, "*n"]
    tree: toy.Tree | None  # how tokens hang together, where they are no sequences
    target: Float[
        Array, "*n V"
    ]  # law of the next symbol that the loss is against, at all positions or the last ones
    exact: Float[Array, "*n V"]  # its exact law
    weight: Float[Array, "*n"]  # sums to 1 over all examples of a step


def data(recipe: Recipe, shards: int = 1) -> Data:
    """What the recipe's objective is evaluated on, in `shards` parts along the first axis of every leaf.

    All of the process that training sees, so that processes of equal sizes share a program. Where examples
    are drawn, every part is the whole: each draws the same batch, and looks at its own part of it. Raises
    `RecipeError` for arguments that are none.
    """
    recipe, shards = fitted("recipe", Recipe, recipe, RecipeError), _shards(shards, recipe.batch)
    if recipe.objective != "population":
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (shards, *leaf.shape)), twin(recipe.source()))
    whole = every_context(processes.prefix_tree(recipe.ground_truth(), recipe.model.n_ctx))
    assert whole.tree is not None
    parts = deal(whole.tree, shards)
    tokens, exact, weight = (leaf[parts.node] for leaf in (whole.tokens, whole.exact, whole.weight))
    return Examples(tokens, parts.tree, exact, exact, jnp.where(parts.owned, weight, 0))


def every_context(tree: processes.PrefixTree) -> Examples:
    """All contexts of a tree, each weighted by its probability over the tree's depth."""
    batch, exact = packed(tree, tree.depth), jnp.asarray(tree.next_token[1:], jnp.float32)
    return Examples(
        batch.tokens, batch.tree, exact, exact, jnp.asarray(tree.probability[1:] / tree.depth, jnp.float32)
    )


def objective(kind: str, batch: int | None, network: toy.Network, shards: int = 1) -> Objective:
    """The loss of a kind of objective as a pure function of parameters, a key, one part of `data` and its
    number.

    The losses and gradients of all parts add up to those of the whole. Raises `RecipeError` for a kind, a
    batch or a network that is none.
    """
    kind = fitted("objective", get_type_hints(Recipe)["objective"], kind, RecipeError)
    network = fitted("network", toy.Network, network, RecipeError, "make one with toy.network")
    if (batch := fitted("batch", int | None, batch, RecipeError)) is None and kind != "population":
        raise RecipeError(f"batch is None; the {kind} objective needs at least 1 word per step")
    if batch is not None:
        check_range("batch", batch, 1, error=RecipeError)
    shards = _shards(shards, batch)

    def loss(params, key, given, shard=0):
        x = (
            given
            if kind == "population"
            else _part(_drawn(kind, batch, network.config.n_ctx, key, given), shard, shards)
        )
        log_q = jax.nn.log_softmax(
            network.apply(params, x.tokens, x.tree)["logits"][..., -x.target.shape[-2] :, :]
        )
        value = -(x.weight * (x.target * log_q).sum(-1)).sum()
        excess = (x.weight * (x.exact * (_log(x.exact) - log_q)).sum(-1)).sum()
        return Loss(value, excess)

    return loss


def _shards(shards: int, batch: int | None) -> int:
    shards = fitted("shards", int, shards, RecipeError)
    check_range("shards", shards, 1, error=RecipeError)
    if batch is not None and batch % shards:
        raise RecipeError(
            f"a batch of {batch} cannot be shared by {shards} shards; choose a divisor of the batch"
        )
    return shards


def _drawn(kind: str, batch: int | None, n_ctx: int, key: PRNGKeyArray, given: Tables | Twin) -> Examples:
    assert batch is not None  # checked by Recipe
    if not isinstance(given, Tables):
        inputs, answer, law = given.draw(key, batch)
        targets, exact = answer[:, None], law[:, None]
    elif kind == "stratified":
        inputs, exact = stratified(given, key, batch, n_ctx)
    else:
        inputs, targets = processes.alignment.split(sample(given, key, batch, n_ctx + 1))
        exact = next_token_laws(given, inputs)
    target = jax.nn.one_hot(targets, exact.shape[-1]) if kind == "sampled" else exact
    return Examples(
        inputs, None, target, exact, jnp.full(exact.shape[:-1], 1 / (exact.size // exact.shape[-1]))
    )


def _part(x: Examples, shard: Int[Array, ""] | int, shards: int) -> Examples:
    return jax.tree.map(
        lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, shard * (len(leaf) // shards), len(leaf) // shards), x
    )


def _log(p: Float[Array, "*n"]) -> Float[Array, "*n"]:
    return jnp.log(jnp.where(p > 0, p, 1.0))
