"""Types are checked at the door: what an annotation promises is asked of every argument, and refused in one
sentence.
"""

import inspect
import numbers
import operator
import os
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import wraps
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from jaxtyping import AbstractArray

from .arrays import ProcessError as ProcessError
from .arrays import binary, floats, integers, rectangular, shown, spelled

Check = Callable[[Any, str], Any]
"""Takes a value and what it is called; returns it, numbers and arrays as Python's and NumPy's own, or raises
`ProcessError`.
"""
F = TypeVar("F", bound=Callable[..., Any])

REMEDY = {
    "Process": "a Process: named('mess3') makes one of a name, hmm(T) of matrices",
    "Automaton": "an Automaton: constraint('no 11', 2) makes one of a sentence, automaton(...) of a table",
    "Generator": "a random generator: np.random.default_rng(0), with a seed for the 0, makes one",
    "PrefixTree": "a PrefixTree: prefix_tree(process, depth) makes one",
    "MixedStates": "a MixedStates: mixed_states(process) makes one where they are finite",
    "Restricted": "a Restricted: restricted(base, constraint) makes one",
    "Path": "a path: text or a pathlib.Path",
}
"""How one comes by a value of each class that people mistake for another."""


def checked(function: F) -> F:
    """The function behind a door: arguments are what their annotations say, or `ProcessError` is raised.
    Others are its own business.

    Integers are Python's or NumPy's, but no floats and no bools; numbers are finite; sequences of numbers and
    lists of lists become arrays where arrays are due; shapes are checked as far as their rank.
    """
    names = list(inspect.signature(function).parameters)
    door: dict[str, tuple[Check, str]] = {}

    @wraps(function)
    def behind_a_door(*args, **kwargs):
        if not door:  # on the first call, so that importing stays quick
            hints = inspect.get_annotations(function)
            door.update(
                {name: (check_of(hints.get(name, Any)), f"{name} of {function.__name__}") for name in names}
            )
        placed = [door[name][0](value, door[name][1]) for name, value in zip(names, args, strict=False)]
        named = {
            name: door[name][0](value, door[name][1]) if name in door else value
            for name, value in kwargs.items()
        }
        return function(*placed, *args[len(names) :], **named)

    return typing.cast(F, behind_a_door)


def check_of(hint: Any) -> Check:
    """The check that an annotation asks for."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint in SCALARS:
        return SCALARS[hint]
    if origin in (typing.Union, types.UnionType):
        return _one_of([check_of(h) for h in inside if h is not type(None)], type(None) in inside)
    if origin is Literal:
        return lambda value, what: (
            value
            if isinstance(value, str) and value in inside
            else refuse(value, what, " or ".join(map(repr, inside)))
        )
    if origin in (Sequence, Collection, list):
        return _each(check_of(inside[0]), None)
    if origin is tuple:
        return _each(check_of(inside[0]), None if inside[-1] is Ellipsis else len(inside))
    if origin is Mapping:
        return _mapping(check_of(inside[0]), check_of(inside[1]))
    if origin is Callable:
        return lambda value, what: value if callable(value) else refuse(value, what, "a function")
    if inspect.isclass(hint) and issubclass(hint, AbstractArray):
        return _array(hint)
    return _instance(hint) if inspect.isclass(hint) else _anything


def refuse(value: Any, what: str, expected: str) -> typing.NoReturn:
    """Raise the sentence: what it is called, the value, and what it must be."""
    raise ProcessError(f"{what} is {shown(value)}; it must be {expected}")


def whole(value: Any, what: str) -> int:
    """An integer of Python or NumPy that fits 64 bits; floats and bools are none."""
    if isinstance(value, bool | np.bool_):
        refuse(value, what, "a whole number")
    try:
        number = operator.index(value)
    except TypeError:
        refuse(value, what, "a whole number")
    return number if abs(number) < 2**63 else refuse(value, what, "a whole number of at most 64 bits")


def number(value: Any, what: str, *, finite: bool = True) -> float:
    """A real number as a float."""
    scalar = value.item() if getattr(value, "ndim", None) == 0 else value  # an array of no axes is a number
    if isinstance(scalar, bool) or not isinstance(scalar, numbers.Real | Decimal):
        refuse(value, what, "a number")
    try:
        found = float(scalar)
    except (OverflowError, ValueError):
        refuse(value, what, "a number that a float can hold")
    return found if np.isfinite(found) or not finite else refuse(value, what, "a finite number")


def text(value: Any, what: str) -> str:
    """A string that UTF-8 can write."""
    if not isinstance(value, str):
        refuse(value, what, "a string")
    if any("\ud800" <= c <= "\udfff" for c in value):
        refuse(value, what, "text that UTF-8 can write: replace the lone surrogate")
    return str(value)


def label(value: Any, what: str) -> str:
    """A name: a string, or a number, which is turned into one."""
    if isinstance(value, numbers.Real | Decimal) and not isinstance(value, bool | np.bool_):
        try:
            return str(value)
        except ValueError:
            refuse(value, what, "a shorter number, or a string")
    return (
        text(value, what)
        if isinstance(value, str)
        else refuse(value, what, "a string, or a number, which is turned into one")
    )


def _array(hint: Any) -> Check:
    """Arrays of the annotation's dtype and rank; those of the right dtype as they are.

    The truth is float64 (`Float64`), and what is coarser is converted; `Float` stands where float32 is meant
    to pass as it is.
    """
    dims, kinds = hint.dim_str.split(), {name.rstrip("0123456789") for name in hint.dtypes}
    least, exact = (
        sum(not d.startswith(("*", "...")) for d in dims),
        not any(d.startswith(("*", "...")) for d in dims),
    )
    axes = (
        f"{least} ax{'is' if least == 1 else 'es'}"
        + ("" if exact else " or more")
        + (f" ({hint.dim_str})" if dims else "")
    )

    def check(value: Any, what: str) -> np.ndarray:
        if "bool" in kinds:
            array = binary(value, what)
        elif "uint" in kinds or "int" in kinds:
            array = integers(spelled(value), what)
            array = array.astype(hint.dtypes[0]) if "int" not in kinds else array
        else:
            array = rectangular(value, what)
            real = array.dtype.kind == "f" and ("float64" not in hint.dtypes[:1] or array.dtype == np.float64)
            array = array if real or "complex" in kinds else floats(array, what)
        if array.ndim < least or (exact and array.ndim != least):
            raise ProcessError(f"{what} has shape {array.shape}; it must be an array of {axes}")
        return array

    return check


def _each(check: Check, length: int | None) -> Check:
    def sequence(value: Any, what: str) -> tuple:
        if (
            isinstance(value, str | bytes | Mapping)
            or not isinstance(value, Collection)
            or (isinstance(value, np.ndarray) and not value.ndim)
        ):
            refuse(value, what, "a sequence" if length is None else f"a sequence of {length}")
        if length is not None and len(value) != length:
            refuse(value, what, f"a sequence of {length}")
        name, of, function = what.partition(" of ")
        return tuple(check(v, f"{name}[{i}]{of}{function}") for i, v in enumerate(value))

    return sequence


def _mapping(key: Check, entry: Check) -> Check:
    def mapping(value: Any, what: str) -> dict:
        if not isinstance(value, Mapping):
            refuse(value, what, "a mapping, such as a dict")
        return {key(k, f"a key of {what}"): entry(v, f"{what}[{shown(k)}]") for k, v in value.items()}

    return mapping


def _one_of(checks: list[Check], optional: bool) -> Check:
    def check(value: Any, what: str) -> Any:
        if value is None and optional:
            return None
        for k, candidate in enumerate(checks):
            try:
                return candidate(value, what)
            except ProcessError:
                if k + 1 == len(checks):
                    raise
        return value

    return check


def _instance(cls: type) -> Check:
    expected = REMEDY.get(cls.__name__, f"a {cls.__name__}")
    return lambda value, what: value if isinstance(value, cls) else refuse(value, what, expected)


def _boolean(value: Any, what: str) -> bool:
    return bool(value) if isinstance(value, bool | np.bool_) else refuse(value, what, "True or False")


def _path(value: Any, what: str) -> Any:
    if (
        not isinstance(value, str | os.PathLike)
        or isinstance(os.fspath(value), bytes)
        or "\0" in os.fspath(value)
    ):
        refuse(value, what, REMEDY["Path"])
    return value


def _anything(value: Any, what: str) -> Any:
    return value


SCALARS: dict[Any, Check] = {
    int: whole,
    float: number,
    bool: _boolean,
    str: text,
    str | int | float: label,
    Path: _path,
    str | Path: _path,
    Any: _anything,
}
