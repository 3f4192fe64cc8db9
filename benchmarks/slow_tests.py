"""The tests that `make test` leaves out, run and recorded: what they came to, on which commit and machine.

make test-slow      appends a row to docs/slow_tests.jsonl; exit status 1 if one of them fails
"""

import datetime
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from .asked import words
from .table import ROOT, commit, keep, machine

HISTORY = ROOT / "docs" / "slow_tests.jsonl"


def counts(said: str) -> dict[str, int]:
    """How many passed, failed, were skipped ..., from the last line that pytest writes."""
    last = [line for line in said.splitlines() if re.search(r"\bin [0-9.]+s\b", line)]
    kinds = r"(\d+) (passed|failed|skipped|errors?)\b"
    return {kind.rstrip("s"): int(n) for n, kind in re.findall(kinds, last[-1])} if last else {}


def told(interpreter: str, *words: str) -> tuple[str, int]:
    """What pytest says with these words, which is shown meanwhile, and its exit status."""
    command, said = [interpreter, "-m", "pytest", "-n", "2", *words], []
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=one_thread) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(line, end="", flush=True)
            said.append(line)
    return "".join(said), child.returncode


def row(said: str, status: int, seconds: float) -> dict[str, object]:
    """What is recorded of a run."""
    name, clean = commit(HISTORY)
    return {
        "date": datetime.date.today().isoformat(),
        "commit": name + ("" if clean else "+"),
        "machine": machine(),
        "seconds": round(seconds),
        "tests": counts(said),
        "failed": sorted(re.findall(r"^(?:FAILED|ERROR) (\S+)", said, re.M)),
        "outcome": "passed" if status == 0 else "failed",
    }


def main(extra: list[str], history: Path = HISTORY) -> int:
    """Run them, with further words for pytest, and add a row to the history."""
    begun = time.monotonic()
    said, status = told(sys.executable, "-m", "slow", "-rf", *extra)
    found = row(said, status, time.monotonic() - begun)
    keep(history, found)
    return int(found["outcome"] == "failed")


if __name__ == "__main__":
    sys.exit(main(words(__doc__)))
