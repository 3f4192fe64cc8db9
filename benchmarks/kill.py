"""Kill every kind of work hundreds of times, call it again, and compare every bit of what it ends with.

python -m benchmarks.kill                              go on until docs/kills.jsonl has, of this commit, all
                                                       kills that `WANTED` asks for
python -m benchmarks.kill record KIND ...              the same, of these kinds of work alone
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
from collections.abc import Iterable
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
    """By work and signal, the batches of the latest commit that has any of that kind, added up."""
    last = {(e["work"], e["signal"]): e for e in entries}
    summed: dict[tuple[str, str], dict] = {}
    for e in entries:
        if e["commit"] != (latest := last[e["work"], e["signal"]])["commit"]:
            continue
        of = {name: latest[name] for name in ("work", "signal", "commit", "date")}
        row = summed.setdefault((e["work"], e["signal"]), of)
        for key in ("trials", "kills", "resumed", *FAULTS, "seconds"):
            row[key] = row.get(key, 0) + e[key]
    return [
        summed[key] for key in sorted(summed, key=lambda k: (k[1] != "SIGKILL", list(WORK).index(k[0]), k[1]))
    ]


def table(entries: list[dict]) -> str:
    """A row for each kind of work and signal, and their sums."""
    columns = ("trials", "kills", "resumed", *FAULTS, "seconds")
    lines = [
        f"| work | signal | {' | '.join(c.replace('_', ' ') for c in columns)} | commit |",
        "|" + "---|" * (len(columns) + 3),
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
            + (f" {row['date']} `{row['commit']}` |" if row is not sums else " |")
            for row in (*mine, sums)
        ]
    return "\n".join(lines)


def page(entries: list[dict]) -> str:
    """docs/kills.md."""
    return f"{INTRODUCTION}{table(entries)}\n"


def keep(entry: dict) -> None:
    """Add a batch to the history and write the page anew."""
    entries = [*history(), entry]
    write_text(HISTORY, "".join(json.dumps(e) + "\n" for e in entries))
    write_text(PAGE, page(entries))


def missing(
    entries: list[dict], commit: str, kinds: Iterable[str] = tuple(WORK)
) -> list[tuple[str, signal.Signals, int, int]]:
    """Batches that a commit still lacks: work, signal, kills, seed; those of all kinds in turn, so that none
    waits for the others.
    """
    lacking = []
    for name in kinds:
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


def all_kinds(kinds: Iterable[str] = tuple(WORK)) -> int:
    """Every batch that is missing, each in a process of its own, recorded as it comes; returns the exit
    status.
    """
    while lacking := missing(history(), name := _commit(), kinds):
        work, number, kills, seed = lacking[0]
        print(f"{len(lacking)} batches to go: {kills} kills of {work} by {number.name}", file=sys.stderr)
        command = [sys.executable, "-m", "benchmarks.kill", work, str(kills), str(seed), number.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        if done.returncode not in (0, 1) or not done.stdout:  # it has said why
            return done.returncode
        keep(json.loads(done.stdout) | {"commit": name})
    print(table(history()))
    return int(any(faulty(e) for e in history() if e["commit"] == name))


def _commit() -> str:
    own, clean = commit(HISTORY, PAGE)
    return own + ("" if clean else "+")


def main(argv: list[str]) -> int:
    """Everything, some kinds of work, or a batch of one."""
    if not argv:
        return all_kinds()
    if argv[0] == "record":
        return all_kinds([one_of(kind, WORK) for kind in argv[1:]])
    name, kills, seed, number = (*argv, *("", "10", "0", "SIGKILL")[len(argv) :])
    one_of(name, WORK)
    one_of(number, [s.name for s in WANTED])
    found = record(name, signal.Signals[number], whole("KILLS", kills), whole("SEED", seed))
    print(json.dumps(found))
    return int(faulty(found))


if __name__ == "__main__":
    sys.exit(main(words(__doc__)))
