"""Five losses with one expected gradient, and the same excess over the exact predictor.

With p(.|c) the exact next-token distribution after context c and q(.|c) the network's, all estimate, without
bias,

    L = sum_c P(c) / n_ctx H(p(.|c), q(.|c)),      H(p, q) = -sum_x p(x) log q(x),   nats per token.

    sampled     words and next tokens drawn: what a language model sees
    expected    words drawn, the next token averaged out (Rao-Blackwell): never more variance
    stratified  as `expected`, on words drawn together (`tables.stratified`)
    population  L itself: every context once, with its weight, on the packed prefix tree; no variance
    fixed       `stratified` on one draw of words for all steps: no noise from step to step, as a finish of
                second order asks, but the minimum is that of these words

A query task (`processes.constraints.Question`) is scored on its answers alone, `sampled` or `expected`, in
nats per answer. `excess` is the mean over the same contexts of KL(p || q): the loss minus its floor, free of
the floor's own noise, and worked out without their cancellation (`divergence`), so that it is exact to
rounding however small. Why each is unbiased, and how much variance each has:
docs/theory/unbiased_objectives.md.
"""

from collections.abc import Callable
from typing import NamedTuple, get_type_hints

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, Int, PRNGKeyArray

import processes
import toy
from toy.checks import check_range, fitted

from .errors import RecipeError
from .recipe import Recipe
from .samplers import Sampler, sampler
from .shards import deal
from .tables import Tables, next_token_distributions, packed, sample, stratified, tables


class Loss(NamedTuple):
    """What one evaluation of an objective yields, nats per token."""

    loss: Float32[Array, ""]  # cross-entropy with the target, which is differentiated
    excess: Float32[Array, ""]  # KL to the exact predictor on the same contexts
    floor: Float32[Array, ""]  # the loss of that predictor: the entropy of its distributions


Objective = Callable[..., Loss]  # (params, key, data, shard=0)


class Examples(NamedTuple):
    """What one evaluation looks at, weighted; the objectives differ in these alone."""

    tokens: Int[Array, "*n"]
    tree: toy.Tree | None  # how tokens hang together, where they are no sequences
    # Next-token distribution that the loss is against, at all positions or the last ones, and the exact one.
    target: Float32[Array, "*n V"]
    exact: Float32[Array, "*n V"]
    weight: Float32[Array, "*n"]  # sums to 1 over all examples of a step


Data = Tables | Sampler | Examples
"""What an objective is evaluated on: a pytree of arrays."""


def data(recipe: Recipe, shards: int = 1) -> Data:
    """What the recipe's objective is evaluated on, in `shards` parts along the first axis of every leaf.

    All of the process that training sees, so that processes of equal sizes share a program. Where examples
    are drawn, every part is the whole: each draws the same batch, and looks at its own part of it. Raises
    `RecipeError` for arguments that are none.
    """
    recipe, shards = fitted("recipe", Recipe, recipe, RecipeError), _shards(shards, recipe.batch)
    if recipe.objective != "population":
        source = processes.source(recipe.process)
        drawn = tables(source) if isinstance(source, processes.Process) else sampler(source)
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (shards, *leaf.shape)), drawn)
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

    def loss(
        params: toy.Params, key: PRNGKeyArray | None, given: Data, shard: Int[Array, ""] | int = 0
    ) -> Loss:
        if isinstance(given, Examples):  # the population
            x = given
        else:
            whole = _drawn(kind, batch, network.config.n_ctx, key, given)
            size = len(whole.weight) // shards
            x = jax.tree.map(lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, shard * size, size), whole)
        scored = x.target.shape[-2]
        # Of a question the answer alone is scored, and nothing else is worked out in the last block.
        few = {} if x.tree is not None or scored == x.tokens.shape[-1] else {"last": scored}
        logits = network.apply(params, x.tokens, x.tree, **few)["logits"]
        log_q = jax.nn.log_softmax(logits)
        cross_entropy = -(x.weight * (x.target * log_q).sum(-1)).sum()
        log_p = jnp.log(jnp.where(x.exact > 0, x.exact, 1.0))
        floor = -(x.weight * (x.exact * log_p).sum(-1)).sum()
        return Loss(cross_entropy, (x.weight * divergence(x.exact, log_q)).sum(), floor)

    return loss


def divergence(p: Float32[Array, "*n V"], log_q: Float32[Array, "*n V"]) -> Float32[Array, "*n"]:
    """KL(p || q) = sum_x p (e^d - 1 - d), d = log q - log p, plus q where p = 0; nats.

    The sum of p log p and that of -p log q agree in all digits of float32 once KL is below 1e-7; here every
    term is positive and small by itself. The terms that are added, sum_x q - p = 0, change neither the value
    nor its gradient.
    """
    there = p > 0
    d = jnp.where(there, log_q - jnp.log(jnp.where(there, p, 1.0)), 0.0)
    near = jnp.abs(d) < 0.1
    s = jnp.where(near, d, 0.0)  # e^s - 1 - s by its series: the seventh power is below rounding
    series = s * s * (1 / 2 + s * (1 / 6 + s * (1 / 24 + s * (1 / 120 + s / 720))))
    excess = jnp.where(near, series, jnp.expm1(d) - d)
    return jnp.where(there, p * excess, jnp.exp(log_q)).sum(-1)


def _shards(shards: int, batch: int | None) -> int:
    shards = fitted("shards", int, shards, RecipeError)
    check_range("shards", shards, 1, error=RecipeError)
    if batch is not None and batch % shards:
        raise RecipeError(
            f"a batch of {batch} cannot be shared by {shards} shards; choose a divisor of the batch"
        )
    return shards


def _drawn(
    kind: str, batch: int | None, n_ctx: int, key: PRNGKeyArray | None, given: Tables | Sampler
) -> Examples:
    assert batch is not None and key is not None  # the population alone needs none
    if not isinstance(given, Tables):
        inputs, targets, exact = given.draw(key, batch)
    elif kind in ("stratified", "fixed"):
        inputs, exact = stratified(given, key, batch, n_ctx)
    else:
        inputs, targets = processes.alignment.split(sample(given, key, batch, n_ctx + 1))
        exact = next_token_distributions(given, inputs)
    target = jax.nn.one_hot(targets, exact.shape[-1]) if kind == "sampled" else exact
    weight = jnp.full(exact.shape[:-1], 1 / (exact.size // exact.shape[-1]))
    return Examples(inputs, None, target, exact, weight)
