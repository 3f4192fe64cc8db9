"""Records of arrays as named arrays, and back: what a figure is drawn from is the record itself, kept field
by field.

A record is a dataclass or a NamedTuple. Its fields are arrays, numbers, strings, tuples, mappings (by
strings, or by NamedTuples of numbers and strings), other records, or None. A field's arrays are named by
their path: `trained`, `relative/sequential`, `by_role/["gru", 2]/mass`.
"""

import dataclasses
import json
import types
from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

Arrays = Mapping[str, np.ndarray]
PLAIN = (bool, int, float, str)
NETWORKS = "seeds"
"""What annotations call the axis of trained networks."""


class LayoutError(ValueError):
    """Arrays that are not those of a record of this type: they were kept by another version."""


def arrays(record: Any) -> dict[str, np.ndarray]:
    """All arrays of a record, by path; a plain mapping of arrays is given back as it is."""
    return {path: np.asarray(leaf) for path, leaf in _leaves("", record)}


def restored(kind: type, kept: Arrays) -> Any:
    """The record of type `kind` whose `arrays` these are.

    Raises `LayoutError` if they are not: if one is missing, or one is left over.
    """
    left = dict(kept)
    record = _restore(kind, "", left)
    if left:
        raise LayoutError(f"{kind.__name__} has no {', '.join(sorted(left))}")
    return record


def restored_among(kind: type, kept: Arrays) -> Any:
    """The record of type `kind` that is kept among other arrays: of these only what belongs to its fields is
    read. Raises `LayoutError` as `restored` does.
    """
    names = set(_fields(kind))
    return restored(kind, {path: leaf for path, leaf in kept.items() if path.partition("/")[0] in names})


def joined_arrays(kind: type | None, before: Arrays, added: Arrays) -> Arrays:
    """The arrays of a record of type `kind` of the networks of two: each is joined along the axis that its
    annotation calls `seeds` (or `*seeds`); what has none says nothing of single networks and is that of the
    first. Other axes, where one of the two is longer, end with the shorter.

    Raises `LayoutError` as `restored` does.
    """
    if not before or kind is None:
        return before or added
    return arrays(_joined(kind, restored(kind, before), restored(kind, added)))


def _joined(kind: Any, first: Any, second: Any) -> Any:
    if first is None or second is None:
        return first
    kind = next((option for option in _options(kind) if option is not types.NoneType), kind)
    if is_record(kind):
        hints = get_type_hints(kind)
        parts = {n: _joined(hints[n], getattr(first, n), getattr(second, n)) for n in _fields(kind)}
        return kind(**parts)
    if isinstance(first, Mapping):
        of = get_args(kind)[1]
        return {key: _joined(of, part, second[key]) for key, part in first.items()}
    if isinstance(first, tuple | list) and first and is_record(first[0]):
        of = get_args(kind)[0]
        return type(first)(_joined(of, a, b) for a, b in zip(first, second, strict=True))
    if not isinstance(first, np.ndarray):
        return first
    axes = [axis.removeprefix("*") for axis in getattr(kind, "dim_str", "").split()]
    after = len(axes) - axes.index(NETWORKS) if NETWORKS in axes else 0  # from the end: axes before may vary
    cut = tuple(
        slice(None) if i == first.ndim - after else slice(min(sizes))
        for i, sizes in enumerate(zip(first.shape, second.shape, strict=True))
    )
    return np.concatenate([first[cut], second[cut]], axis=-after) if after else first[cut]


def _options(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ()


def is_record(kind: Any) -> bool:
    """Whether a type, or the value of one, is a dataclass or a NamedTuple."""
    return dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if value is None:
        return
    if is_record(value):
        names = value._fields if hasattr(value, "_fields") else [f.name for f in dataclasses.fields(value)]
        parts = [(name, getattr(value, name)) for name in names]
    elif isinstance(value, Mapping):
        parts = [(_written(key), part) for key, part in value.items()]
    elif isinstance(value, tuple | list) and any(is_record(part) for part in value):
        parts = [(str(i), part) for i, part in enumerate(value)]
    else:
        yield path, value
        return
    for name, part in parts:
        yield from _leaves(f"{path}/{name}" if path else name, part)


def _written(key: Any) -> str:
    text = key if isinstance(key, str) else json.dumps(list(key) if isinstance(key, tuple) else key)
    return text.replace("%", "%25").replace("/", "%2F")  # a slash parts one key of a path from the next


def _restore(kind: Any, path: str, left: dict[str, np.ndarray]) -> Any:
    """The value of type `kind` at a path; what it is made of is taken out of `left`."""
    if types.NoneType in (options := _options(kind)):
        if not _below(path, left):
            return None
        (kind,) = [option for option in options if option is not types.NoneType]
    if is_record(kind):
        hints = get_type_hints(kind)
        at = f"{path}/" if path else ""
        return kind(**{name: _restore(hints[name], f"{at}{name}", left) for name in _fields(kind)})
    origin, args = get_origin(kind), get_args(kind)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return {_key(args[0], part): _restore(args[1], f"{path}/{part}", left) for part in _parts(path, left)}
    if origin in (tuple, list) and is_record(args[0]):
        return origin(_restore(args[0], f"{path}/{i}", left) for i in range(len(_parts(path, left))))
    if path not in left:
        raise LayoutError(f"{path} is missing")
    leaf = left.pop(path)
    if origin in (tuple, list):
        return origin(leaf.tolist())
    return kind(leaf.item()) if kind in PLAIN else leaf


def _fields(kind: Any) -> list[str]:
    return list(kind._fields) if hasattr(kind, "_fields") else [f.name for f in dataclasses.fields(kind)]


def _below(path: str, left: Mapping[str, np.ndarray]) -> list[str]:
    return [name for name in left if name == path or name.startswith(f"{path}/")]


def _parts(path: str, left: Mapping[str, np.ndarray]) -> list[str]:
    """The keys of a mapping at a path, in the order in which they were kept."""
    below = (name.removeprefix(f"{path}/") for name in _below(path, left))
    return list(dict.fromkeys(rest.partition("/")[0] for rest in below))


def _key(kind: Any, part: str) -> Any:
    text = part.replace("%2F", "/").replace("%25", "%")
    return kind(*json.loads(text)) if hasattr(kind, "_fields") else json.loads(text) if kind is int else text
