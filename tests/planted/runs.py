"""Networks as they begin, and runs that keep them: nobody trained them, and no training is compiled."""

from pathlib import Path

import jax
import numpy as np

import toy
import train
from analysis.instruments.untrained import initialised
from train.runs import checkpoints


def beginnings(config: toy.Config, count: int) -> toy.Params:
    """Parameters of so many networks as they begin, from one compiled program."""
    return jax.jit(jax.vmap(toy.network(config).init))(jax.random.split(jax.random.key(0), count))


def kept(recipe: train.Recipe, folder: Path, params: toy.Params | None = None) -> train.Run:
    """A run that keeps these parameters as those of its last step; by default networks as they begin.

    What is measured on a finished run reads its recipe and its parameters, and compiles no training.
    """
    run = train.open_run(folder / recipe.hash, recipe)
    if params is None:
        params = initialised(recipe.model, recipe.first_seed + np.arange(recipe.seeds))
    checkpoints.keep_parameters(run.path, recipe.steps, params)
    return run
