"""Everything that a claim holds, told in plain values that are equal for equal content."""

import copyreg
import dataclasses
import functools
import hashlib
import importlib.util
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..earlier_names import MOVED
from .text import MADE, Text, imported, imported_by_code, of_own, qualname, text_of, within

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), range)
GENERATED = (
    "__dict__",
    "__weakref__",
    "__module__",
    "__doc__",
    "__annotations__",
    "__dataclass_fields__",
    "__dataclass_params__",
    "__firstlineno__",
    "_abc_impl",
)
FIRST = {present: earlier for earlier, present in MOVED.items()}
"""Modules of the lab by the names that keys have told since there are keys."""


class Unknown(Exception):
    """A value whose content cannot be told from another's."""


class Walk:
    """One pass over everything that a claim holds; what its functions name is queued and told once, as
    facts."""

    def __init__(self) -> None:
        self.texts: dict[str, Text] = {}
        self.inside: list[
            int
        ] = []  # objects that are being told, outermost first: where one comes back, it is a cycle
        self.queue: dict[
            tuple[int, int], Any
        ] = {}  # functions and classes, kept alive while their ids stand for them

    def value(self, x: Any, soft: bool = False) -> Any:
        """Plain values that are equal for equal content. What cannot be told is named by its type if `soft`,
        as its text is known.
        """
        if type(x) in PLAIN:
            return [type(x).__name__, x.hex() if type(x) is float else repr(x)]
        if id(x) in self.inside:
            return ["again", len(self.inside) - self.inside.index(id(x))]
        self.inside.append(id(x))
        try:
            return self._told(x, soft)
        except Unknown:
            if soft:
                return ["opaque", type(x).__qualname__]
            raise
        finally:
            self.inside.pop()

    def _told(self, x: Any, soft: bool) -> Any:
        if isinstance(x, np.ndarray | np.generic | jax.Array):
            if isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
                return ["key", self.value(jax.random.key_data(x))]
            array = np.asarray(x)
            content = (
                self.value(array.tolist(), soft)
                if array.dtype.hasobject
                else hashlib.sha256(array.tobytes()).hexdigest()
            )
            return ["array", array.dtype.str, list(array.shape), content]
        if type(x) in (tuple, list):
            return [type(x).__name__, [self.value(y, soft) for y in x]]
        if type(x) in (dict, types.MappingProxyType):
            return ["dict", [[self.value(k, soft), self.value(v, soft)] for k, v in x.items()]]
        if type(x) in (set, frozenset):
            return ["set", sorted((self.value(y, soft) for y in x), key=json.dumps)]
        if isinstance(x, Path):
            return ["path", str(x)]
        if isinstance(x, types.ModuleType):
            return ["module", "its text" if self._own_module(x) else FIRST.get(x.__name__, x.__name__)]
        if isinstance(x, types.FunctionType):
            return self._function(x)
        if isinstance(x, type):
            return self._class(x)
        return self._made(x, soft)

    def _made(self, x: Any, soft: bool) -> Any:
        """Callables that hold others, and instances."""
        if isinstance(x, types.MethodType):
            return ["method", self.value(x.__func__, soft), self.value(x.__self__, soft)]
        if isinstance(x, functools.partial):
            return ["partial", *(self.value(y, soft) for y in (x.func, x.args, x.keywords))]
        if isinstance(x, staticmethod | classmethod):
            return [type(x).__name__, self.value(x.__func__, soft)]
        if isinstance(x, property | functools.cached_property):
            parts = (x.fget, x.fset, x.fdel) if isinstance(x, property) else (x.func,)
            return ["property", *(self.value(y, soft) for y in parts)]
        if isinstance(x, types.CodeType):
            return self._code(x)
        if callable(x) and hasattr(x, "__wrapped__"):  # of lru_cache, of jit
            return ["wrapped", type(x).__qualname__, self.value(x.__wrapped__, soft)]
        if isinstance(x, types.BuiltinFunctionType) and (
            x.__self__ is None or isinstance(x.__self__, types.ModuleType)
        ):
            return ["library", x.__module__, x.__qualname__]
        if dataclasses.is_dataclass(x):
            return [
                "instance",
                self.value(type(x)),
                [[f.name, self.value(getattr(x, f.name), soft)] for f in dataclasses.fields(x)],
            ]
        if soft and not isinstance(x, tuple):
            raise Unknown
        return ["instance", *self._reduced(x)]

    def _reduced(self, x: Any) -> Iterator[Any]:
        """An instance as it would be copied: the class and arguments that make it, and its state."""
        try:
            reduced = copyreg.dispatch_table.get(type(x), lambda x: x.__reduce_ex__(2))(x)
        except Exception:  # whatever the class raises where it has no content to copy
            raise Unknown(f"a {type(x).__module__}.{type(x).__qualname__}") from None
        for part in reduced if isinstance(reduced, tuple) else (type(x), reduced):
            yield self.value(list(part) if isinstance(part, Iterator) else part)

    def _function(self, f: types.FunctionType) -> Any:
        where, module = within(f), FIRST.get(f.__module__, f.__module__)
        cells = (
            [] if f.__closure__ is None else [c.cell_contents for c in f.__closure__ if c != types.CellType()]
        )
        if where == "library":
            wrapped = [self.value(f.__wrapped__)] if hasattr(f, "__wrapped__") else []
            if wrapped:  # what else a library's wrapper remembers is its own affair
                cells = [c for c in cells if type(c) in PLAIN]
            return ["library", module, qualname(f.__code__), *wrapped, [self.value(c) for c in cells]]
        carried = [self.value(y) for y in (f.__defaults__, f.__kwdefaults__, cells)]
        text = text_of(f)
        place = None if text is None else text.place(f.__code__)
        if where == "lab":
            place = text.about(f.__code__) if text is not None and place is None else place
            return ["lab", module, qualname(f.__code__), place, carried]
        self.queue[id(f.__code__), id(f.__globals__)] = f
        if text is not None:
            self._read(text)
        defined = [] if text is None else [text.digest, qualname(f.__code__)]
        return ["function", *defined, self._code(f.__code__) if place is None else place, carried]

    def _class(self, c: type) -> Any:
        room = sys.modules.get(c.__module__)
        if not _own_class(c):
            return ["class", FIRST.get(c.__module__, c.__module__), c.__qualname__]
        self.queue[id(c), 0] = c
        text = text_of(c)
        if text is not None:
            self._read(text)
        elif room is not None:
            self._own_module(room)
        return [
            "class",
            *([] if text is None else [text.digest]),
            c.__qualname__,
            [self.value(base) for base in c.__bases__],
        ]

    def _code(self, code: types.CodeType) -> Any:
        """Compiled code, where it has no text or is not what its text says: as Python of this version runs
        it.
        """
        for name in imported_by_code(code):
            for file in imported(name, None):
                self._read(Text.of(file))
        shape = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        names = [list(n) for n in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)]
        consts = [self.value(c) for c in code.co_consts]
        told = code.co_code.hex(), code.co_exceptiontable.hex()
        return [
            "code",
            importlib.util.MAGIC_NUMBER.hex(),
            code.co_qualname,
            *told,
            list(shape),
            names,
            consts,
        ]

    def facts(self) -> Iterator[Any]:
        """What the functions and classes met so far name, and what these name in turn."""
        done: set[tuple[int, int]] = set()
        while left := [key for key in self.queue if key not in done]:
            for key in left:
                done.add(key)
                x = self.queue[key]
                yield [self.value(x), self._members(x) if isinstance(x, type) else self._named(x)]

    def _named(self, f: types.FunctionType) -> list[Any]:
        """The globals that a function names, and what it may take from modules of one's own."""
        names, known, found = sorted(_names(f.__code__)), text_of(f) is not None, []
        for name in names:
            x = f.__globals__.get(name)
            if isinstance(x, types.ModuleType) and self._own_module(x):
                found += [
                    [name, a, self.value(vars(x)[a], soft=True)]
                    for a in names
                    if a in vars(x) and _tells(vars(x)[a])
                ]
            elif name in f.__globals__ and (_tells(x) or not known):
                found.append([name, self.value(x, soft=known)])
        return found

    def _members(self, c: type) -> list[Any]:
        known = text_of(c) is not None
        members = {
            n: x
            for n, x in vars(c).items()
            if n not in GENERATED and (not n.startswith("__") or isinstance(x, types.FunctionType))
        }
        if known:  # which methods a decorator makes is in the text, and their code is that of one Python
            members = {
                n: x
                for n, x in members.items()
                if not (isinstance(x, types.FunctionType) and x.__code__.co_filename == MADE)
            }
        return [[n, self.value(x, soft=known)] for n, x in sorted(members.items())]

    def _own_module(self, module: types.ModuleType) -> bool:
        """Whether a module is one's own; its text is then read."""
        file = getattr(module, "__file__", None)
        if file is None or not of_own(Path(file)):
            return False
        self._read(Text.of(Path(file)))
        return True

    def _read(self, text: Text) -> None:
        """Take in a text, and the files of one's own that it imports."""
        left = [text]
        while left:
            text = left.pop()
            if text.name not in self.texts:
                self.texts[text.name] = text
                left += [Text.of(file) for file in text.imports()]


def _names(code: types.CodeType) -> set[str]:
    """Every global or attribute that code names, at any depth."""
    inner = [_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*inner)


def _own_class(c: type) -> bool:
    """Whether a class is one's own: as its methods are or, where it has none, as its module is."""
    methods = [m for m in vars(c).values() if isinstance(m, types.FunctionType)]
    if methods:
        return any(within(m) == "own" for m in methods)
    file = getattr(sys.modules.get(c.__module__), "__file__", None)
    return c.__module__ == "__main__" or (
        of_own(Path(file)) if file is not None else c.__module__ not in sys.modules
    )


def _tells(x: Any) -> bool:
    """Whether a global says more than the text that defines it: not if it is a module, or comes from the lab
    or a library.
    """
    if isinstance(x, types.FunctionType):
        return within(x) == "own"
    return (
        _own_class(x)
        if isinstance(x, type)
        else not isinstance(x, types.ModuleType | types.BuiltinFunctionType)
    )
