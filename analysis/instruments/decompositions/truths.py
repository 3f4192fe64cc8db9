"""Truth-like features: contrast-consistent search, which asks of a direction only that it says the opposite
of a statement and of its negation, and is sure of both (Burns et al. 2022, arXiv:2212.03827).

With p(x) = sigmoid(x w + b), features about the mean of both sides and of mean square one, it minimises

    E (p(x+) + p(x-) - 1)^2 + min(p(x+), p(x-))^2

over pairs of a statement and its negation, without labels. Any labels that change sign under negation do as
well: of d independent facts there are 2^(2^(d-1)) such labels of the 2^d states of the world, and those that
a weighted sum of facts tells are as many as threshold functions of d - 1 variables: 2, 4, 14, 104, 1882.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Bool, Float, Int

import toy
import train

from ..descent import descended

STEPS, RATE = 1000, 1e-2
"""Of Adam, as published; all pairs in every step."""
SOLVED = 0.01
"""Largest loss of a start that counts as a solution."""
OF_SUMS = (2, 4, 14, 104, 1882)
"""Labels that a weighted sum of 1, 2, ... facts tells and that change sign when all of them do (Muroga 1971,
self-dual threshold functions).
"""


@dataclass(frozen=True, eq=False)
class Truths:
    """What contrast-consistent search found from each of R starts, on N pairs."""

    loss: Float[np.ndarray, "R"]
    says: Bool[np.ndarray, "R N"]  # of each statement, that it is so
    denies: Bool[np.ndarray, "R N"]  # of its negation, that it is not

    @property
    def solved(self) -> Bool[np.ndarray, "R"]:
        """Which starts ended in a solution: of little loss, and every negation told the opposite."""
        return (self.loss < SOLVED) & (self.says == self.denies).all(1)

    @cached_property
    def counted(self) -> tuple[Bool[np.ndarray, "L N"], Int[np.ndarray, "L"]]:
        """The distinct answers of all solutions, up to the sign that no such search can tell, and how many
        starts ended in each.
        """
        says = self.says[self.solved]
        return np.unique(says ^ says[:, :1], axis=0, return_counts=True)

    def share(self, labels: Bool[np.ndarray, "K N"]) -> float:
        """Share of solutions that give one of some labels of the statements, up to sign; NaN of none."""
        found, count = self.counted
        wanted = {row.tobytes() for row in np.ascontiguousarray(labels ^ labels[:, :1])}
        return float(sum(n for row, n in zip(found, count, strict=True) if row.tobytes() in wanted)) / max(
            count.sum(), 1
        )


@train.pinned()
def contrast_consistent(
    positive: np.ndarray, negative: np.ndarray, *, restarts: int = 10, seed: int = 0
) -> Truths:
    """Search from so many random starts on activations of statements and of their negations, both (N, d).

    Both sides are centred together: where a pair is turned round at random, nothing but the facts tells its
    sides apart. Raises `toy.ModelError` for what are no such pairs.
    """
    a, b = np.asarray(positive, np.float64), np.asarray(negative, np.float64)
    if a.ndim != 2 or a.shape != b.shape or not len(a):
        raise toy.ModelError(
            f"statements have activations of shape {a.shape} and negations of shape {b.shape}; give (N, d) "
            "of each, a row for each pair"
        )
    if restarts < 1:
        raise toy.ModelError(f"{restarts} starts were asked for; give at least 1")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise toy.ModelError("activations must be finite; leave out the pairs that are not")
    both = np.stack([a, b])
    both = both - both.mean((0, 1))
    scale = np.sqrt((both**2).sum(2).mean())
    if not scale > 0:
        raise toy.ModelError("the activations do not vary, so that no direction tells statements apart")
    loss, p = _search(restarts)(train.key(seed), jnp.asarray(both / scale, jnp.float32))
    p = np.asarray(p)
    return Truths(np.asarray(loss, np.float64), p[:, 0] > 0.5, p[:, 1] <= 0.5)


@lru_cache(maxsize=8)
def _search(restarts: int) -> Callable[..., Any]:
    """The compiled search: (key, pairs (2, N, d)) -> losses (R,) and probabilities (R, 2, N)."""

    def told(start, x):
        w, b = start
        return jax.nn.sigmoid(x @ w + b)

    def loss(start, x):
        p, q = told(start, x)
        return (jnp.square(p + q - 1) + jnp.square(jnp.minimum(p, q))).mean()

    def one(key, x):
        w = jax.random.normal(key, (x.shape[2],))
        start = w / jnp.linalg.norm(w), jnp.zeros(())
        end = descended(optax.adam(RATE), lambda at: jax.grad(loss)(at, x), start, STEPS)
        return loss(end, x), told(end, x)

    return train.jit(lambda key, x: jax.vmap(one, (0, None))(jax.random.split(key, restarts), x))


def odd_labels(pairs: int) -> Bool[np.ndarray, "L N"]:
    """All labels of so many statements, up to sign; those of their negations are the opposite.

    Raises `toy.ModelError` for more than 16 pairs, which would not fit.
    """
    if not 1 <= pairs <= 16:
        raise toy.ModelError(f"labels of {pairs} pairs were asked for; 1 to 16 can be listed")
    return (np.arange(2 ** (pairs - 1))[:, None] >> np.arange(pairs)[::-1]) % 2 == 1


def salience(
    positive: Float[np.ndarray, "N d"], negative: Float[np.ndarray, "N d"], labels: Bool[np.ndarray, "L N"]
) -> Float[np.ndarray, "L"]:
    """How loud labels are: the distance between the means of what they hold for true and for false, over the
    root of the variance.
    """
    half = (np.asarray(positive, np.float64) - np.asarray(negative, np.float64)) / 2
    both = np.concatenate([positive, negative])
    spread = np.sqrt(((both - both.mean(0)) ** 2).sum(1).mean())
    return np.linalg.norm(np.where(labels, 1.0, -1.0) @ half, axis=1) * 2 / (len(half) * spread)
