"""Work that is killed again and again, and what must then be true of its files. Knows nothing of what the
work is.

A call is a forked process that runs the work's command, its terminal a file. It is killed at a moment (by a
signal), before its n-th file-system call that writes, or just after that call. After every kill the folder is
read: no file may hold anything but what it had before or what an undisturbed call gives it, and what was
finished stays the same file. Then the same command is called again.
"""

import json
import os
import select
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .truths import finished, truths

WRITES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
LONGEST = 600.0
"""Seconds after which a call is taken to hang."""
STOPPED = 130
"""Exit status of a command that was interrupted."""


@dataclass(frozen=True)
class Work:
    """A command that can be called again until it ends."""

    name: str
    command: Callable[[Path], int]  # in a folder; returns its exit status
    begin: Callable[[Path], None] = lambda folder: None  # what is there before the first call
    read: Callable[[Path], str] = lambda folder: ""  # the bits that only the work can read, once it has ended
    says: bool = False  # whether it says the same every time
    halfway: Callable[[Path], int] | None = None  # ends where the work may stand on its way, whole
    reader: Callable[[Path], int] | None = (
        None  # another command, called while this one is at work: it shows the whole or refuses
    )


@dataclass(frozen=True)
class Kill:
    """How one call is ended."""

    number: int = signal.SIGKILL
    seconds: float | None = None  # after its begin
    write: int | None = None  # at its n-th call that writes
    after: bool = False  # not before that call but while, or just after, it is done


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    status: int | None  # None: killed
    writes: int  # calls that write; known of one that ended by itself
    read: str
    said: str
    seconds: float


@dataclass(frozen=True)
class Whole:
    """What an undisturbed call gives."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    ended: Ended
    halfway: Mapping[str, Any]  # whole on the way, and yet to change
    shown: tuple[int, str]  # what the reader says at the end
    says: str | None  # what the work says, if that is the same every time


@dataclass
class Found:
    """What became of one work that was killed several times; kinds of fault, each with what it was seen
    in."""

    kills: int = 0
    resumed: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)

    def fault(self, kind: str, what: str) -> None:
        """Note a fault."""
        self.faults.setdefault(kind, []).append(what)


FAULTS = ("other_bits", "half_written", "lost", "tracebacks", "unfinished", "leftovers")


def call(
    work: Work, folder: Path, kill: Kill = Kill(), command: Callable[[Path], int] | None = None
) -> Ended:
    """Call the command (or another, in the same way) and end it so; by default it ends by itself."""
    ours, theirs = os.pipe()
    terminal = folder.with_name(f"{folder.name}.said.{time.monotonic_ns()}")
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _child(work, folder, terminal, kill, command or work.command, theirs)
    os.close(theirs)
    told = os.read(ours, 1)  # it begins
    begun = time.monotonic()
    if kill.seconds is not None and not select.select([ours], [], [], kill.seconds)[0]:
        os.kill(pid, kill.number)
    while select.select([ours], [], [], max(0.0, begun + LONGEST - time.monotonic()))[0] and (
        more := os.read(ours, 65536)
    ):
        told += more
    took = time.monotonic() - begun
    if took > LONGEST:
        os.kill(pid, signal.SIGKILL)
    os.close(ours)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    said = terminal.read_text(errors="replace")
    terminal.unlink()
    if took > LONGEST:
        return Ended(-1, 0, "", f"{said}\nTraceback: hung", took)
    if code != 0 or not told.endswith(b"}"):  # ended before it could tell: what it has done is on the disk
        return Ended(None if code in (0, -signal.SIGKILL) else code, 0, "", said, took)
    answer = json.loads(told[2:])
    return Ended(answer["status"], answer["writes"], answer["read"], said, answer["seconds"])


def _child(
    work: Work, folder: Path, terminal: Path, kill: Kill, command: Callable[[Path], int], answer: int
) -> None:
    """Run the command as a console script would be run, tell how it ended, and leave without clean-up."""
    writes = 0

    def hook(event: str, args: tuple) -> None:
        nonlocal writes
        if event in WRITES or (
            event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ):
            writes += 1
            if writes == kill.write:
                if kill.after:
                    os.posix_spawn(
                        "/bin/kill", ["kill", "-9", str(os.getpid())], {}
                    )  # takes a moment, in which this process goes on
                else:
                    os.kill(os.getpid(), signal.SIGKILL)

    try:
        out = os.open(terminal, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
        for number in (signal.SIGINT, signal.SIGTERM):  # a job in the background inherits neither
            signal.signal(number, signal.default_int_handler)
        sys.addaudithook(hook)
        os.write(answer, b".")
        begun = time.monotonic()
        try:
            status = command(folder)
            os.write(answer, b"+")  # too late for a kill
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        except BaseException:
            traceback.print_exc()
            status = 1
            os.write(answer, b"+")
        told: dict[str, Any] = {"status": status, "writes": writes, "seconds": time.monotonic() - begun}
        writes = -sys.maxsize
        sys.stdout.flush()
        told["read"] = work.read(folder) if status == 0 and command is work.command else ""
        os.write(answer, json.dumps(told).encode())
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)
    os._exit(0)


def _allowed(value: Any, before: Any, after: Any, halfway: Any) -> bool:
    """Whether a file may say this on the way: a table grows, everything else is as it was, as it shall be, or
    as it may stand between.
    """
    return value in (before, after, halfway) or (
        isinstance(value, frozenset) and isinstance(after, frozenset) and value <= after
    )


def compare(found: Found, folder: Path, whole: Whole, ended: Ended | None) -> None:
    """Note what the folder holds that it should not; once the work has ended, also what it does not hold."""
    now = truths(folder)
    for name, value in now.items():
        allowed = whole.before.get(name), whole.after.get(name), whole.halfway.get(name)
        if not _allowed(value, *allowed):
            found.fault(
                "half_written"
                if str(value).startswith("unreadable") or name not in whole.after or ended is None
                else "other_bits",
                name,
            )
    if ended is not None:
        for name in whole.after:
            if now.get(name) != whole.after[name]:
                found.fault("other_bits", f"{name} at the end")
        if ended.read != whole.ended.read:
            found.fault("other_bits", "what the work reads")
        if whole.says is not None and ended.said != whole.says:
            found.fault("other_bits", f"what it says: {ended.said[-300:]}")
        for left in folder.rglob("*.part*"):
            found.fault("leftovers", str(left.relative_to(folder)))


def check_words(found: Found, ended: Ended) -> None:
    """What a user may see: no traceback, no warning, and of a refusal one sentence."""
    wrong = [line for line in ended.said.splitlines() if "Traceback" in line or "Warning" in line]
    if (
        wrong
        or ended.status == 2
        and sum(line.startswith("toylab: ") for line in ended.said.splitlines()) != 1
    ):
        found.fault("tracebacks", ended.said[ended.said.find(wrong[0]) if wrong else -600 :][:3000])


def undisturbed(work: Work, folder: Path) -> Whole:
    """Call once without a kill (the second time, so that programs are compiled already). Raises
    `RuntimeError` if that fails.
    """
    for _ in range(2):
        reset(work, folder)
        before = truths(folder)
        ended = call(work, folder)
        if ended.status != 0:
            raise RuntimeError(f"{work.name} does not end by itself: {ended.said}")
    shown = (0, "")
    if work.reader is not None:
        told = call(work, folder, command=work.reader)
        shown = (told.status or 0, _numbers(told.said))
    after, halfway = truths(folder), dict[str, Any]()
    if work.halfway is not None:
        reset(work, folder)
        if (stood := call(work, folder, command=work.halfway)).status != 0:
            raise RuntimeError(f"{work.name} does not end halfway: {stood.said}")
        halfway = {name: value for name, value in truths(folder).items() if value != after.get(name)}
    return Whole(before, after, ended, halfway, shown, ended.said if work.says else None)


def reset(work: Work, folder: Path) -> None:
    """The folder as it is before the first call."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    work.begin(folder)


def trial(work: Work, folder: Path, whole: Whole, kills: Sequence[Kill]) -> Found:
    """Kill calls one after the other, then let the work end, unless it has ended before."""
    found = Found()
    reset(work, folder)
    there: dict[str, Any] = {}
    for kill in (*kills, Kill()):
        ended = _watched(work, folder, whole, kill, found)
        check_words(found, ended)
        now = finished(folder)
        for name in there:
            if now.get(name) != there[name]:
                found.fault("lost", name)
        unfinished = {name for name, value in truths(folder).items() if value == whole.halfway.get(name)}
        there = {name: file for name, file in now.items() if name not in unfinished}
        done = ended.status == 0
        compare(found, folder, whole, ended if done else None)
        if done:
            found.resumed += found.kills > 0
            return found
        if ended.status not in (None, STOPPED):
            break
        found.kills += 1
    found.fault("unfinished", f"status {ended.status}: {ended.said[-300:]}")
    return found


def _watched(work: Work, folder: Path, whole: Whole, kill: Kill, found: Found) -> Ended:
    """A call; where the work has a reader, that is called beside it and must show the whole or refuse in a
    sentence.
    """
    if work.reader is None:
        return call(work, folder, kill)
    beside = os.fork()
    if beside == 0:
        time.sleep(float(np.random.default_rng().uniform(0, kill.seconds or whole.ended.seconds)))
        told, mine = call(work, folder, command=work.reader), Found()
        check_words(mine, told)
        right = told.status == 2 or (told.status, _numbers(told.said)) == whole.shown
        os._exit(1 if mine.faults else 0 if right else 2)
    ended = call(work, folder, kill)
    code = os.waitstatus_to_exitcode(os.waitpid(beside, 0)[1])
    if code:
        found.fault("other_bits" if code == 2 else "tracebacks", "what was shown meanwhile")
    return ended


def _numbers(said: str) -> str:
    """What a reader shows, without the names of the figures, which come last."""
    return said.split("figures in")[0]


def draw(rng: np.random.Generator, whole: Whole, number: int) -> list[Kill]:
    """One to four kills in a row: for SIGKILL a third each at a moment, before a call that writes, and just
    after it.
    """
    kills = []
    for _ in range(int(rng.integers(1, 5))):
        how: Literal[0, 1, 2] = int(rng.integers(3)) if number == signal.SIGKILL and whole.ended.writes else 0  # type: ignore[assignment]
        moment, write = (
            float(rng.uniform(0, whole.ended.seconds)),
            1 + int(rng.integers(max(1, whole.ended.writes))),
        )
        kills.append(Kill(number, seconds=moment) if how == 0 else Kill(number, write=write, after=how == 2))
    return kills


def batch(
    work: Work, folder: Path, whole: Whole, number: int, wanted: int, rng: np.random.Generator
) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Trials until so many calls have been killed: what is counted, and every fault."""
    counts, faults = Counter[str](), dict[str, list[str]]()
    for _ in range(20 * wanted):  # a work that is never killed in time would otherwise never end
        if counts["kills"] >= wanted:
            break
        found = trial(work, folder, whole, draw(rng, whole, number))
        counts["trials"] += 1
        counts["kills"] += found.kills
        counts["resumed"] += found.resumed
        for kind, what in found.faults.items():
            faults.setdefault(kind, []).extend(what)
    return {**counts, **{kind: len(faults.get(kind, ())) for kind in FAULTS}}, faults
