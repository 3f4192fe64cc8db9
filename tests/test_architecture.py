"""The ladder itself: who imports whom, and what importing does."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "processes": {"processes"},
    "toy": {"toy"},
    "train": {"train", "processes", "toy"},
    "analysis": {"analysis", "train", "processes", "toy"},
}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "base"}
FILES = [f for room in ALLOWED for f in sorted((ROOT / room).rglob("*.py"))]


def broken(source: str, room: str) -> list[str]:
    """Imports in `source` that a file of `room` may not make."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            continue
        names = (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        tops = {name.split(".")[0] for name in names}
        found += [
            t for t in tops & set(ALLOWED) if t not in ALLOWED[room] or t == room
        ]  # inside a room imports are relative
        found += [t for t in tops if room == "processes" and t in {"jax", "flax", "optax"}]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_go_down_the_ladder(file):
    assert broken(file.read_text(), file.relative_to(ROOT).parts[0]) == []


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("processes", "import jax"),
        ("processes", "from toy import network"),
        ("toy", "import processes"),
        ("train", "import analysis.instruments.probe"),
        ("toy", "import toy"),
    ],
)
def test_a_planted_upward_import_is_caught(room, line):
    assert broken(line, room)


def test_names():
    assert not [f for f in FILES if f.stem in FORBIDDEN_NAMES]


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.strip()


def test_importing_processes_does_not_import_jax():
    assert run_python("import sys, processes, processes.strategies; print('jax' in sys.modules)") == "False"


def test_the_card_command_does_not_import_jax():
    code = (
        "import sys; from analysis.commands.main import main; main(['process', 'rrxor', '--json']); "
        "print('jax' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.strip() == "False"


def test_importing_changes_no_global_state():
    code = """
import os, jax, matplotlib, numpy
def state(): return (dict(os.environ), dict(jax.config.values), dict(matplotlib.rcParams), numpy.geterr())
before = state()
import processes, toy, train, analysis.report, analysis.figures, analysis.commands.main
after = state()
print([a == b for a, b in zip(before, after)])
"""
    assert run_python(code) == "[True, True, True, True]"
