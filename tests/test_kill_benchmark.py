"""The benchmark of kills sees what it is there to see: every kind of fault, planted in work that has it, is
reported as that.
"""

import json

import pytest

from benchmarks import kill
from benchmarks.killing import FAULTS

PLANTED = """
import json, os, sys, time
from pathlib import Path
import numpy as np
from benchmarks.killing import FAULTS, Kill, Work, trial, undisturbed
from processes.values.whole_file import write_json, write_text

def call(fault, folder):
    again = (folder / "begun.part").exists()
    (folder / "begun.part").touch()
    if fault == "lost" or not (folder / "verdict.json").exists():
        write_json(folder / "verdict.json", {"outcome": "supported", "seconds": time.time()})
    if fault == "half_written":
        with open(folder / "figure.json", "w") as file:
            file.write('{"a": ')
            file.flush()
            (folder / "x.part").touch()
            file.write("1}")
    else:
        write_json(folder / "figure.json", {"a": 1})
    write_json(folder / "numbers.json", {"bits": int(fault == "other_bits" and again)})
    if fault == "tracebacks" and again:
        print("Traceback (most recent call last):")
    if fault == "unfinished" and again:
        return 2
    if fault != "leftovers" or not again:
        (folder / "begun.part").unlink()
        (folder / "x.part").unlink(missing_ok=True)
    return 0

found, folder = {}, Path(sys.argv[1]) / "work"
for fault in ("none", *FAULTS):
    work = Work("planted", lambda folder: call(fault, folder))
    whole = undisturbed(work, folder)
    kinds = set()
    for write in range(4, whole.ended.writes + 1):
        one = trial(work, folder, whole, [Kill(write=write)])
        assert one.kills == 1
        kinds |= set(one.faults)
    found[fault] = sorted(kinds)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory, forked):
    """What is reported of each planted fault: in a process of its own, which has no threads and so may
    fork."""
    done = forked(PLANTED, str(tmp_path_factory.mktemp("planted")))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("fault", ["none", *FAULTS])
def test_every_planted_fault_is_reported_as_what_it_is(fault, found):
    assert fault in found[fault] if fault != "none" else not found[fault], found


def entry(**given):
    counts = dict.fromkeys(("trials", "kills", "resumed", *FAULTS, "seconds"), 0)
    return {
        "date": "2026-11-25",
        "commit": "c",
        "work": "claim",
        "signal": "SIGKILL",
        "seed": 0,
        **counts,
        **given,
    }


def test_the_record_is_whole_and_what_is_missing_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(kill, "HISTORY", tmp_path / "kills.jsonl")
    monkeypatch.setattr(kill, "PAGE", tmp_path / "kills.md")
    wanted = sum(kill.WANTED.values()) * len(kill.WORK)
    assert wanted > 300 and sum(batch[2] for batch in kill.missing([], "c")) == wanted
    kill.keep(entry(kills=20))
    kill.keep(entry(kills=5, seed=1, other_bits=2))
    assert [e["kills"] for e in kill.history()] == [20, 5]
    rest = kill.missing(kill.history(), "c")
    assert sum(batch[2] for batch in rest) == wanted - 25
    assert {batch[3] for batch in rest if batch[0] == "claim" and batch[1].name == "SIGKILL"} == {
        2,
        3,
    }  # no seed twice
    assert "| claim | SIGKILL | 0 | 25 | 0 | 2 |" in (tmp_path / "kills.md").read_text()
    assert kill.faulty(kill.history()[1]) and not kill.faulty(kill.history()[0])
    assert (
        kill.missing(
            [entry(work=w, signal=s.name, kills=n) for w in kill.WORK for s, n in kill.WANTED.items()], "c"
        )
        == []
    )


def test_each_kind_of_work_is_told_of_the_last_commit_that_has_it():
    old = [entry(commit="a", kills=45, tracebacks=3), entry(commit="a", work="sweep", kills=44)]
    new = [entry(commit="b", kills=15, date="2026-11-30"), entry(commit="b", kills=30, seed=1)]
    by_work = {row["work"]: row for row in kill.rows([*old, *new])}
    assert (by_work["claim"]["kills"], by_work["claim"]["tracebacks"]) == (45, 0)
    assert (by_work["claim"]["commit"], by_work["sweep"]["commit"]) == ("b", "a")
    assert "`b`" in kill.page([*old, *new]) and "`a`" in kill.page([*old, *new])
    assert {batch[0] for batch in kill.missing(old, "b", ["claim"])} == {"claim"}


WHOLE = """
import sys
from pathlib import Path
from benchmarks.killing import undisturbed
from benchmarks.work import prepared
scratch = Path(sys.argv[2])
print(len(undisturbed(prepared(sys.argv[1], scratch), scratch / "work").after))
"""


@pytest.mark.thorough
@pytest.mark.parametrize("name", list(kill.WORK))
def test_every_kind_of_work_ends_by_itself_if_nobody_kills_it(name, forked, tmp_path):
    done = forked(WHOLE, name, str(tmp_path))
    assert done.returncode == 0 and int(done.stdout) > 0, done.stderr[-2000:]
