"""Grids: every combination of the values that a sweep gives to fields of a recipe."""

import contextlib
import dataclasses
import difflib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_type_hints

import processes
from toy.checks import fitted
from toy.sites import shown

from ..errors import RecipeError
from ..recipe import Recipe


class Cell(NamedTuple):
    """One combination, and the recipe it makes or why it makes none."""

    values: Mapping[str, Any]  # by dotted field name, in the order in which the fields were given
    recipe: Recipe | None
    refused: str = ""


def grid(recipe: Recipe, over: Mapping[str, Sequence[Any]]) -> list[Cell]:
    """All combinations of `over` = {"model.d_model": [2, 4], "seeds": [8]} put into a recipe; the last field
    varies fastest.

    The model's vocabulary follows the process unless it is swept itself. A combination that makes no recipe
    says so in its cell. Raises `RecipeError` for an unknown field (with the nearest known one), a field
    without values, or a value given twice.
    """
    recipe = fitted("recipe", Recipe, recipe, RecipeError)
    over = fitted(
        "over", Mapping, over, RecipeError, "give the values of each field, as {'steps': [100, 200]}"
    )
    values = {name: _values(name, field_type(recipe, name), given) for name, given in over.items()}
    return [
        _cell(recipe, dict(zip(values, combination, strict=True)))
        for combination in itertools.product(*values.values())
    ]


def _values(name: str, hint: Any, given: Sequence[Any]) -> list[Any]:
    """The values of a field, as a recipe would hold them; one that it cannot hold stays, for its cell to say
    so.
    """
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise RecipeError(f"{name} is swept over {shown(given)}; give a list of values, as [{shown(given)}]")
    values: list[Any] = []
    for value in given:
        with contextlib.suppress(RecipeError):
            value = fitted(name, hint, value, RecipeError)
        if (type(value), shown(value)) in ((type(other), shown(other)) for other in values):
            raise RecipeError(f"{name} is swept over {value!r} twice; give each value once")
        values.append(value)
    if not values:
        raise RecipeError(f"{name} is swept over no values; give at least one")
    return values


def varying(recipes: Sequence[Recipe]) -> list[Cell]:
    """Any recipes as cells, whose values are the fields in which they differ."""
    flat = [dict(_leaves(recipe)) for recipe in recipes]
    names = dict.fromkeys(name for leaves in flat for name in leaves)
    differing = [name for name in names if any(leaves.get(name) != flat[0].get(name) for leaves in flat)]
    return [
        Cell({name: leaves.get(name) for name in differing}, recipe)
        for leaves, recipe in zip(flat, recipes, strict=True)
    ]


def field_type(recipe: Recipe, name: str) -> Any:
    """The type of a field by its dotted name. Raises `RecipeError`, with the nearest known name, if there is
    none.
    """
    name, known = fitted("the name of a field", str, name, RecipeError), [leaf for leaf, _ in _leaves(recipe)]
    if name not in known:
        last = {leaf.rsplit(".", 1)[-1]: leaf for leaf in known}
        near = difflib.get_close_matches(name, known, n=1) or [
            last[n] for n in difflib.get_close_matches(name.rsplit(".", 1)[-1], last, n=1)
        ]
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        raise RecipeError(f"a recipe has no field {name!r} to sweep over; {hint}")
    *path, field = name.split(".")
    owner: Any = recipe
    for part in path:
        owner = getattr(owner, part)
    return get_type_hints(type(owner))[field]


def _cell(recipe: Recipe, values: dict[str, Any]) -> Cell:
    try:
        follows = (
            {"model.vocab": processes.source(values["process"]).vocab}
            if isinstance(values.get("process"), str)
            else {}
        )
        return Cell(values, _changed(recipe, follows | values))
    except ValueError as error:
        return Cell(values, None, str(error))


def _changed(owner: Any, values: Mapping[str, Any]) -> Any:
    """A nested dataclass with fields changed by dotted name, all at once: halfway it might be refused."""
    changes: dict[str, Any] = {name: value for name, value in values.items() if "." not in name}
    for part in dict.fromkeys(name.partition(".")[0] for name in values if "." in name):
        inner = {
            name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{part}.")
        }
        changes[part] = _changed(getattr(owner, part), inner)
    return dataclasses.replace(owner, **changes)


def _leaves(owner: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for field in dataclasses.fields(owner):
        value = getattr(owner, field.name)
        if dataclasses.is_dataclass(value):
            yield from _leaves(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, value
