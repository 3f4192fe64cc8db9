"""Untrained networks: as many as were trained, of the same shape."""

import jax
import numpy as np
from jaxtyping import Array, Int, UInt32

import toy
import train
from train.program import initialiser
from train.recipe import MAX_SEEDS

UNTRAINED_SEEDS = MAX_SEEDS
"""Untrained networks are initialised from seeds counted from here, so that none is the beginning of a trained
one.
"""


def untrained(recipe: train.Recipe) -> toy.Params:
    """Parameters of as many networks of the same shape (first axis), newly initialised from seeds of their
    own.
    """
    return initialised(recipe.model, UNTRAINED_SEEDS + recipe.first_seed + np.arange(recipe.seeds))


def initialised(model: toy.Config, seeds: Int[np.ndarray, "N"]) -> toy.Params:
    """Parameters of networks newly initialised from these seeds (first axis)."""
    return jax.device_get(initialiser(model)(_keys(seeds)))


@train.jit
def _keys(seeds: Int[Array, "N"]) -> UInt32[Array, "N 2"]:
    return jax.vmap(lambda seed: jax.random.key_data(train.key(seed)))(seeds)
