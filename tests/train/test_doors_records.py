"""Odd input in every field of every record of `toy` and `train`, by hand and in files."""

import dataclasses
import functools
import json
import types
import typing
from dataclasses import replace

import numpy as np
import pytest
from at_doors import (
    NOT_WRITTEN_BY_HAND,
    OURS,
    RECIPE,
    RECORDS,
    SMALL,
    as_users_have_it,  # noqa: F401
    refusal,
)

import processes
import toy
import train
from toy.sites import shown
from train import Origin, Recipe
from train.recipe import from_json

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
