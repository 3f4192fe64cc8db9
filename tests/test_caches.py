"""Caches at module level outlive everything, so they may be keyed by small plain values only: what is worked
out about a process or about contexts is kept with these (`processes.values.notes`).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("processes", "toy", "train", "analysis")
FILES = [f for room in ROOMS for f in sorted((ROOT / room).rglob("*.py"))]
PLAIN = {"int", "float", "str", "bool", "Path", "type[Record]", "tuple[str, ...]", "tuple[int, ...]"}
CONFIGURATIONS = {"toy.Config", "toy.TransformerConfig", "Config", "Form", "Mesh", "Optimiser"}
"""Frozen, small, and the value is a program compiled for them, which is what such a cache is for."""
ALLOWED = {
    "analysis/instruments/forward.py:_program": "programs by configuration, sites and what edits are static",
    "processes/names/reading.py:_remembered": "64 processes by the text that names them",
}


def caches(source: str) -> Iterator[tuple[str, list[str]]]:
    """Every cache that a module holds for good, with the annotations of what it is keyed by, "?" for those
    that are not to be seen.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(map(_caches, node.decorator_list)):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            yield node.name, [ast.unparse(a.annotation) if a.annotation else "?" for a in given]
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and any(
            _caches(n) for n in ast.walk(statement) if isinstance(n, ast.Call)
        ):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            yield ast.unparse(target), ["?"]


def _caches(node: ast.expr) -> bool:
    """Whether an expression is `lru_cache` or `cache` of functools, called or not."""
    while isinstance(node, ast.Call):
        node = node.func
    return ast.unparse(node).removeprefix("functools.") in ("lru_cache", "cache")


def held(source: str, file: str) -> list[str]:
    """Caches keyed by anything that could be large."""
    return [
        f"{file}:{name}"
        for name, keys in caches(source)
        if not set(keys) <= PLAIN | CONFIGURATIONS and f"{file}:{name}" not in ALLOWED
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_no_module_holds_what_is_large(file):
    assert held(file.read_text(), str(file.relative_to(ROOT))) == []


def test_what_is_allowed_is_still_there():
    found = {f"{f.relative_to(ROOT)}:{name}" for f in FILES for name, _ in caches(f.read_text())}
    assert set(ALLOWED) <= found and len(found) > len(ALLOWED) + 10


@pytest.mark.parametrize(
    "planted",
    [
        "@lru_cache(maxsize=4)\ndef truth(process: processes.Process, n_ctx: int): ...",
        "@functools.cache\ndef moments(x: Float[np.ndarray, 'N d']): ...",
        "@lru_cache\ndef anything(x): ...",
        "class A:\n    @lru_cache(maxsize=2)\n    def method(self, n: int): ...",
        "remembered = lru_cache(maxsize=8)(compute)",
        "remembered: Any = functools.lru_cache(compute)",
    ],
)
def test_a_planted_cache_is_caught(planted):
    assert held(planted, "analysis/planted.py")


def test_a_cache_by_numbers_is_not():
    assert not held(
        "@lru_cache(maxsize=4)\ndef census(vocab: int, n_states: int): ...", "analysis/planted.py"
    )
