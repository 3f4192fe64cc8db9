"""Runs that keep networks as they begin: nobody trained them, and no training is compiled."""

from pathlib import Path

import jax
import numpy as np

import toy
import train
from analysis.instruments.untrained import _initialised
from train.runs import checkpoints


def kept(recipe: train.Recipe, folder: Path, params: toy.Params | None = None) -> train.Run:
    """A run that keeps these parameters as those of its last step; by default networks as they begin.

    What is measured on a finished run reads its recipe and its parameters, and compiles no training.
    """
    run = train.open_run(folder / recipe.hash, recipe)
    if params is None:
        params = jax.device_get(_initialised(recipe.model)(recipe.first_seed + np.arange(recipe.seeds)))
    checkpoints.keep_parameters(run.path, recipe.steps, params)
    return run
