"""Immutable values: whatever way a record came about, its arrays are read-only and its caches its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property, partial, wraps
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
from scipy.sparse import csr_array

from .checks import Check, check_of, number

T = TypeVar("T")
WIDE = {"f": np.float64, "i": np.int64}
"""Kinds of number that records hold in one width only."""


@dataclass(frozen=True, eq=False)
class Record:
    """What the frozen dataclasses of this room have in common: fields checked by their annotations, arrays
    copied and locked.

    Copies, deep copies, pickles and `dataclasses.replace` all call the constructor with the fields, so that
    nothing passes unchecked and no cached property outlives the numbers it was computed from. Subclass with
    `copies=False` where arrays are large and come from one function only, which keeps no hold on them: they
    are then locked as they are.
    """

    _copies = True

    def __init_subclass__(cls, *, copies: bool = True):
        cls._copies = copies

    def __post_init__(self):
        cls: Any = type(self)
        for name, check in _checks(cls).items():
            value = check(getattr(self, name), f"{name} of {cls.__name__}")
            object.__setattr__(self, name, locked(value, copy=self._copies))

    def __reduce__(self):
        values = (getattr(self, f.name) for f in fields(self) if f.init)
        given = tuple(dict(v) if isinstance(v, MappingProxyType) else v for v in values)
        return type(self), given, {f.name: getattr(self, f.name) for f in fields(self) if not f.init} or None

    def __setstate__(self, later: Mapping[str, Any]):
        for name, value in later.items():
            object.__setattr__(self, name, value)


@cache
def _checks(cls: type[Record]) -> Mapping[str, Check]:
    """The check of each field, made for the first record of a class, so that importing stays quick. Results
    may be infinite or unknown.
    """
    return {
        f.name: partial(number, finite=False) if f.type is float else check_of(f.type)
        for f in fields(cls)
        if f.init
    }


def remembered(function: Callable[[Any], T]) -> cached_property[T]:
    """A cached property whose arrays are read-only."""

    @wraps(function)
    def computed(self: Any) -> T:
        return locked(function(self), copy=False)

    return cached_property(computed)


def locked(value: Any, *, copy: bool) -> Any:
    """The value, not to be written to: arrays, also those in tuples and sparse matrices, and dicts."""
    if isinstance(value, np.ndarray):
        array = value.astype(WIDE.get(value.dtype.kind, value.dtype), copy=copy).view(np.ndarray)
        if copy and array.dtype.kind == "f":
            array += 0.0  # -0 is 0
        array.setflags(write=False)
        return array
    if isinstance(value, csr_array):
        value.sort_indices()
        for array in (value.data, value.indices, value.indptr):
            array.setflags(write=False)
    if isinstance(value, dict):
        return MappingProxyType(value)
    return tuple(locked(v, copy=copy) for v in value) if type(value) is tuple else value
