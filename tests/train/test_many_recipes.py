"""Networks of many recipes, trained side by side by one program."""

import sys
from dataclasses import replace

import jax
import numpy as np
import pytest

import train
from train import RecipeError
from train.program import program

fit = sys.modules["train.fit"]  # train.fit is the function


@pytest.fixture(scope="module")
def short(recipe):
    return replace(recipe, steps=8)


def end(reports):
    return list(reports)[-1].state


@pytest.mark.thorough
@pytest.mark.parametrize("objective", ["expected", "population"])
def test_each_learns_to_the_bit_what_it_learns_alone(short, objective):
    short = replace(short, objective=objective, batch=None if objective == "population" else short.batch)
    faster = replace(short, optimiser=replace(short.optimiser, learning_rate=1e-2, warmup=2), seeds=1)
    other = replace(short, process="rrxor(p1=0.3, p2=0.6)", first_seed=7)
    recipes = [short, faster, other]
    together = list(train.fit_many(recipes))
    assert together[-1].step == 8 and together[-1].excess.shape == (5,)
    done = 0
    for recipe in recipes:
        alone = end(train.fit(recipe, mesh=train.mesh(replace(short, seeds=5))))
        mine = jax.tree.map(lambda leaf, at=done, n=recipe.seeds: leaf[at : at + n], together[-1].state)
        for a, b in zip(jax.tree.leaves(mine), jax.tree.leaves(alone), strict=True):
            np.testing.assert_array_equal(a, b)
        done += recipe.seeds


@pytest.mark.thorough
def test_one_program_is_compiled_for_all(short, monkeypatch):
    asked = []
    monkeypatch.setattr(fit, "program", lambda *of: asked.append(of) or program(*of))
    rates = [replace(short, optimiser=replace(short.optimiser, learning_rate=r)) for r in (1e-4, 1e-3, 1e-2)]
    excess = end(train.fit_many(rates)).excess[:, -1].reshape(3, 2).mean(1)
    assert len(asked) == 1 and excess[2] < excess[1] < excess[0]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (dict(steps=9), "they differ in more than process, rate, warm-up and seeds"),
        (dict(batch=8), "cannot be trained beside"),
        (dict(process="even"), "the processes rrxor, even are of unequal sizes"),
    ],
)
def test_what_cannot_be_trained_together_is_refused_before_anything_is_trained(short, changed, what):
    with pytest.raises(RecipeError, match=what):
        train.fit_many([short, replace(short, **changed)])


def test_no_recipe_at_all_is_refused():
    with pytest.raises(RecipeError, match="recipes is empty"):
        train.fit_many([])


def test_a_finish_starts_from_networks_and_is_refused(short):
    with pytest.raises(RecipeError, match="the recipe has an origin"):
        train.fit_many([train.finish(short, 3)])
