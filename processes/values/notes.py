"""Results that are kept with the value they are about: they go when it goes, and before that the oldest of a
function make room for new ones.
"""

import inspect
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from weakref import ReferenceType, WeakValueDictionary, ref

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


class Notes:
    """What has been worked out about one value, by function and arguments."""

    def __init__(self) -> None:
        self.results: dict[Any, Any] = {}


_SHARED: WeakValueDictionary[str, Notes] = WeakValueDictionary()


def shared(digest: str) -> Notes:
    """The notes of all living values of this digest; they are gone when the last of these is."""
    return _SHARED.setdefault(digest, Notes())


def noted(most: int) -> Callable[[F], F]:
    """Note what a function says in the `notes` of its first argument, and of all its results the `most`
    recently used ones.

    The function itself holds no result, only weak references that say which was used last. Results are shared
    by values with the same notes, so of a process they must say nothing of its name. Arrays are locked.
    `cache_clear` drops all results.
    """

    def noting(function: F) -> F:
        signature = inspect.signature(function)
        used: OrderedDict[Any, ReferenceType[Notes]] = OrderedDict()  # (notes, key), the oldest first

        def drop(key: Any, notes: ReferenceType[Notes]) -> None:
            holder = notes()
            if holder is not None:
                holder.results.pop(key[1:], None)

        @wraps(function)
        def recalled(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            about, *others = bound.arguments.values()
            notes, key = about.notes, (function, *others)
            mark = (id(notes), *key)
            if key not in notes.results:
                found = function(*args, **kwargs)
                for array in found if isinstance(found, tuple) else (found,):
                    if isinstance(array, np.ndarray):
                        array.setflags(write=False)
                notes.results[key] = found
                for gone in [m for m, holder in used.items() if holder() is None]:
                    used.pop(gone, None)
            else:
                found = notes.results[key]
            used[mark] = ref(notes)
            used.move_to_end(mark)
            while len(used) > most:
                drop(*used.popitem(last=False))
            return found

        def cache_clear() -> None:
            while used:
                drop(*used.popitem())

        recalled.cache_clear = cache_clear  # type: ignore[attr-defined]
        return cast(F, recalled)

    return noting
