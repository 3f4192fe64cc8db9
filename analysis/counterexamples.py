"""A claim as a property of processes: the search for a small one on which it fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.errors

import processes
import train
from processes.strategies import hmms

from .claim import Claim, ClaimError, Setting
from .lab import Announce, Trial, verdict


@dataclass(frozen=True)
class Search:
    """What a search over random processes came to."""

    verdicts: Mapping[str, dict[str, Any]]  # by file of the process, in the order in which they were reached
    refused: Mapping[str, str]  # reason, by file, of processes on which the claim cannot be tested
    counterexample: str | None = field(
        default=None
    )  # file of the smallest process found on which the claim is refuted


def search(
    claim: Claim, n: int, store: Path, setting: Setting, announce: Announce = lambda stage, progress: None
) -> Search:
    """Put a claim to `n` random HMMs and, if one refutes it, to smaller ones for five minutes (by
    Hypothesis); call it again to go on.

    The draw is the same every time, and verdicts are kept, so a search that was stopped goes on where it was.
    Every process is written to `store`/processes/, ready for `--process`. A verdict that is merely
    undecided, invalid or explained is no counterexample.
    """
    verdicts: dict[str, dict[str, Any]] = {}
    refused: dict[str, str] = {}

    def put_to(process: processes.Process) -> str:
        file = store / "processes" / f"{process.digest}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        processes.write(process, file)
        if str(file) not in verdicts and str(file) not in refused:
            try:
                verdicts[str(file)] = verdict(Trial(claim, str(file), setting), store, announce)
            except (ClaimError, processes.ProcessError, train.RunError) as reason:
                refused[str(file)] = str(reason)
        return str(file)

    def refutes(process: processes.Process) -> bool:
        file = put_to(process)
        hypothesis.assume(file in verdicts)
        return verdicts[file]["outcome"] == "refuted"

    settings = hypothesis.settings(
        max_examples=n,
        deadline=None,
        database=None,
        derandomize=True,
        # that shrinking ends after five minutes is said where the search is asked for
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    try:
        found = hypothesis.find(hmms(), refutes, settings=settings)
    except (hypothesis.errors.NoSuchExample, hypothesis.errors.Unsatisfiable):
        return Search(verdicts, refused)
    return Search(verdicts, refused, put_to(found))
