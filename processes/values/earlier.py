"""Names of an earlier release: they still lead to what they meant, with one sentence that says the new one.

A room lists its own in a table, which goes with the next release. Python asks for a module here only after
it has found none of that name.
"""

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

TELLS = "{old} is {new} now; the earlier name goes with the next release"


def modules(table: Mapping[str, str]) -> None:
    """Let modules be imported by their earlier names: {earlier: present}, both absolute."""
    sys.meta_path.append(Earlier(table))


def names(room: str, table: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose names have changed: {earlier: present name, or module:name,
    or either with ` -- ` and what to write instead}.
    """

    def get(name: str) -> Any:
        if name not in table:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        place, _, instead = table[name].partition(" -- ")
        where, _, present = place.rpartition(":")
        where = where or room
        tell(f"{room}.{name}", instead or f"{where}.{present}")
        return getattr(importlib.import_module(where), present)

    return get


class _Module(ModuleType):
    """A module under an earlier name.

    Python makes it an attribute of its package, where a function may have that name: so it can be called as
    that function.
    """

    def __init__(self, name: str, present: ModuleType):
        super().__init__(name, present.__doc__)
        self.__path__: list[str] = []  # it may have been a package
        self.__dict__["_present"] = present
        self.__dict__["_function"] = getattr(
            sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], None
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_present"], name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__dict__["_function"](*args, **kwargs)


class Earlier(MetaPathFinder, Loader):
    """Finds modules by the names that they had."""

    def __init__(self, table: Mapping[str, str]):
        self.table = table

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module of an earlier name; None, so that Python goes on looking, for any other."""
        return ModuleSpec(fullname, self) if fullname in self.table else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The present module under its earlier name, and the sentence."""
        present = importlib.import_module(self.table[spec.name])
        tell(spec.name, present.__name__)
        return _Module(spec.name, present)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run: every name is asked of the present module."""


def tell(old: str, new: str) -> None:
    """Warn in the line that used the name: above this function and its caller; importlib's frames do not
    count."""
    warnings.warn(TELLS.format(old=old, new=new), DeprecationWarning, stacklevel=3)
