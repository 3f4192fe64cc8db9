"""Untrained networks: as many as were trained, of the same shape."""

from collections.abc import Callable
from functools import lru_cache

import jax
import numpy as np

import toy
import train
from train.recipe import MAX_SEEDS

UNTRAINED_SEEDS = MAX_SEEDS
"""Untrained networks are initialised from seeds counted from here, so that none is the beginning of a trained
one.
"""


@train.pinned()
def untrained(recipe: train.Recipe) -> toy.Params:
    """Parameters of as many networks of the same shape (first axis), newly initialised from seeds of their
    own.
    """
    seeds = UNTRAINED_SEEDS + recipe.first_seed + np.arange(recipe.seeds)
    return jax.device_get(_initialised(recipe.model)(seeds))


@lru_cache(maxsize=128)
def _initialised(config: toy.Config) -> Callable[[np.ndarray], toy.Params]:
    """The compiled initialisation of networks: seeds -> parameters."""
    network = toy.network(config)
    return train.jit(jax.vmap(lambda seed: network.init(train.key(seed))))
