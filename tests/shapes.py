"""What annotations promise is asked at the calls that tests make: jaxtyping's shapes, by beartype.

The import hook of jaxtyping does the same at a price that was two thirds of the time of the suite: it binds
the signature of each call, checks each argument twice and makes three functions of each function when it is
imported. Here a function is given its check at its first call, arguments and what is returned are checked
together, so that a dimension has one size in all of them, and of the calls of a function in one test the
first `ALL` are checked and then every `EVERY`th: what the loops of a test call ten thousand times has one
shape.
"""

import ast
import builtins
import dataclasses
import functools
import sys
import types
import typing
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import Any

import jaxtyping
from beartype import beartype

ALL, EVERY = 100, 20
DECORATOR = "__shapes__"
_test = 0
"""Counts the tests, so that calls can be counted by test."""
_calls: dict[types.CodeType, list[int]] = {}


def check(*packages: str) -> None:
    """Check every function, and the `__init__` of every dataclass, of packages that are imported later."""
    early = [p for p in packages if p in sys.modules]
    if early:
        raise RuntimeError(f"{early[0]} is imported already, so its functions cannot be checked")
    vars(builtins)[DECORATOR] = checked  # none of the names of a module, which tests look through
    sys.meta_path.insert(0, _Finder(packages))


def next_test() -> None:
    """Check the first calls of every function again."""
    global _test
    _test += 1


def checked(what: Any) -> Any:
    """A function, or a dataclass, behind its annotations."""
    if isinstance(what, type):
        if dataclasses.is_dataclass(what) and isinstance(vars(what).get("__init__"), types.FunctionType):
            what.__init__ = checked(what.__init__)  # type: ignore[misc]
        return what
    if not what.__annotations__:
        return what
    # The test and the calls in it: of all functions that one `def` inside another has made, together.
    state = _calls.setdefault(what.__code__, [-1, 0])
    checking: list[Callable[..., Any]] = []

    @functools.wraps(what)
    def behind_annotations(*args: Any, **kwargs: Any) -> Any:
        if state[0] != _test:
            state[:] = _test, 0
        state[1] += 1
        if (state[1] > ALL and state[1] % EVERY) or jaxtyping.config.jaxtyping_disable:
            return what(*args, **kwargs)
        if not checking:
            checking.append(_checking(what))
        return checking[0](*args, **kwargs)

    # The key of a claim follows from its functions: this one is a library's, and remembers nothing.
    code = behind_annotations.__code__.replace(co_filename=jaxtyping.__file__)
    behind_annotations.__code__ = code
    return behind_annotations


def _checking(function: types.FunctionType) -> Callable[..., Any]:
    """The function that checks what it is given and what it returns."""
    hints = {name: _meant(hint, function) for name, hint in function.__annotations__.items()}
    of = (function.__code__, function.__globals__, function.__name__, function.__defaults__)
    typed = types.FunctionType(*of, function.__closure__)
    typed.__kwdefaults__, typed.__annotations__ = function.__kwdefaults__, hints
    typed.__module__, typed.__qualname__ = function.__module__, function.__qualname__
    checking = beartype(typed)
    if not any(map(_has_shape, hints.values())):
        return checking

    def with_dimensions(*args: Any, **kwargs: Any) -> Any:
        with jaxtyping.jaxtyped("context"):
            return checking(*args, **kwargs)

    return with_dimensions


def _meant(hint: Any, function: types.FunctionType) -> Any:
    """The type that an annotation names; anything where it names a class that is none of the module's."""

    def of(value: hint):  # type: ignore[valid-type]
        """To have its annotation read."""

    try:
        return typing.get_type_hints(of, function.__globals__, include_extras=True)["value"]
    except (NameError, TypeError):
        return Any


def _has_shape(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    return any(map(_has_shape, typing.get_args(hint)))


class _Finder(MetaPathFinder):
    def __init__(self, packages: Sequence[str]):
        self.packages = packages

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self.packages:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> types.CodeType:
        """Always from the source: the compiled files beside it are of functions as they are."""
        path = self.get_filename(fullname)
        tree = _Decorating().visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


class _Decorating(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Innermost: what other decorators make need not have the annotations."""
        self.generic_visit(node)
        node.decorator_list.append(ast.copy_location(ast.Name(DECORATOR, ast.Load()), node))
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Outermost: after `dataclass` has made its `__init__`."""
        self.generic_visit(node)
        node.decorator_list.insert(0, ast.copy_location(ast.Name(DECORATOR, ast.Load()), node))
        return node
