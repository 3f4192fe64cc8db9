"""A short training of one network on each of many processes, and what that does to its base task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

import processes
import toy
import train
from train import Optimiser
from train.objectives import Examples
from train.schedule import optimiser, rates

from .cl6_gradient_overlap import minibatches


@dataclass(frozen=True)
class Short:
    """How long, and how."""

    optimiser: Optimiser
    steps: int
    batch: int  # words per step


class Tuned(NamedTuple):
    """What each of K trainings did; nats per token."""

    course: Float[np.ndarray, "K steps"]  # KL to the exact predictor on the words of a step, before it
    base: Float[np.ndarray, "K"]  # KL to the exact predictor of the base on its words, afterwards


@train.pinned()
def tuned(
    config: toy.Config,
    network: toy.Params,
    learned: Sequence[processes.Process],
    base: Examples,
    how: Short,
    *,
    seed: int,
) -> Tuned:
    """Train one network on exact targets on words of each of `learned`, always from where it is; then look at
    its base task, on the same words after every training.

    Words are drawn beforehand, by this seed and those after it, so that one program serves processes of all
    sizes.
    """
    program, given = _program(config, how.optimiser), rates(how.optimiser, how.steps)
    rows = [
        program(network, minibatches(config, process, how.steps, how.batch, seed + k), base, given)
        for k, process in enumerate(learned)
    ]
    course, left = zip(*rows, strict=True)
    return Tuned(np.asarray(course, np.float64), np.asarray(left, np.float64))


@lru_cache(maxsize=8)
def _program(config: toy.Config, settings: Optimiser) -> Callable[..., tuple[jax.Array, jax.Array]]:
    """The compiled training: (parameters, minibatches, base words, rates) -> (course, excess afterwards)."""
    loss = train.objective("population", None, toy.network(config))  # the loss on examples that are given

    def run(params, batches, after, given):
        rule = optimiser(settings, given)

        def step(carry, batch):
            params, state = carry

            def scalar(params):
                value = loss(params, None, batch)
                return value.loss, value.excess

            gradient, excess = jax.grad(scalar, has_aux=True)(params)
            updates, state = rule.update(gradient, state, params)
            return (jax.tree.map(jnp.add, params, updates), state), excess

        (params, _), course = jax.lax.scan(step, (params, rule.init(params)), batches)
        return course, loss(params, None, after).excess

    return train.jit(run)
