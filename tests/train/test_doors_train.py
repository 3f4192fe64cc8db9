"""Odd input at every door of `toy` and `train`: each is taken as what it plainly is, or refused in one
sentence, before anything is made.
"""

import copy
import dataclasses
import functools
import importlib
import inspect
import json
import pickle
import pkgutil
import types
import typing
from dataclasses import replace

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from planted.runs import beginnings

import processes
import toy
import train
from toy import ModelError
from toy.sites import shown
from train import Optimiser, Origin, Recipe, RecipeError, RunError
from train.optimiser import FLOAT32_ROUNDOFF, MAX_STEPS
from train.recipe import from_json

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


def test_a_call_that_is_not_refused_or_not_in_a_sentence_is_caught():
    def says(error):
        raise error

    for call in (lambda: None, lambda: says(AttributeError("x")), lambda: says(ModelError("one\ntwo"))):
        with pytest.raises((AssertionError, AttributeError, pytest.fail.Exception)):
            refusal(call)


# Records: every field of every one

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
DEEPER = [("model", "d_model"), ("model", "kind"), ("optimiser", "learning_rate")]
FIELDS = [(name, field.name) for name, record in RECORDS.items() for field in dataclasses.fields(record)]
ODD = {
    "true": True,
    "half": 2.5,
    "whole": 3.0,
    "digit": "3",
    "none": None,
    "list": [3],
    "int64": np.int64(3),
    "float32": np.float32(0.5),
    "bool_": np.bool_(True),
    "nan": float("nan"),
    "inf": float("inf"),
    "negative": -1,
    "huge": 10**400,
    "unwritable": 10**5000,
    "complex": 3 + 0j,
    "bytes": b"3",
    "array": np.arange(30.0).reshape(5, 6),
    "strings": ["unembed", 3],
    "process": processes.named("rrxor"),
    "stranger": object(),
}


def test_every_record_is_in_the_table():
    public = {
        name for room in (toy, train) for name, value in vars(room).items() if dataclasses.is_dataclass(value)
    }
    assert public == set(RECORDS) | NOT_WRITTEN_BY_HAND


def kinds(hint) -> set:
    """The plain types that a type hint allows; for text, the texts if it lists them."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return set().union(*map(kinds, typing.get_args(hint)))
    return {str} if typing.get_origin(hint) is typing.Literal else {typing.get_origin(hint) or hint}


def plain(hint, value):
    """What a field may make of a value: the same in plain Python, or `refusal`."""
    allowed = kinds(hint)
    if value is None and type(None) in allowed:
        return None
    for kind, like in ((bool, np.bool_), (int, np.integer), (str, str)):
        if kind in allowed and (type(value) is kind or isinstance(value, like)):
            return kind(value)
    if (
        float in allowed
        and type(value) in (int, float, np.int64, np.float32)
        and (abs(value) < 2**60 if type(value) is int else np.isfinite(value))
    ):
        return float(value)
    return refusal


@pytest.mark.parametrize(("record", "field"), FIELDS)
def test_a_field_holds_what_its_type_says_or_nothing(record, field):
    for value in ODD.values():
        holds(RECORDS[record], field, value)


def holds(record, field, value):
    expected = plain(typing.get_type_hints(type(record))[field], value)
    if expected is refusal:
        said = refusal(lambda: replace(record, **{field: value}))
        assert said.startswith(f"{field} is ") and shown(value) in said
        return
    try:
        made = replace(record, **{field: value})
    except OURS:  # of the right type, but out of range
        assert shown(expected) in refusal(lambda: replace(record, **{field: value}))
        return
    assert type(getattr(made, field)) is type(expected) and getattr(made, field) == expected
    again = replace(record, **{field: expected})
    assert made == again and hash(made) == hash(again) and repr(made) == repr(again)


NUMPY = {int: np.int64, float: np.float64, bool: np.bool_, str: np.str_, tuple: list}


@pytest.mark.parametrize(("record", "field"), FIELDS)
def test_what_numpy_writes_is_the_same_record(record, field):
    record = RECORDS[record]
    value = getattr(record, field)
    like = NUMPY.get(type(value), lambda same: same)(value)
    made = replace(record, **{field: like})
    assert made == record and hash(made) == hash(record) and type(getattr(made, field)) is type(value)
    if isinstance(record, Recipe):
        assert made.hash == record.hash and json.dumps(made.to_json()) == json.dumps(record.to_json())


def test_no_subclass_passes_for_a_record():
    class Odd(toy.TransformerConfig):
        pass

    assert "model is " in refusal(lambda: replace(RECIPE, model=Odd(**dataclasses.asdict(SMALL))))


@pytest.mark.parametrize(
    "path", [(), *((f.name,) for f in dataclasses.fields(Recipe)), *DEEPER], ids=".".join
)
def test_a_written_recipe_with_a_wrong_type_is_refused(path):
    for odd in ODD.values():
        written = RECIPE.to_json()
        inner = functools.reduce(lambda owner, name: owner[name], path[:-1], written)
        if path:
            inner[path[-1]] = odd
        try:
            found = from_json(written if path else odd)
        except OURS:
            refusal(lambda given=written if path else odd: from_json(given))
        else:
            assert from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_written_origin_is_read_whole_or_refused():
    written = replace(RECIPE, origin=Origin(RECIPE, fresh=("unembed",))).to_json()
    for change in ({"fresh": "unembed"}, {"fresh": [3]}, {"frozen": None}, {"recipe": 3}, {"foreign": 1}):
        refusal(lambda change=change: from_json(written | {"origin": written["origin"] | change}))
    refusal(lambda: from_json(written | {"origin": [RECIPE.to_json()]}))


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
    "train.fit.starter": lambda: train.initial(replace(RECIPE, model=replace(SMALL, d_mlp=32.0))),
    "train.fit.beginner": lambda: train.initial(
        replace(RECIPE, optimiser=Optimiser("muon", 1e-2, warmup=5.0))
    ),
    "train.program.program": lambda: train.fit(replace(RECIPE, batch=16.0)),
    "train.steering._program": lambda: train.steer(SMALL, STACK(), replace(STEERING, batch=8.0), np.eye(16)),
}


def STACK():
    return beginnings(SMALL, 2)


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


def test_a_refused_batch_does_not_spoil_the_good_one():
    assert "as 24" in refusal(lambda: replace(TINY, batch=24.0))
    assert np.isfinite(list(train.fit(TINY))[-1].excess).all()


# Functions: every parameter of every one


def good_calls(folder):
    """For each public function, arguments that it takes."""
    tree = processes.prefix_tree(processes.named("rrxor"), 3)
    packed = train.packed(tree, 6)
    tables = train.tables(processes.named("rrxor"))
    network, key = toy.network(SMALL), jax.random.key(0)
    params = network.init(key)
    return {
        "train.fit": (train.fit, dict(recipe=RECIPE, state=None, stops=(3,), report_every=0.5, mesh=None)),
        "train.initial": (train.initial, dict(recipe=RECIPE, origin_params=None)),
        "train.finish": (train.finish, dict(recipe=RECIPE, steps=5, batch=8)),
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
        "toy.Tree": (toy.Tree, dict(ancestors=packed.tree.ancestors, widths=packed.tree.widths)),
        "toy.Transformer": (toy.Transformer, dict(config=SMALL, rngs=None)),
        "Network.init": (network.init, dict(key=key)),
        "Network.apply": (
            network.apply,
            dict(params=params, tokens=packed.tokens, tree=packed.tree, edit=None),
        ),
        "steered Network.apply": (
            train.steered(network, "blocks.0.resid_post", 1).apply,
            dict(params=(params, jnp.zeros(16)), tokens=packed.tokens, tree=packed.tree),
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
        for n, v in vars(room).items()
        if inspect.isfunction(v)
    }
    assert functions - {f"train.{n}" for n in OF_THE_MACHINE} <= set(GOOD_NAMES)
    results = (
        {
            n
            for room in (toy, train)
            for n, v in vars(room).items()
            if inspect.isclass(v) and v is not jaxtyping.PyTree
        }
        - set(RECORDS)
        - NOT_WRITTEN_BY_HAND
    )
    assert results - {"Transformer"} == {
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
        "train.initial",
        "train.finish",
        "train.grid",
        "train.data",
        "train.objective",
        "train.steer",
        "train.steered",
        "train.obtain",
        "train.sweep",
    ),
    *("train.mesh", "train.versions"),
    *("train.tables", "train.sample", "train.packed", "toy.network", "toy.Tree", "toy.Transformer"),
    *("Network.init", "Network.apply", "steered Network.apply"),
]


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_no_function_takes_what_it_is_not_meant_to(name, tmp_path):
    call, good = good_calls(tmp_path)[name]
    assert set(inspect.signature(call.__init__ if inspect.isclass(call) else call).parameters) - {
        "self"
    } == set(good)
    for parameter, value in good.items():
        if (name, parameter) not in UNUSED:
            for odd in odd_arguments(parameter, value):
                try:
                    refusal(lambda odd=odd, parameter=parameter: call(**(good | {parameter: odd})))
                except BaseException as error:
                    raise AssertionError(f"{parameter} = {shown(odd)}") from error
    assert not any(tmp_path.iterdir())  # nothing is made before all is known to be good


# What a network is given


def a_network():
    network = toy.network(SMALL)
    return network, network.init(jax.random.key(0))


CHAIN = toy.Tree(jnp.where(jnp.tri(3, dtype=bool), jnp.arange(3), -1), (1, 1, 1))
BAD_TOKENS = {
    "a symbol too many": (WORD + 1, "a token is 2, but the model reads the symbols 0 to 1"),
    "below zero": (WORD - 1, "a token is -1"),
    "beyond 32 bits": (WORD + 2**40, "a token is 1099511627776"),
    "on the device": (jnp.asarray(WORD + 7), "a token is 7"),
    "floats": (WORD / 1, "the tokens are float64"),
    "booleans": (WORD > 0, "the tokens are bool"),
    "one number": (1, r"the tokens have shape \(\)"),
    "empty": (WORD[:, :0], r"the tokens have shape \(1, 0\)"),
    "no sequences": (WORD[:0], r"the tokens have shape \(0, 6\)"),
    "ragged": ([[0, 1], [1]], "sequences of one length"),
    "too long": (np.tile(WORD, 2), "12 tokens but the model reads at most n_ctx = 6"),
}


@pytest.mark.parametrize("case", BAD_TOKENS)
@pytest.mark.parametrize("config", [SMALL, RECORDS["RecurrentConfig"]], ids=lambda c: type(c).__name__)
def test_tokens_that_a_network_cannot_read_are_refused(config, case):
    tokens, message = BAD_TOKENS[case]
    network = toy.network(config)
    params = network.init(jax.random.key(0))
    with pytest.raises(ModelError, match=message):
        network.apply(params, tokens)
    with pytest.raises(ModelError, match=message):
        jax.jit(lambda p: network.apply(p, tokens)["logits"])(
            params
        )  # tokens that a program is compiled with


def test_inside_programs_nothing_is_checked_but_shapes():
    network, params = a_network()
    run = jax.jit(lambda p, tokens: network.apply(p, tokens)["logits"])
    assert run(params, WORD).shape == (1, 6, 2) and run(params, WORD + 7).shape == (1, 6, 2)
    program = str(
        jax.make_jaxpr(lambda p, tokens: network.apply(p, tokens)["logits"])(params, jnp.asarray(WORD))
    )
    assert "callback" not in program and "error" not in program
    for bad in (WORD / 1, np.tile(WORD, 2), WORD[:, :0]):
        with pytest.raises(ModelError):
            run(params, bad)


BAD_TREES = {
    "more tokens than nodes": (WORD[0], lambda: CHAIN, "6,.*3 nodes"),
    "a batch": (WORD[:, :3], lambda: CHAIN, "3 nodes; give one token for each"),
    "an ancestor that is no node": (
        WORD[0, :3],
        lambda: toy.Tree(CHAIN.ancestors + 5, CHAIN.widths),
        "an ancestor in the tree is 4; it must be a node, 0 to 2",
    ),
    "a list": (WORD[0, :3], lambda: toy.Tree([[0]], (1,)), "ancestors are"),
}


@pytest.mark.parametrize("case", BAD_TREES)
def test_trees_that_do_not_fit_are_refused(case):
    network, params = a_network()
    tokens, tree, message = BAD_TREES[case]
    with pytest.raises(ModelError, match=message):
        network.apply(params, tokens, tree())


@pytest.mark.parametrize("widths", [(1.0, 1), (True, True), (-1, 3), (0, 2), 2, None, "11"], ids=str)
def test_trees_whose_levels_cannot_be_counted_are_refused(widths):
    assert "widths" in refusal(lambda: toy.Tree(jnp.zeros((2, 2), int), widths))
    assert toy.Tree(jnp.zeros((2, 2), int), [np.int64(1), 1]) and hash(
        toy.Tree(jnp.zeros((2, 2), int), [1, 1]).widths
    ) == hash((1, 1))


def without(params, name):
    return {key: value for key, value in params.items() if key != name}


BAD_PARAMS = {
    "a stack": (
        lambda p: jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), p),
        r"shape \(2, 16\), but this network's have \(16,\); take one",
    ),
    "a name missing": (lambda p: without(p, "embed"), "lack 'embed.embedding'"),
    "a name too many": (lambda p: p | {"more": np.ones(3)}, "have 'more'"),
    "another width": (
        lambda p: toy.network(replace(SMALL, d_model=8)).init(jax.random.key(0)),
        r"have shape \(8,\), but .* \(16,\)",
    ),
    "integers": (lambda p: jax.tree.map(lambda leaf: leaf.astype(int), p), "are int32"),
    "words": (lambda p: jax.tree.map(str, p), r"have shape \(\)"),
}


@pytest.mark.parametrize("case", BAD_PARAMS)
def test_parameters_of_another_network_are_refused(case):
    network, params = a_network()
    change, message = BAD_PARAMS[case]
    for apply in (
        network.apply,
        lambda p, w: network.apply(p, w),
        jax.jit(network.apply) if case != "words" else network.apply,
    ):
        with pytest.raises(ModelError, match=message):
            apply(change(params), WORD)


@pytest.mark.parametrize("case", [*BAD_PARAMS, "one network"])
def test_a_training_starts_from_parameters_of_its_own_network_only(case):
    change = BAD_PARAMS[case][0] if case != "one network" else lambda p: jax.tree.map(lambda leaf: leaf[0], p)
    state = train.initial(RECIPE)
    wrong = change(state.params)
    assert (
        "the parameters" in refusal(lambda: train.initial(replace(RECIPE, origin=Origin(RECIPE)), wrong))
        if case != "a name too many"
        else True
    )
    assert "the parameters" in refusal(lambda: train.fit(RECIPE, state._replace(params=wrong)))
    assert "(2, 60) seeds and steps" in refusal(lambda: train.fit(replace(RECIPE, steps=61), state))


BAD_EDITS = [
    [("embed", abs)],
    {"embed": 3},
    {"embed": None},
    {3: abs},
    {"embd": abs},
    {"embed": lambda v: None},
    {"embed": lambda v: v[:, :1]},
    "embed",
]


@pytest.mark.parametrize("edit", BAD_EDITS, ids=range(len(BAD_EDITS)))
def test_edits_that_are_none_are_refused(edit):
    network, params = a_network()
    refusal(lambda: network.apply(params, WORD, edit=edit))


PICKLED = {
    "transformer": SMALL,
    "decay": replace(SMALL, mixer="decay"),
    "gru": RECORDS["RecurrentConfig"],
}


@pytest.mark.parametrize("kind", PICKLED)
def test_a_network_can_be_pickled_and_copied(kind):
    def does(network):
        return jax.jit(lambda key: (params := network.init(key), network.apply(params, WORD)))(
            jax.random.key(1)
        )

    network = toy.network(PICKLED[kind])
    assert copy.copy(network).config is network.config and copy.deepcopy(network).config == network.config
    again = pickle.loads(pickle.dumps(network))
    assert again.config == network.config
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, does(again), does(network))))


def test_a_steered_network_can_be_pickled():
    network = toy.network(PICKLED["transformer"])
    steered = train.steered(network, "blocks.0.resid_post", 2)
    given = (network.init(jax.random.key(0)), jnp.arange(16.0))
    plain, before, after = (
        jax.jit(n.apply)(*p)["logits"]
        for n, *p in (
            (network, given[0], WORD),
            (steered, given, WORD),
            (pickle.loads(pickle.dumps(steered)), given, WORD),
        )
    )
    assert (
        np.array_equal(before, after)
        and np.array_equal(plain[:, :2], before[:, :2])
        and not np.allclose(plain[:, 2:], before[:, 2:])
    )


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
