"""What a process is made of, as a value, and how that is written.

A process that a function made of others knows it (`Process.made_of`): nobody has to read it back out of a
name. Whatever it is made of says how one writes it (`spec`), and what is written so reads back
(`named(p.spec)` is `p`).
"""

import inspect
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from .arrays import spelled
from .record import Record

F = TypeVar("F", bound=Callable[..., Any])
P = TypeVar("P")


class Structure(Protocol):
    """What a process can be made of: a `Product`, `Mixture`, `Protocol`, `Given`, a file, or the `Built` of a
    function.
    """

    @property
    def spec(self) -> str | None:
        """As it is written, to the last digit; None where some part cannot be written."""


@dataclass(frozen=True, eq=False)
class Built(Record):
    """One function of numbers and of other processes: `coin(p=0.5)`, `synonyms(rrxor(p1=0.5, p2=0.5),
    n=2)`."""

    function: str
    arguments: Mapping[
        str, Any
    ]  # by parameter: a process, a tuple of them, a number, or nested tuples of numbers

    @property
    def spec(self) -> str | None:
        """Processes first, then `parameter=value`."""
        values = [
            written(value) if parts_of(value) else f"{name}={written(value)}"
            for name, value in self.arguments.items()
        ]
        return listed(values, ", ", self.function + "({})")


@dataclass(frozen=True, eq=False)
class FromFile(Record):
    """A JSON file of numbers, by its path."""

    path: str

    @property
    def spec(self) -> str | None:
        """The path, in quotes where it holds more than a path usually does."""
        if not set(self.path) & set(" ,;*|=()[]'\""):
            return self.path
        quote = next((q for q in "\"'" if q not in self.path), None)
        return quote and f"{quote}{self.path}{quote}"


def remember(process: P, structure: Any) -> P:
    """The process, known from now on to be made so (`structure` is a `Structure`)."""
    object.__setattr__(process, "made_of", structure)
    return process


def recorded(function: F) -> F:
    """The function, whose processes know its call. Limits on the effort (`max_..`) are no part of that.

    What changes nothing is made of what it was made of before: one spelling of every symbol, a block of one.
    """
    signature = inspect.signature(function)

    @wraps(function)
    def remembering(*args, **kwargs):
        made = function(*args, **kwargs)
        given = {
            name: plain(value)
            for name, value in signature.bind(*args, **kwargs).arguments.items()
            if not name.startswith("max_")
        }
        parts = [part for value in given.values() for part in parts_of(value)]
        if any(part.identity == made.identity for part in parts):
            return made
        return remember(made, Built(function.__name__, given))

    return cast(F, remembering)


def parts_of(value: Any) -> tuple[Any, ...]:
    """The processes that an argument holds."""
    found = value if isinstance(value, tuple) else (value,)
    return tuple(part for part in found if hasattr(part, "made_of"))


def plain(value: Any) -> Any:
    """Numbers and arrays as Python's own, sequences as tuples; processes as they are."""
    if hasattr(value, "made_of"):
        return value
    if isinstance(value, list | tuple | range):
        return tuple(map(plain, value))
    if isinstance(value, str):
        return value if isinstance(word := spelled(value), str) else plain(word)
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real | Decimal):
        return float(value)
    return plain(np.asarray(value).tolist())  # arrays, of whatever library, ranges, NumPy's own numbers


def written(value: Any) -> str | None:
    """A process, or some, as written; a number with every digit that tells it from its neighbours; [a, b,
    ..]."""
    if hasattr(value, "made_of"):
        return value.spec
    if isinstance(value, tuple):
        return listed(map(written, value), ", ", "{}" if parts_of(value) else "[{}]")
    return repr(value)


def listed(parts, between: str, around: str = "{}") -> str | None:
    """The parts with `between` between and `around` around them; None if one of them cannot be written."""
    parts = list(parts)
    return None if None in parts else around.format(between.join(parts))
