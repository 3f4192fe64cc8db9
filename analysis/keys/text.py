"""The texts that define functions: of files and of notebook cells, the places of functions in them, and what
they import.
"""

import ast
import dis
import hashlib
import linecache
import re
import sys
import sysconfig
import tokenize
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import processes
import toy
import train

ROOMS = tuple(
    Path(str(room.__file__)).resolve().parent for room in (processes, toy, train, sys.modules["analysis"])
)
"""Folders of the lab."""
LIBRARIES = tuple(
    {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)
MADE = "<string>"
"""What code that was made from a string has for its file."""
INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True)
class Text:
    """The text of a file, or of a cell of a notebook, which has no file."""

    name: str  # of the file or cell; where it is found, not what it says
    content: str
    file: Path | None

    @classmethod
    def of(cls, file: Path) -> "Text":
        """The text of a file, in whatever encoding it declares; of what is no Python, its bytes."""
        try:
            with tokenize.open(file) as stream:
                return cls(str(file.resolve()), stream.read(), file.resolve())
        except (SyntaxError, UnicodeDecodeError):
            return cls(str(file.resolve()), file.read_bytes().hex(), None)

    @property
    def digest(self) -> str:
        """SHA-256 of what it says."""
        return hashlib.sha256(self.content.encode("utf-8", "surrogatepass")).hexdigest()

    def place(self, code: types.CodeType) -> int | None:
        """Which of the functions of its name in the text `code` is, counted from 0; None if the text says
        something else by now.
        """
        same = [c for c in _codes(self.content) if qualname(c) == qualname(code)]
        return next((i for i, c in enumerate(same) if c == code), None)

    def about(self, code: types.CodeType) -> int | None:
        """The same by the line alone, for code that an import hook has rewritten."""
        lines = [c.co_firstlineno for c in _codes(self.content) if qualname(c) == qualname(code)]
        return lines.index(code.co_firstlineno) if code.co_firstlineno in lines else None

    def imports(self) -> Iterator[Path]:
        """The files of one's own that it imports, wherever in the text."""
        beside = self.file.parent if self.file is not None else None
        for name, level in _imports(self.content):
            yield from imported(name, beside) if level == 0 else _relative(name, beside, level)


@lru_cache(maxsize=64)
def _imports(content: str) -> list[tuple[str, int]]:
    """Names that a text imports, each with the number of dots before it."""
    try:
        nodes = list(ast.walk(ast.parse(content)))
    except SyntaxError:
        return []
    plain = [(alias.name, 0) for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    of = [(node, alias.name) for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names]
    return plain + [(f"{node.module}.{name}" if node.module else name, node.level) for node, name in of]


@lru_cache(maxsize=64)
def _codes(content: str) -> list[types.CodeType]:
    """Every code object of a text, in the order of the text."""
    try:
        found = [compile(content, "", "exec", dont_inherit=True)]
    except (SyntaxError, ValueError):
        return []
    for code in found:  # grows as it is read
        found += [c for c in code.co_consts if isinstance(c, types.CodeType)]
    return sorted(found, key=_begins)


def _begins(code: types.CodeType) -> tuple[int, int]:
    """Line and column of its first expression."""
    return min(
        ((line, column) for line, _, column, _ in code.co_positions() if line and column),
        default=(code.co_firstlineno, 0),
    )


def qualname(code: types.CodeType) -> str:
    """The qualified name of code; comprehensions, which are functions up to Python 3.11 and none after, do
    not count.
    """
    return re.sub(r"<(?:list|dict|set)comp>\.<locals>\.", "", code.co_qualname)


@lru_cache(maxsize=1024)
def of_own(path: Path) -> bool:
    """Whether a file is neither the lab's nor a library's."""
    return not _installed(path) and not any(path.resolve().is_relative_to(room) for room in ROOMS)


@lru_cache(maxsize=1024)
def _installed(path: Path) -> bool:
    """Whether a file is a library's. The lab itself may be installed among them, and is none."""
    path = path.resolve()
    found = INSTALLED & set(path.parts) or any(path.is_relative_to(folder) for folder in LIBRARIES)
    return bool(found) and not any(path.is_relative_to(room) for room in ROOMS)


def within(f: types.FunctionType) -> Literal["own", "lab", "library"]:
    """Whose a function is: by the file of its code or, where code was made without one, by the module that it
    lives in.
    """
    path = _file(f)
    if path is None:
        return "library" if f.__code__.co_filename.startswith("<frozen ") else "own"
    return "own" if of_own(path) else "library" if _installed(path) else "lab"


def text_of(x: types.FunctionType | type) -> Text | None:
    """The text that defines a function or class: of its file or, in a notebook, of its cell. None where there
    is none.
    """
    if isinstance(x, type):
        methods = [m for m in vars(x).values() if isinstance(m, types.FunctionType)]
        if methods:  # those that were written before those that a decorator made
            return text_of(min(methods, key=lambda m: m.__code__.co_filename == MADE))
        file = getattr(sys.modules.get(x.__module__), "__file__", None)
        return Text.of(Path(file)) if file is not None and of_own(Path(file)) else None
    path = _file(x)
    if path is not None:
        return Text.of(path)
    name = x.__code__.co_filename
    lines = linecache.getlines(name, x.__globals__)
    return Text(name, "".join(lines), None) if lines else None


def _file(f: types.FunctionType) -> Path | None:
    path, module = Path(f.__code__.co_filename), f.__globals__.get("__file__")
    if path.is_absolute() and path.is_file():
        return path
    return Path(module) if module is not None and Path(module).is_file() else None


def imported(name: str, beside: Path | None) -> Iterator[Path]:
    """The files of one's own behind the absolute import of a.b.c, those of a and a.b among them: as loaded,
    else as they would be found.
    """
    parts = name.split(".")
    if parts[0] in sys.stdlib_module_names:
        return
    for n in range(1, len(parts) + 1):
        loaded = getattr(sys.modules.get(".".join(parts[:n])), "__file__", None)
        found = [Path(loaded)] if loaded else []
        folders = [beside] if loaded else [beside, *map(Path, sys.path)]
        first = next(
            (
                file
                for folder in folders
                if folder is not None
                for file in _module(folder.joinpath(*parts[:n]))
            ),
            None,
        )
        yield from (file for file in (*found, *([first] if first else [])) if file.is_file() and of_own(file))


def _relative(name: str, beside: Path | None, level: int) -> Iterator[Path]:
    """The same of a relative import, and the packages it lies in."""
    if beside is None:
        return
    folder = beside.parents[level - 2] if level > 1 else beside
    yield from _module(folder)
    parts = name.split(".")
    for n in range(1, len(parts) + 1):
        yield from _module(folder.joinpath(*parts[:n]))


def _module(path: Path) -> Iterator[Path]:
    """The file of the module or package at a path without suffix, if there is one."""
    yield from (file for file in (path / "__init__.py", path.with_name(path.name + ".py")) if file.is_file())


def imported_by_code(code: types.CodeType) -> set[str]:
    """Names of the modules that compiled code imports, at any depth."""
    found, last = set(), ""
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            last = step.argval
            found.add(last)
        elif step.opname == "IMPORT_FROM":
            found.add(f"{last}.{step.argval}")
    return found.union(*(imported_by_code(c) for c in code.co_consts if isinstance(c, types.CodeType)))
