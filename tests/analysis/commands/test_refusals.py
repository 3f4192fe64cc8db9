"""What a command refuses it refuses at once: before JAX is imported, which takes seconds."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest

import train.runs.exported
from analysis import published
from analysis.commands import export, refusal
from analysis.commands.dispatch import COMMANDS
from analysis.commands.main import main
from analysis.families import CLAIMS

ROOT = Path(__file__).parents[3]
FILE = str(Path(__file__))
REFUSED = {
    "list": ["proceses"],
    "process": ["rrxo"],
    "new": ["my.txt"],
    "run": ["rrxo"],
    "sweep": ["rrxo"],
    "merge": ["all.csv", "none.csv"],
    "show": ["none"],
    "report": ["none"],
    "figure": ["none", "-o", "x.pdf"],
    "prove": ["none", "--token", "0", "--at-most", "0.5"],
    "ablate": ["none"],
    "identify": ["none"],
    "export": ["none", "--to", "transformer_lens"],
    "claims": ["BG1"],
    "claim": ["BG99"],
    "reproduce": ["BG99"],
    "clean": ["none"],
    "migrate": ["none"],
    "completion": ["csh"],
}
"""What each command refuses for its value; a flag that it does not know and a missing value are added to all
but those two that have a flag for each field of a recipe, which says what values it takes.
"""
OF_A_RECIPE = ("run", "sweep")
MORE = [
    ["claim", "BG1", "--process", "rrxo"],
    ["claim", "BG1", "--seeds", "0"],
    ["claim", "BG1", "--size", "huge"],
    ["claim", "BG1", "--random", "0"],
    ["claim", "BG1", "--random", "3", "--fresh"],
    ["claim", "none.py:XY1"],
    ["figure", "BG1", "-o", "x.doc"],
    ["figure", "BG1", "-o", "x.pdf", "--width", "9km"],
    ["figure", "BG1", "-o", "x.pdf", "--panel", "both"],
    ["figure", "none", "-o", "x.gif", "--animate"],
    ["report", "-o", "."],
    ["claims", "--store", FILE],
    ["report", "BG1", "--store", FILE, "-o", "x.html"],
    ["figure", "BG1", "-o", "x.pdf", "--store", FILE],
    ["claim", "BG1", "--store", f"{FILE}/x"],
    ["reproduce", "BG1", "--store", "/proc/x"],
    ["prove", "mess3", "--token", "-1", "--at-most", "0.5"],
]


def refusals(asked: Iterable[list[str]]) -> list[str]:
    """Of command lines, asked one after another in one interpreter: those not refused, or not without JAX."""
    code = """
import json, sys
from analysis.commands.main import main
for argv in json.loads(sys.argv[1]):
    status = main(argv)
    print("status", status, "jax" in sys.modules, *argv, flush=True)
"""
    given = json.dumps(list(asked))
    with tempfile.TemporaryDirectory() as empty:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", code, given]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=empty, env=env)
    rows = [row for row in done.stdout.splitlines() if row.startswith("status")]
    assert len(rows) == len(json.loads(given)), done.stderr
    return [row for row in rows if not row.startswith("status 2 False ")]


def test_every_command_refuses_before_it_imports_jax():
    assert list(REFUSED) == list(COMMANDS)
    plain = [[name] for name in COMMANDS if name not in OF_A_RECIPE]
    flags = [[*name, "--no-such-flag"] for name in plain] + [[*name, "--no-such-flag=3"] for name in plain]
    assert refusals([*([name, *argv] for name, argv in REFUSED.items()), *flags, *MORE]) == []


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["claims", "--store", FILE], f"--store is {FILE}, which is a file; give a folder"),
        (["report", "BG1", "--store", FILE], "which is a file; give a folder of runs and verdicts"),
        (["claim", "BG1", "--store", "/proc/x"], "--store is /proc/x, which cannot be made: No such file"),
        (["claim", "BG1", "--store", f"{FILE}/x"], f"--store is {FILE}/x, which cannot be made: Not a dir"),
        (
            ["sweep", "rrxor", "--over", "steps=100,200", "--store", "/proc/x"],
            "--store is /proc/x, which cannot",
        ),
        (["process", "coin", "--figure", "/proc/x/a.dot"], "/proc/x"),
        (["report", "published", "-o", "/proc/x.html"], "cannot write or read /proc/x.html: No such file"),
        (["run", "rrxor", "--finish", "-1"], "finish is -1; it must be at least 0"),
    ],
)
def test_what_is_refused_is_named_with_its_flag_and_the_remedy(asked, said, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("train.use_all_cores", lambda: None)
    assert main(asked) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1 and list(tmp_path.iterdir()) == []


def test_a_command_that_imports_jax_first_is_caught():
    (told,) = refusals([["run", "rrxor", "--no-such-flag"]])
    assert told.startswith("status 2 True run")


def test_what_came_with_the_lab_is_known_without_jax():
    assert refusal.claim_ids() == list(CLAIMS)
    assert refusal.NETWORKS == published.FOLDER
    assert get_args(export.Target) == get_args(train.runs.exported.Target) == tuple(export.LOAD)
