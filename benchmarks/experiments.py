"""From a command to its verdicts with no compiled program at hand: how near to the floor its networks come,
and where the time goes.

`python -m benchmarks.experiments [WORDS ...]` runs some alone, named as in `COMMANDS`; `make bench` with
--experiments runs and keeps them all.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from .asked import words
from .speed import Bystanders
from .table import ROOT, Row, less, record, show

LIMIT = "limit fixed beforehand"


class Limits(NamedTuple):
    """What a command has to keep."""

    kl: float
    """Of every network, nats per token."""
    r2: float | None = None
    """Held out, of beliefs in the last residual stream of every network."""
    seconds: float | None = None
    """Cold, from the command to its verdicts."""
    analysis: float | None = None
    """Of these, from trained networks to verdicts."""


COMMANDS: Mapping[str, Limits] = {
    "mess3": Limits(1e-5, 0.9985, 108.0, 28.0),
    "rrxor": Limits(3e-6, seconds=138.0),
    "rrxor --process nemo": Limits(3e-6),
    "rrxor --process random_insertion": Limits(3e-6),
    "mess3 --training sharp": Limits(5e-7, 0.9995, 300.0),
    "rrxor --training sharp": Limits(5e-8, seconds=1200.0),
    "rrxor --process nemo --training sharp": Limits(5e-8, seconds=1200.0),
    "rrxor --process random_insertion --training sharp": Limits(5e-8, seconds=1200.0),
}


def rows(asked: str) -> list[Row]:
    """What `toylab run` with these words has to keep."""
    limits = COMMANDS[asked]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "analysis", "run", *asked.split(), "--out", str(out)]
        began = time.perf_counter()
        env = os.environ | {"XDG_CACHE_HOME": str(Path(folder) / "cache")}
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
        seconds = time.perf_counter() - began
        if done.returncode:
            raise SystemExit(f"toylab run {asked} failed: {done.stderr}")
        report = json.loads((out / "report.json").read_text())
    kl, r2 = report["excess"]["trained"], report["layers"][-2]["trained"]["r2"]
    found = [less(f"run {asked}: largest KL of {len(kl)}", max(kl), "nats", LIMIT, limits.kl, 1.0)]
    if limits.r2 is not None:
        unexplained = "1 - R² of the last stream, worst network"
        found.append(less(f"run {asked}: {unexplained}", 1 - min(r2), "", LIMIT, 1 - limits.r2, 1.0))
    for what, value, limit in (
        ("cold to verdict", seconds, limits.seconds),
        ("analysis", report["seconds"]["analysis"], limits.analysis),
    ):
        if limit is not None:
            found.append(less(f"run {asked}: {what}", value, "s", LIMIT, limit, 1.0))
    return found


def main(names: list[str]) -> int:
    """Run all commands, or some, and keep what was found."""
    bystanders = Bystanders()
    found = [row for asked in names or COMMANDS for row in rows(asked)]
    show(found, Console(width=160))
    record(found, bystanders.share())
    return 0 if all(row.met for row in found) else 1


if __name__ == "__main__":
    sys.exit(main(words(__doc__, COMMANDS)))
