"""`toylab list`: for people, for `grep` and for programs; and what is told without JAX."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

import processes
from analysis.commands.listing import contents
from analysis.commands.main import main
from analysis.families import CLAIMS
from analysis.report import EXPERIMENTS
from analysis.report.verdicts import asked_today

ROOT = Path(__file__).parents[3]


def test_what_is_told_of_experiments_and_claims_is_what_they_say():
    """`python docs/generate.py` writes it."""
    told = contents()
    assert told["claims"] == [
        {"id": c.id, "statement": c.statement, "source": c.source} for c in CLAIMS.values()
    ]
    assert told["experiments"] == [{"name": e.name, "question": e.question} for e in EXPERIMENTS.values()]
    keys = {(t["claim"], t["process"], t["key"]) for t in told["trials"]}
    assert keys == asked_today(CLAIMS.values())


def test_piped_it_is_one_line_an_entry(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line.split("\t")) == 4 for line in lines)
    names = [(line.split("\t")[0], line.split("\t")[1]) for line in lines]
    expected = [("experiment", n) for n in EXPERIMENTS] + [("claim", id) for id in CLAIMS]
    assert names == expected + [("process", name) for name in processes.CATALOGUE]
    assert main(["list", "claims"]) == 0
    assert [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()] == list(CLAIMS)


def test_on_a_terminal_it_has_heads_and_fits():
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "toylab", "list"],
        cwd=ROOT,
        stdout=theirs,
        env={**os.environ, "COLUMNS": "100", "TERM": "dumb"},
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:  # its end
        pass
    os.close(ours)
    assert child.wait() == 0
    lines = said.decode().split("\r\n")
    assert lines[0].startswith("experiments  (toylab run NAME)") and "\t" not in said.decode()
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines) <= 100


def test_programs_read_it_too(capsys):
    assert main(["list", "processes", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in found] == list(processes.CATALOGUE)
    mess3 = next(entry for entry in found if entry["name"] == "mess3")
    assert mess3["sets"]["shai2024"] == "x=0.05, a=0.85"
    assert main(["list", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"experiments", "claims", "processes"}


SENTENCES = {
    "everything": (["list"], 0),
    "processes": (["list", "processes", "--json"], 0),
    "help": (["--help"], 0),
    "nothing": ([], 0),
    "version": (["--version"], 0),
    "help of list": (["list", "--help"], 0),
    "help of a card": (["process", "--help"], 0),
    "a card": (["process", "rrxor"], 0),
    "claims with their verdicts": (["claims", "--store", "none"], 0),
    "experiments": (["run", "--help"], 0),
    "what is swept": (["sweep", "--help"], 0),
    "an unknown command": (["trian"], 2),
    "an unknown kind": (["list", "proceses"], 2),
    "an unknown process": (["process", "rrxo"], 2),
    "an unknown flag": (["process", "rrxor", "--contxt", "3"], 2),
    "an unknown experiment": (["run", "mess33"], 2),
    "an unknown experiment to sweep": (["sweep", "mess33"], 2),
    "no run to show": (["show", "tests"], 2),
}
FRESH = """
import sys
from analysis.commands.main import main
try: status = main(sys.argv[1:])
except SystemExit as end: status = end.code or 0
heavy = sorted({"jax", "jaxlib", "flax", "optax", "orbax", "matplotlib"} & set(sys.modules))
print("imported", *heavy)
sys.exit(status)
"""


@pytest.mark.parametrize("what", SENTENCES)
def test_sentences_are_printed_without_jax(what):
    arguments, status = SENTENCES[what]
    done = subprocess.run(
        [sys.executable, "-c", FRESH, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert done.stdout.splitlines()[-1] == "imported", done.stdout.splitlines()[-1]


def processor_seconds(*command):
    """What a command takes of a processor."""
    before = os.times()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def test_the_list_takes_less_than_a_second_of_a_processor():
    """In the best of a few tries: a neighbour on the same core can only make it worse."""
    tries = (processor_seconds(sys.executable, "-m", "toylab", "list") for _ in range(3))
    assert any(took < 1.0 for took in tries)
