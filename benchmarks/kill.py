"""Kill every kind of work hundreds of times, call it again, and compare every bit of what it ends with.

python -m benchmarks.kill                              go on until docs/kills.jsonl has, of this commit, all
                                                       kills that `WANTED` asks for
python -m benchmarks.kill KIND [KILLS [SEED [SIGNAL]]] kills of one kind of work, printed as a JSON line and
recorded nowhere

A batch is recorded when it is done, so an interrupted benchmark keeps what it has, and called again it goes
on. Status 1 if it found any fault.
"""

import datetime
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from processes.values.whole_file import write_text

from .asked import one_of, whole, words
from .killing import FAULTS, batch, undisturbed
from .table import commit, kept
from .work import ROOT, WORK, prepared

HISTORY, PAGE = ROOT / "docs" / "kills.jsonl", ROOT / "docs" / "kills.md"
WANTED = {signal.SIGKILL: 45, signal.SIGTERM: 4, signal.SIGINT: 4}
"""Kills of each kind of work."""
EACH = 15
"""Kills of a batch."""
INTRODUCTION = """# Killed work

`python -m benchmarks.kill` calls each command, kills it (several times in a row: at random moments, before a
random file-system call that
writes, or just after it), calls the same command again until it ends, and compares everything with what an
undisturbed call gave: parameters,
histories, reports, verdicts, tables (all but the seconds they took) and the bytes of figures and documents.
After every kill, every file on
its way must already be what it was or what it shall be. Counted are calls that were killed; interrupts
(SIGTERM, SIGINT) stand apart.

- *other bits*: a file, a parameter or a history that is not the undisturbed one's, or a reader that was
shown something else meanwhile
- *half written*: a file that could not be read, or says what neither the start nor the end says
- *lost*: a history, report or verdict that was finished and then changed, was made anew or went away
- *tracebacks*: a traceback, a warning or more than one sentence on the terminal
- *unfinished*: work that did not end when it was called again; *leftovers*: files of unfinished writes after
the end

"""


def record(name: str, number: signal.Signals, wanted: int, seed: int) -> dict:
    """One batch, as it is kept; faults are printed as they are found."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        work = prepared(name, Path(scratch))
        whole = undisturbed(work, Path(scratch) / "work")
        counts, faults = batch(
            work, Path(scratch) / "work", whole, number, wanted, np.random.default_rng([seed, number])
        )
    for kind, what in faults.items():
        print(f"{name}, {number.name}, seed {seed}: {kind}: {what[:3]}", file=sys.stderr)
    return {
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "work": name,
        "signal": number.name,
        "seed": seed,
        **counts,
        "seconds_of_a_whole_call": round(whole.ended.seconds, 2),
        "seconds": round(time.monotonic() - begun, 1),
    }


def history() -> list[dict]:
    """Every batch ever recorded, oldest first."""
    return kept(HISTORY)


def rows(entries: list[dict]) -> list[dict]:
    """The batches of the latest commit that has any, added up by work and signal."""
    mine = [e for e in entries if e["commit"] == entries[-1]["commit"]]
    summed = {}
    for e in mine:
        row = summed.setdefault((e["work"], e["signal"]), {"work": e["work"], "signal": e["signal"]})
        for key in ("trials", "kills", "resumed", *FAULTS, "seconds"):
            row[key] = row.get(key, 0) + e[key]
    return [
        summed[key] for key in sorted(summed, key=lambda k: (k[1] != "SIGKILL", list(WORK).index(k[0]), k[1]))
    ]


def table(entries: list[dict]) -> str:
    """A row for each kind of work and signal, and their sums."""
    columns = ("trials", "kills", "resumed", *FAULTS, "seconds")
    lines = [
        f"| work | signal | {' | '.join(c.replace('_', ' ') for c in columns)} |",
        "|" + "---|" * (len(columns) + 2),
    ]
    found = rows(entries)
    for killed in (True, False):
        mine = [row for row in found if (row["signal"] == "SIGKILL") == killed]
        sums = {
            "work": "**all**",
            "signal": "SIGKILL" if killed else "interrupts",
            **{c: sum(row[c] for row in mine) for c in columns},
        }
        lines += [
            f"| {row['work']} | {row['signal']} | {' | '.join(f'{row[c]:.0f}' for c in columns)} |"
            for row in (*mine, sums)
        ]
    return "\n".join(lines)


def page(entries: list[dict]) -> str:
    """docs/kills.md."""
    last = entries[-1]
    return f"{INTRODUCTION}Latest: commit `{last['commit']}`, {last['date']}.\n\n{table(entries)}\n"


def keep(entry: dict) -> None:
    """Add a batch to the history and write the page anew."""
    entries = [*history(), entry]
    write_text(HISTORY, "".join(json.dumps(e) + "\n" for e in entries))
    write_text(PAGE, page(entries))


def missing(entries: list[dict], commit: str) -> list[tuple[str, signal.Signals, int, int]]:
    """Batches that a commit still lacks: work, signal, kills, seed; those of all kinds in turn, so that none
    waits for the others.
    """
    lacking = []
    for name in WORK:
        for number, wanted in WANTED.items():
            mine = [
                e for e in entries if (e["commit"], e["work"], e["signal"]) == (commit, name, number.name)
            ]
            done = sum(e["kills"] for e in mine)
            sizes = [min(EACH, wanted - k) for k in range(done, wanted, EACH)]
            lacking += [(name, number, size, seed) for seed, size in enumerate(sizes, len(mine))]
    return sorted(lacking, key=lambda b: b[3])


def faulty(entry: dict) -> bool:
    """Whether a batch found any fault."""
    return any(entry[kind] for kind in FAULTS)


def all_kinds() -> int:
    """Every batch that is missing, each in a process of its own, recorded as it comes; returns the exit
    status.
    """
    while lacking := missing(history(), name := _commit()):
        work, number, kills, seed = lacking[0]
        print(f"{len(lacking)} batches to go: {kills} kills of {work} by {number.name}", file=sys.stderr)
        command = [sys.executable, "-m", "benchmarks.kill", work, str(kills), str(seed), number.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        if done.returncode not in (0, 1):
            return done.returncode
        keep(json.loads(done.stdout) | {"commit": name})
    print(table(history()))
    return int(any(faulty(e) for e in history() if e["commit"] == name))


def _commit() -> str:
    own, clean = commit(HISTORY, PAGE)
    return own + ("" if clean else "+")


def main(argv: list[str]) -> int:
    """Everything, or one kind of work."""
    if not argv:
        return all_kinds()
    name, kills, seed, number = (*argv, *("", "10", "0", "SIGKILL")[len(argv) :])
    one_of(name, WORK)
    one_of(number, [s.name for s in WANTED])
    found = record(name, signal.Signals[number], whole("KILLS", kills), whole("SEED", seed))
    print(json.dumps(found))
    return int(faulty(found))


if __name__ == "__main__":
    sys.exit(main(words(__doc__)))
