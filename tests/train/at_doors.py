"""What tests at the doors of `toy` and `train` share: records, and what it is to be refused."""

from dataclasses import replace

import jaxtyping
import numpy as np
import pytest

import processes
import toy
import train
from toy import ModelError
from train import Optimiser, Origin, Recipe, RecipeError, RunError

OURS = (processes.ProcessError, ModelError, RecipeError, RunError)


@pytest.fixture(autouse=True)
def as_users_have_it():
    """Without the shape checker that the tests run under: it would speak first."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def refusal(call) -> str:
    """The sentence in which a call is refused."""
    with pytest.raises(OURS) as refused:
        call()
    said = str(refused.value)
    assert "\n" not in said and len(said) < 500, said
    return said


SMALL = toy.TransformerConfig(vocab=2, n_ctx=6, n_layers=1, n_heads=2, d_model=16, d_head=4, d_mlp=32)
RECIPE = Recipe(
    "rrxor",
    SMALL,
    "expected",
    Optimiser("adam", 3e-3, 5, "cosine"),
    steps=60,
    batch=16,
    seeds=2,
    checkpoints=5,
)
TINY = replace(
    RECIPE,
    model=replace(SMALL, d_mlp=0),
    optimiser=Optimiser("adam", 1e-3),
    steps=20,
    batch=24,
    seeds=1,
    checkpoints=2,
)
"""What is really trained here: all by one compiled program."""
STEERING = train.Steering(
    "rrxor", "blocks.0.resid_post", first=1, steps=20, learning_rate=0.1, batch=8, seed=0
)
WORD = np.array([[0, 1, 0, 1, 1, 0]])
RECORDS = {
    type(record).__name__: record
    for record in (
        RECIPE,
        RECIPE.optimiser,
        Origin(RECIPE, ("unembed",), ("embed",)),
        SMALL,
        toy.RecurrentConfig(2, 6, 1, 16, "gru"),
        STEERING,
    )
}
NOT_WRITTEN_BY_HAND = {"Network", "Tree", "Run", "Progress"}
"""Dataclasses that functions make; `Tree` is among the functions below."""
