"""What the fields of a record and the arguments of a function may hold: read off their types, once for all of
them.
"""

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from contextlib import suppress
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from .sites import ModelError, shown

MAX_INT32 = 2**31 - 1
"""The largest count: JAX counts in 32 bits."""
MAX_TOKENS = 1_000_000
"""Of a context."""
MAX_LAYERS = 1_000
"""Each layer is compiled by itself."""


def check_fields(
    record: Any,
    least: Mapping[str, int],
    most: Mapping[str, int] | None = None,
    *,
    error: type[ValueError] = ModelError,
    remedy: Mapping[str, str] | None = None,
) -> None:
    """Put plain Python values in the fields of a dataclass, so that equal records are written and hashed as
    one.

    Raises `error` if a field holds what its type does not allow, or an integer below its `least` or above its
    `most` value; `remedy` says of a field what else to do.
    """
    hints = get_type_hints(type(record))
    for field in dataclasses.fields(record):
        value = fitted(
            field.name,
            hints[field.name],
            getattr(record, field.name),
            error,
            (remedy or {}).get(field.name, ""),
        )
        object.__setattr__(record, field.name, value)
        if isinstance(value, int) and not isinstance(value, bool):
            check_range(
                field.name,
                value,
                least.get(field.name, -MAX_INT32),
                (most or {}).get(field.name, MAX_INT32),
                error,
            )


def check_range(
    name: str, value: int, least: int, most: int = MAX_INT32, error: type[ValueError] = ModelError
) -> None:
    """Raise `error` unless least <= value <= most."""
    if value < least:
        raise error(f"{name} is {value}; it must be at least {least}")
    if value > most:
        raise error(f"{name} is {shown(value)}; it must be at most {most}")


def fitted(name: str, hint: Any, value: Any, error: type[ValueError] = ModelError, remedy: str = "") -> Any:
    """The value of an argument or field as plain Python writes it. Raises `error`, with the `remedy`, if its
    type does not allow it.

    Integers and numbers may be NumPy's, but no number is taken for another kind: True is not 1, nor 3.0 the
    integer 3, for as keys of a cache they are equal. Lists pass for tuples. Numbers are finite.
    """
    try:
        return _plain(hint, value)
    except TypeError:
        whole = (
            int in (hint, *_options(hint))
            and isinstance(value, float | np.floating)
            and math.isfinite(value)
            and value == int(value)
        )
        cure = f", as {int(value)}" if whole else f": {remedy}" if remedy else ""
        raise error(f"{name} is {shown(value)}; it must be {_phrase(hint)}{cure}") from None


def _plain(hint: Any, value: Any) -> Any:
    """The value as the type hint has it. Raises `TypeError` if it is none."""
    for option in _options(hint):
        with suppress(TypeError):
            return _plain(option, value)
    if hint is float and isinstance(value, Real) and not isinstance(value, bool):
        with suppress(OverflowError):
            if math.isfinite(value):
                return float(value)
    if get_origin(hint) is tuple and isinstance(value, list | tuple):
        return tuple(_plain(get_args(hint)[0], item) for item in value)
    if not _is(hint, value):
        raise TypeError
    if hint in (int, bool):
        return hint(value)
    return str.__str__(value) if isinstance(value, str) else value


def _is(hint: Any, value: Any) -> bool:
    if hint in (Any, None, type(None)):
        return hint is Any or value is None
    if hint is int:
        return isinstance(value, Integral) and not isinstance(value, bool)
    if hint is bool:
        return isinstance(value, bool | np.bool_)
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in get_args(hint)
    kind = get_origin(hint) or hint
    if kind is Callable:
        return callable(value)
    if not isinstance(kind, type) or kind in (float, tuple):
        return False
    # Of a record of ours nothing but itself: how a subclass is written, hashed or compared is not known.
    return type(value) is kind if dataclasses.is_dataclass(kind) else isinstance(value, kind)


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if isinstance(hint, types.UnionType) or get_origin(hint) is Union else ()


def _phrase(hint: Any) -> str:
    if options := _options(hint):
        return " or ".join(map(_phrase, options))
    if get_origin(hint) is Literal:
        return f"one of {', '.join(get_args(hint))}"
    if get_origin(hint) is tuple:
        return f"a tuple whose every entry is {_phrase(get_args(hint)[0])}"
    kind = get_origin(hint) or hint
    words = {
        int: "an integer",
        float: "a finite number",
        bool: "True or False",
        str: "a string",
        type(None): "None",
        Callable: "a function",
    }
    return words.get(kind) or f"a {kind.__module__.split('.')[0]}.{kind.__name__}"
