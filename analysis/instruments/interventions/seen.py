"""What a network whose part is replaced is run on: every context, or so few that they say the same."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

import toy
import train

from ..contexts import Contexts
from ..statistics import group_means


class Seen(NamedTuple):
    """What a network is run on, and what is to be predicted there."""

    tokens: Int[Array, "*n"]
    tree: toy.Tree | None
    p: Float[Array, "n V"]
    weight: Float[Array, "n"]


def everything(truth: Contexts) -> Seen:
    """Every context."""
    tree: toy.Tree | None = None
    tokens: Any = truth.drawn
    if truth.tree is not None:
        tokens, tree = train.packed(truth.tree, truth.n_ctx)
    return Seen(
        jnp.asarray(tokens, jnp.int32),
        tree,
        jnp.asarray(truth.next_token, jnp.float32),
        jnp.asarray(truth.weight, jnp.float32),
    )


def distinct(truth: Contexts) -> Seen:
    """Every position of every present token once, in words of one token each, with the weight of all contexts
    that end so, and their mean distribution.

    Where a prediction depends on these two at most (`known_without`), its loss is that on all contexts.
    """
    vocab, last = truth.process.vocab, truth.words[np.arange(len(truth.weight)), truth.position]
    words = np.repeat(np.arange(vocab)[:, None], truth.n_ctx, 1)
    group = last * truth.n_ctx + truth.position
    weight = np.bincount(group, truth.weight, words.size)
    pooled = group_means(truth.next_token, group, truth.weight)
    p = np.zeros((words.size, vocab))
    p[: len(pooled)] = pooled  # what comes after the last that is there has no weight
    return Seen(
        jnp.asarray(words, jnp.int32), None, jnp.asarray(p, jnp.float32), jnp.asarray(weight, jnp.float32)
    )
