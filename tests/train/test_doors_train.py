"""Odd input at every door of `toy` and `train`: each is taken as what it plainly is, or refused in one
sentence, before anything is made.
"""

import importlib
import inspect
import json
import pkgutil
from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from at_doors import (
    NOT_WRITTEN_BY_HAND,
    RECIPE,
    RECORDS,
    SMALL,
    STEERING,
    TINY,
    WORD,
    as_users_have_it,  # noqa: F401
    refusal,
)
from planted.runs import beginnings

import processes
import toy
import train
from toy import ModelError
from toy.sites import shown
from train import Optimiser, Origin
from train.optimiser import FLOAT32_ROUNDOFF, MAX_STEPS


def test_a_call_that_is_not_refused_or_not_in_a_sentence_is_caught():
    def says(error):
        raise error

    for call in (lambda: None, lambda: says(AttributeError("x")), lambda: says(ModelError("one\ntwo"))):
        with pytest.raises((AssertionError, AttributeError, pytest.fail.Exception)):
            refusal(call)


# Learning rates


@pytest.mark.parametrize(
    ("rate", "steps", "trains"),
    [(1e-50, 60, 0), (1e-38, 60, 0), (1e-12, 60, 0), (1e-9, 60, 1), (1e39, 60, 0), (1e38, 60, 1)],
)
def test_a_rate_that_trains_nothing_is_refused_with_the_least_that_does(rate, steps, trains):
    def make(rate):
        return replace(RECIPE, steps=steps, optimiser=Optimiser("adam", rate))

    if trains:
        assert make(rate).optimiser.learning_rate == rate
        return
    said = refusal(lambda: make(rate))
    assert str(rate) in said
    if rate < 1:
        least = float(said.rsplit(" ", 1)[-1])
        assert (
            Optimiser("adam", least).learning_rate
            == least
            < 2 * FLOAT32_ROUNDOFF / (steps if rate > 1e-20 else MAX_STEPS)
        )


@pytest.mark.thorough
def test_what_a_refused_rate_would_have_trained(monkeypatch):
    """Let through, 20 steps of 1e-12 leave the logits as they are to the bit; 20 of 1e-8 do not."""
    for module in ("recipe", "optimiser"):
        monkeypatch.setattr(f"train.{module}.check_rate", lambda rate, steps: None)
    run = jax.jit(lambda params: toy.network(TINY.model).apply(params, WORD)["logits"])

    def moved(rate):
        recipe = replace(TINY, optimiser=Optimiser("adam", rate))
        before, after = train.initial(recipe).params, list(train.fit(recipe))[-1].state.params
        return not np.array_equal(
            *(run(jax.tree.map(lambda leaf: leaf[0], params)) for params in (before, after))
        )

    assert not moved(1e-50) and not moved(1e-12) and moved(1e-8)


@pytest.mark.thorough
def test_a_rate_that_is_too_large_says_so(tmp_path):
    rows = train.sweep([replace(TINY, optimiser=Optimiser("adam", 1e30))], tmp_path)
    assert [row["error"] for row in rows if "error" in row] == [
        "training diverged: no finite loss at the end; lower optimiser.learning_rate"
    ]


# Caches: 1, 1.0 and True are one key

CACHES = {
    "toy.bridge.parameter_shapes": lambda: replace(
        RECIPE, model=replace(SMALL, tied=0), origin=Origin(RECIPE)
    ),
    "train.program.initialiser": lambda: train.initial(replace(RECIPE, model=replace(SMALL, d_mlp=32.0))),
    "train.program.beginner": lambda: train.initial(
        replace(RECIPE, optimiser=Optimiser("muon", 1e-2, warmup=5.0))
    ),
    "train.program.program": lambda: train.fit(replace(RECIPE, batch=16.0)),
    "train.steering._program": lambda: train.steer(SMALL, STACK(), replace(STEERING, batch=8.0), np.eye(16)),
}


def STACK():
    return beginnings(SMALL, 2)


@pytest.mark.thorough
def test_no_cache_is_shown_a_key_that_lies():
    found = {}
    for room in (toy, train):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            if module.name != "train.sweeps.cluster":  # needs dask, and has none
                members = vars(importlib.import_module(module.name)).items()
                found |= {
                    f"{module.name}.{n}": v
                    for n, v in members
                    if hasattr(v, "cache_info") and v.__module__ == module.name
                }
    found = {
        name: v for name, v in found.items() if inspect.signature(v).parameters
    }  # what takes nothing has no key
    assert set(found) == set(CACHES)
    for name, call in CACHES.items():
        before = found[name].cache_info().misses
        refusal(call)
        assert found[name].cache_info().misses == before


@pytest.mark.thorough
def test_a_refused_batch_does_not_spoil_the_good_one():
    assert "as 24" in refusal(lambda: replace(TINY, batch=24.0))
    assert np.isfinite(list(train.fit(TINY))[-1].excess).all()


# Functions: every parameter of every one


def networks_of(params):
    """One network, as a run has it."""
    stack = jax.tree.map(lambda leaf: leaf[None], params)
    return SimpleNamespace(recipe=replace(RECIPE, seeds=1), params=lambda: stack)


def good_calls(folder):
    """For each public function, arguments that it takes."""
    tree = processes.prefix_tree(processes.named("rrxor"), 3)
    packed = train.packed(tree, 6)
    tables = train.tables(processes.named("rrxor"))
    network, key = toy.network(SMALL), jax.random.key(0)
    params, pages = network.init(key), toy.Pages(network)
    opened = pages.open()
    return {
        "train.fit": (train.fit, dict(recipe=RECIPE, state=None, stops=(3,), report_every=0.5, mesh=None)),
        "train.fit_many": (train.fit_many, dict(recipes=[RECIPE], report_every=0.5)),
        "train.initial": (train.initial, dict(recipe=RECIPE, origin_params=None)),
        "train.finish": (train.finish, dict(recipe=RECIPE, steps=5, batch=8)),
        "train.reseeded": (train.reseeded, dict(recipe=RECIPE, first_seed=8, seeds=2)),
        "train.grid": (train.grid, dict(recipe=RECIPE, over={"steps": [10, 20]})),
        "train.data": (train.data, dict(recipe=RECIPE, shards=2)),
        "train.objective": (train.objective, dict(kind="expected", batch=16, network=network, shards=2)),
        "train.steer": (train.steer, dict(config=SMALL, params=STACK(), how=STEERING, basis=np.eye(16))),
        "train.steered": (train.steered, dict(network=network, site="blocks.0.resid_post", first=1)),
        "train.mesh": (train.mesh, dict(recipe=RECIPE, data=None)),
        "train.versions": (train.versions, dict(recipe=RECIPE)),
        "train.obtain": (
            train.obtain,
            dict(recipe=RECIPE, store=str(folder), watch=print, accept_other_bits=False),
        ),
        "train.sweep": (
            train.sweep,
            dict(recipes=[RECIPE], store=str(folder), scheduler=None, measure=None, table=None, watch=print),
        ),
        "train.tables": (train.tables, dict(process=processes.named("rrxor"))),
        "train.sample": (train.sample, dict(tables=tables, key=key, batch=2, length=3)),
        "train.packed": (train.packed, dict(tree=tree, n_ctx=6)),
        "toy.network": (toy.network, dict(config=SMALL)),
        "toy.transformer_lens_settings": (
            toy.transformer_lens_settings,
            dict(config=SMALL, generation="bridge"),
        ),
        "toy.to_transformer_lens": (
            toy.to_transformer_lens,
            dict(config=SMALL, params=params, generation="hooked"),
        ),
        "toy.from_transformer_lens": (
            toy.from_transformer_lens,
            dict(config=SMALL, weights=toy.to_transformer_lens(SMALL, params)),
        ),
        "train.export_weights": (
            train.export_weights,
            dict(networks=networks_of(params), file=str(folder / "w"), to="transformer_lens", seed=None),
        ),
        "train.import_weights": (train.import_weights, dict(file=str(folder / "w"), config=SMALL)),
        "toy.hook_name": (toy.hook_name, dict(site="blocks.0.attn.q")),
        "toy.Tree": (toy.Tree, dict(ancestors=packed.tree.ancestors, widths=packed.tree.widths)),
        "toy.Transformer": (toy.Transformer, dict(config=SMALL, rngs=None)),
        "Network.init": (network.init, dict(key=key)),
        "Network.apply": (
            network.apply,
            dict(params=params, tokens=packed.tokens, tree=packed.tree, edit=None, sites=None, last=None),
        ),
        "Network.extend": (network.extend, dict(params=params, tokens=[[0, 1]], cache=None)),
        "toy.Pages": (toy.Pages, dict(net=network, page=2, most=8)),
        "Pages.extend": (pages.extend, dict(params=params, tokens=[[0, 1]], sequences=[opened])),
        "Pages.fork": (pages.fork, dict(sequence=opened)),
        "Pages.close": (pages.close, dict(sequence=opened)),
        "toy.generate": (toy.generate, dict(net=network, params=params, prompt=[[0]], n=2, key=key)),
        "steered Network.apply": (
            train.steered(network, "blocks.0.resid_post", 1).apply,
            dict(params=(params, jnp.zeros(16)), tokens=packed.tokens, tree=packed.tree, sites=None),
        ),
    }


OF_THE_MACHINE = {
    "distribute",
    "program_cache",
    "use_all_cores",
    "open_run",
    "allotted_cores",
    "jit",
    "key",
    "pinned",
}
"""Functions of devices and folders; tests of their own."""
UNUSED = {("toy.Transformer", "rngs"), ("toy.Tree", "ancestors")}
"""What Flax takes as it likes, and what transformations of JAX put other things in the place of; `apply`
looks at a tree before it uses it.
"""


MAY_BE_NONE = {("train.obtain", "watch")}
"""What is left to the function where it is None, though another value stands in the table."""


def odd_arguments(name, value):
    """What is wrong in the place of a good argument, whatever the function is."""
    always = [object(), 1 + 2j, b"x", 10**5000]
    if isinstance(value, bool):
        return [*always, 1, 0.0, "yes", None, [True]]
    if isinstance(value, int):
        return [*always, True, 2.5, 3.0, "3", None, [3], -1, float("nan")]
    if isinstance(value, float):
        return [*always, True, "3", None, [3], -1, float("nan"), float("inf")]
    if isinstance(value, str):
        return [*always, 3, True, None, ["x"]]
    if value is None:
        return [*always, 3, 2.5]
    return [*always, None, 3, True, "x", [value, 3]]


def test_every_public_function_is_in_the_table():
    functions = {
        f"{room.__name__}.{n}"
        for room in (toy, train)
        for n in room.__all__
        if inspect.isfunction(getattr(room, n))
    }
    assert functions - {f"train.{n}" for n in OF_THE_MACHINE} <= set(GOOD_NAMES)
    results = (
        {
            n
            for room in (toy, train)
            for n in room.__all__
            if inspect.isclass(v := getattr(room, n)) and v is not jaxtyping.PyTree
        }
        - set(RECORDS)
        - NOT_WRITTEN_BY_HAND
    )
    assert results - {"Transformer", "Pages"} == {
        "Cache",
        "Cell",
        "Loss",
        "State",
        "Steered",
        "Measured",
        "Packed",
        "Leg",
        "ModelError",
        "RecipeError",
        "RunError",
    }


GOOD_NAMES = [
    *(
        "train.fit",
        "train.fit_many",
        "train.initial",
        "train.finish",
        "train.reseeded",
        "train.grid",
        "train.data",
        "train.objective",
        "train.steer",
        "train.steered",
        "train.obtain",
        "train.sweep",
    ),
    *("train.mesh", "train.versions"),
    *(
        "train.tables",
        "train.sample",
        "train.packed",
        "toy.generate",
        "toy.hook_name",
        "toy.transformer_lens_settings",
        "toy.to_transformer_lens",
        "toy.from_transformer_lens",
        "train.export_weights",
        "train.import_weights",
        "toy.network",
        "toy.Tree",
        "toy.Transformer",
        "toy.Pages",
    ),
    *("Pages.extend", "Pages.fork", "Pages.close"),
    *("Network.init", "Network.apply", "Network.extend", "steered Network.apply"),
]


@pytest.mark.thorough
@pytest.mark.parametrize("name", GOOD_NAMES)
def test_no_function_takes_what_it_is_not_meant_to(name, tmp_path):
    call, good = good_calls(tmp_path)[name]
    assert set(inspect.signature(call.__init__ if inspect.isclass(call) else call).parameters) - {
        "self"
    } == set(good)
    for parameter, value in good.items():
        if (name, parameter) not in UNUSED:
            for odd in odd_arguments(parameter, value):
                if odd is None and (name, parameter) in MAY_BE_NONE:
                    continue
                try:
                    refusal(lambda odd=odd, parameter=parameter: call(**(good | {parameter: odd})))
                except BaseException as error:
                    raise AssertionError(f"{parameter} = {shown(odd)}") from error
    assert not any(tmp_path.iterdir())  # nothing is made before all is known to be good


# Sweeps


def test_a_grid_takes_what_a_recipe_does():
    cells = train.grid(
        RECIPE, {"steps": np.array([10, 20]), "optimiser.learning_rate": (np.float64(1e-3), 1)}
    )
    assert [cell.values for cell in cells][0] == {"steps": 10, "optimiser.learning_rate": 1e-3} and all(
        cell.recipe for cell in cells
    )
    assert json.dumps([dict(cell.values) for cell in cells])  # plain
    refused = train.grid(RECIPE, {"steps": [10, 10.0, True, "10", None, [10]]})
    assert [cell.recipe is None for cell in refused] == [False, True, True, True, True, True]
    assert all("steps is " in cell.refused for cell in refused[1:])
    named = train.grid(RECIPE, {"process": ["rrxor", 3, processes.named("rrxor")]})
    assert [cell.recipe is None for cell in named] == [False, True, True]
    for over in (
        {"steps": "12"},
        {"steps": 12},
        {"steps": []},
        {"steps": [10, np.int64(10)]},
        {3: [1]},
        {"stepz": [1]},
        ["steps"],
    ):
        refusal(lambda over=over: train.grid(RECIPE, over))


def test_a_sweep_is_over_recipes_and_leaves_none_out(tmp_path):
    cells = train.grid(RECIPE, {"steps": [10]})
    for recipes in (
        [RECIPE, "x"],
        [RECIPE, *cells],
        [*cells, RECIPE],
        RECIPE,
        {"a": RECIPE},
        [None],
        [cells[0]._replace(recipe="x")],
        [cells[0]._replace(values=3)],
    ):
        refusal(lambda recipes=recipes: train.sweep(recipes, tmp_path))
    assert not any(tmp_path.iterdir())


def test_a_measure_that_measures_nothing_costs_its_row_alone(tmp_path):
    for measure in (
        lambda run: [1.0],
        lambda run: {"x": 1.0},
        lambda run: {"x": train.Measured(np.zeros(3), "nats")},
    ):
        (row,) = train.sweep([TINY], tmp_path, measure=measure)
        assert "it must return {name: Measured(values of shape (1,), unit)}" in row["error"]
