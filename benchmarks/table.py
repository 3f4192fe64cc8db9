"""One row a figure, each beside its ceiling or its peer; and their history, kept in the repository with the
commit.

python -m benchmarks.table      render docs/benchmarks.md anew from docs/benchmarks.jsonl
"""

import dataclasses
import datetime
import json
import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from train.machine.environment import cpu

ROOT = Path(__file__).parents[1]
HISTORY = ROOT / "docs" / "benchmarks.jsonl"
PAGE = ROOT / "docs" / "benchmarks.md"
SHOWN = 6
"""Ratios of the past that the page shows in a row."""
WIDEST = ("avx512f", "avx2", "asimd")
"""Extensions of processors that say most about their peak."""
REPLACED = ("8 seeds to KL 1e-4 on Mess3, expected",)
"""Rows of the history that the page leaves out: others measure the same since, beside a better peer."""


@dataclass(frozen=True)
class Row:
    """One figure of one run."""

    row: str
    """What was measured."""
    value: float
    """In `unit`."""
    unit: str
    peer: str
    """What it is held against: a ceiling, a peer or another objective, measured in the same run; or a limit
    fixed beforehand.
    """
    peer_value: float
    """In the same unit."""
    ratio: float
    """How many times better than the peer: always the larger, the better."""
    target: float | None
    """Least ratio; None where a figure is shown for what it says, not held to anything."""
    core_ratio: float | None = None
    """The ratio by core-seconds instead of the clock, where it was taken: on a busy machine the steadier of
    the two, blind to idle cores.
    """

    @property
    def met(self) -> bool:
        """Whether the target, if there is one, is reached."""
        return self.target is None or self.ratio >= self.target


def faster(
    row: str,
    value: float,
    unit: str,
    peer: str,
    peer_value: float,
    target: float | None = None,
    core_ratio: float | None = None,
) -> Row:
    """A row of rates: more is better."""
    return Row(row, value, unit, peer, peer_value, value / peer_value, target, core_ratio)


def less(row: str, value: float, unit: str, peer: str, peer_value: float, target: float | None = None) -> Row:
    """A row of costs: less is better."""
    return Row(row, value, unit, peer, peer_value, peer_value / value, target)


def show(rows: Iterable[Row], console: Console) -> None:
    """The table of a run, as people read it."""
    table = Table("what", "measured", "beside", "", "ratio", "by core-second", "target", "")
    for r in rows:
        target, verdict = ("", "") if r.target is None else (f"{r.target:g}", "met" if r.met else "missed")
        core = "" if r.core_ratio is None else f"{r.core_ratio:.3g}"
        table.add_row(
            r.row,
            f"{r.value:.3g} {r.unit}",
            r.peer,
            f"{r.peer_value:.3g} {r.unit}",
            f"{r.ratio:.3g}",
            core,
            target,
            verdict,
        )
    console.print(table)


def machine() -> str:
    """This machine in neutral words."""
    import jax

    kinds = {d.device_kind for d in jax.devices() if d.platform != "cpu"}
    widest = next((name for name in WIDEST if name in cpu().split()), None)
    return ", ".join([f"{os.cpu_count()} cores", *filter(None, [widest]), *sorted(kinds)])


def commit(*own: Path) -> tuple[str, bool]:
    """The commit that is checked out, and whether the files are exactly its own (a history and its page do
    not count; these by default).
    """

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], capture_output=True, text=True, cwd=ROOT, check=True
        ).stdout.strip()

    changed = git(
        "status", "--porcelain", "--", ".", *(f":!{f.relative_to(ROOT)}" for f in own or (HISTORY, PAGE))
    )
    return git("rev-parse", "--short=12", "HEAD"), not changed


def keep(file: Path, entry: dict) -> None:
    """Add an entry to a history, a line of JSON."""
    with file.open("a") as lines:
        lines.write(json.dumps(entry) + "\n")


def kept(file: Path) -> list[dict]:
    """Every entry of a history, oldest first; none where there is no file."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def record(rows: Iterable[Row], others: float) -> None:
    """Add a run, during which `others` took that share of the machine, to the history and render the page
    anew.
    """
    name, clean = commit()
    head = {
        "date": datetime.date.today().isoformat(),
        "commit": name + ("" if clean else "+"),
        "machine": machine(),
        "others": others,
    }
    for r in rows:
        entry = head | dataclasses.asdict(r)
        keep(HISTORY, {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in entry.items()})
    PAGE.write_text(written(PAGE.read_text(), history()))


def history() -> list[dict]:
    """Every row ever recorded, oldest first."""
    return kept(HISTORY)


def written(page: str, entries: list[dict]) -> str:
    """The page with the latest figure of every row, and the ratios that went before it."""
    lines = [
        "| what | measured | beside | | ratio | by core-second | target | commit | others took | ratios, "
        "oldest to newest |",
        "|" + "---|" * 10,
    ]
    for name in dict.fromkeys(e["row"] for e in entries if e["row"] not in REPLACED):
        mine = [e for e in entries if e["row"] == name]
        e = mine[-1]
        row = Row(**{f.name: e[f.name] for f in dataclasses.fields(Row)})
        target = "" if row.target is None else f"{row.target:g} {'met' if row.met else '**missed**'}"
        past = " → ".join(f"{m['ratio']:.3g}" for m in mine[-SHOWN:])
        measured, beside = f"{row.value:.3g} {row.unit}", f"{row.peer_value:.3g} {row.unit}"
        core = "" if row.core_ratio is None else f"{row.core_ratio:.3g}"
        cells = (
            row.row,
            measured,
            row.peer,
            beside,
            f"{row.ratio:.3g}",
            core,
            target,
            f"{e['date']} `{e['commit']}`",
            f"{e['others']:.0%}",
            past,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return filled(page, lines)


def filled(page: str, lines: list[str]) -> str:
    """The page with these lines as its table."""
    return re.sub(
        r"<!-- table -->.*?<!-- /table -->",
        lambda _: "\n".join(["<!-- table -->", *lines, "<!-- /table -->"]),
        page,
        flags=re.S,
    )


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(), history()))
