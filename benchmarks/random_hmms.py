"""On what share of random HMMs a claim is supported: ten whose beliefs are worth learning, small networks,
one look each.

    python -m benchmarks.random_hmms BG1 BG18     adds a line a claim to docs/random_hmms.jsonl

The draw is the same every time, and runs and verdicts are kept in a store, so that a call that was stopped
goes on. Claims share the runs.
"""

import datetime
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import Positional

import processes
import train
from analysis.claim import ClaimError, Setting
from analysis.claim.statement import Training
from analysis.families import CLAIMS
from analysis.lab import Trial, verdict
from analysis.testing import worthy_hmms

KEPT = Path(__file__).parents[1] / "docs" / "random_hmms.jsonl"
LEAST_WORTH = 0.01
"""Nats a token."""


@dataclass(frozen=True)
class Options:
    """On what share of random HMMs are claims supported?"""

    claims: Positional[tuple[str, ...]]
    """Ids."""
    number: int = 10
    """Random HMMs."""
    networks: int = 16
    """For each: of eight, all on one side would not decide a claim of most networks."""
    training: Training = "sharp"
    """How far: small networks at the floor of the standard recipe are often above a ten thousandth."""
    store: Annotated[Path, tyro.conf.arg(help="Folder of runs and verdicts.")] = Path("runs")


def share(
    name: str, drawn: list[processes.Process], of: int, setting: Setting, store: Path
) -> dict[str, Any]:
    """What a claim came to on these processes, out of so many that were drawn."""
    claim, outcomes, rows = CLAIMS[name], Counter[str](), []
    for process in drawn:
        trial = Trial(claim, process, setting)
        try:
            found = verdict(trial, store)
            outcome, reason = found.outcome, found.reason
            effect = found.criteria[0].interval
        except (ClaimError, processes.ProcessError, train.RunError) as refused:
            outcome, reason, effect = "refused", str(refused), None
        outcomes[outcome] += 1
        rows.append(
            {"process": process.digest, "states": process.n_states, "outcome": outcome, "effect": effect}
            | {"reason": reason}
        )
        print(f"{name} on {process.digest} ({process.n_states} states): {outcome}; {reason}", flush=True)
    told = {"claim": name, "revision": claim.revision, "networks": setting.seeds}
    return told | {"training": setting.training, "drawn": of, "outcomes": dict(outcomes), "on": rows}


def main() -> None:
    """Draw, put every claim to every process, and keep what came of it."""
    asked = tyro.cli(Options)
    train.use_all_cores()
    drawn, of = worthy_hmms(asked.number, least_worth=LEAST_WORTH)
    print(f"{len(drawn)} of {of} random HMMs have beliefs worth {LEAST_WORTH} nats a token or more")
    setting = Setting(seeds=asked.networks, looks=1, size="small", training=asked.training)
    for name in asked.claims:
        found = {"date": datetime.date.today().isoformat()} | share(name, drawn, of, setting, asked.store)
        with KEPT.open("a") as file:
            file.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
