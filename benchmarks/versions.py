"""The supported versions, tried at both ends: a fresh environment each, and tests in it.

python -m benchmarks.versions [--oldest PYTHON] [--newest PYTHON] [--all]      appends to docs/versions.jsonl

Oldest: the lower bound of every requirement in pyproject.toml, on the oldest Python that it states. Newest:
whatever pip finds today, on the newest Python at hand. Environments are made in .venv/versions and left
there, so that a failure can be looked into.
"""

import dataclasses
import json
import re
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from .slow_tests import told
from .table import ROOT, keep

HISTORY = ROOT / "docs" / "versions.jsonl"
TOLD = ("numpy", "scipy", "jax", "flax", "optax", "safetensors", "hypothesis", "matplotlib")
"""Packages whose versions a row names."""

SOME = (
    "tests/processes/test_process.py",
    "tests/processes/test_gth.py",
    "tests/processes/test_names.py",
    "tests/toy/test_toy.py",
    "tests/train/test_objectives.py",
    "tests/analysis/test_probe.py",
    "tests/test_architecture.py",
)
"""Tests of every room that take a minute."""
WHOLE = ("-m", "", "--dist", "loadfile", "--no-loadscope-reorder")
"""What pytest is told for all tests: as `make test` runs them, and those as well that it leaves out."""


@dataclass(frozen=True)
class Options:
    """Run tests in an environment of the oldest and of the newest supported versions."""

    oldest: str = "python3.11"
    """Interpreter of the oldest environment."""
    newest: str = "python3.13"
    """Interpreter of the newest environment."""
    only: Literal["oldest", "newest"] | None = None
    """One end alone."""
    tests: tuple[str, ...] = SOME
    """What of the tests to run; some of every room by default."""
    all: bool = False
    """The whole suite instead, with the tests that are slow by nature: hours."""


def lower_bounds(pyproject: str) -> list[str]:
    """`name==version` for the lower bound of every requirement, of extras too."""
    project = tomllib.loads(pyproject)["project"]
    listed = [*project["dependencies"], *(r for e in project["optional-dependencies"].values() for r in e)]
    found = [re.fullmatch(r"([A-Za-z0-9_-]+)>=([0-9.]+)", r) for r in listed]
    missing = [r for r, m in zip(listed, found, strict=True) if m is None and not r.startswith("toylab[")]
    if missing:
        raise SystemExit(f"{missing[0]} states no lower bound; write it as name>=version")
    return [f"{m[1]}=={m[2]}" for m in found if m is not None]


def environment(end: str, python: str) -> Path:
    """A fresh environment with the project and its extras in it; returns its interpreter."""
    place = ROOT / ".venv" / "versions" / end
    if subprocess.run([python, "-m", "venv", "--clear", str(place)]).returncode:
        raise SystemExit(f"{python} makes no environment; give --{end} another interpreter, such as its path")
    interpreter = place / "bin" / "python"
    command = [
        str(interpreter),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-e",
        ".[dev]",
    ]
    if end == "oldest":
        bounds = place / "bounds.txt"
        bounds.write_text("\n".join(lower_bounds((ROOT / "pyproject.toml").read_text())) + "\n")
        command += ["-c", str(bounds)]
    subprocess.run(command, check=True, cwd=ROOT)
    return interpreter


def tried(end: str, python: str, tests: tuple[str, ...]) -> dict[str, object]:
    """One end: its versions, and how the tests came out; without names, all tests."""
    interpreter = environment(end, python)
    freeze = [str(interpreter), "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"]
    listed = json.loads(subprocess.run(freeze, check=True, capture_output=True, text=True).stdout)
    versions = {p["name"].lower(): p["version"] for p in listed}
    asked = subprocess.run([str(interpreter), "-V"], check=True, capture_output=True, text=True)
    begun = time.monotonic()
    said, status = told(str(interpreter), "--no-header", "-rf", *(tests or WHOLE))
    last = [line for line in said.splitlines() if re.search(r"\d (passed|failed|error)", line)]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT)
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit.stdout.strip(),
        "end": end,
        "python": asked.stdout.split()[-1],
        "versions": {name: versions[name] for name in TOLD},
        "tests": list(tests) or "all",
        "outcome": re.sub(r"=+|in [0-9.]+s.*", "", last[-1]).strip() if last else "nothing ran",
        "failed": sorted(re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.M)),
        "passed": status == 0,
        "seconds": round(time.monotonic() - begun),
    }


def main() -> int:
    """Try both ends; exit status 1 if the tests fail at one of them."""
    asked, failed = tyro.cli(Options), 0
    ends = [field.name for field in dataclasses.fields(Options)[:2] if asked.only in (None, field.name)]
    for end in ends:
        row = tried(end, getattr(asked, end), () if asked.all else asked.tests)
        print(json.dumps(row))
        keep(HISTORY, row)
        failed += not row["passed"]
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
