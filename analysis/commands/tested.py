"""What the commands that test claims do."""

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TimeElapsedColumn
from rich.text import Text

import processes
import train

from .. import lab
from ..claim import Claim, ClaimError, Kept, on, told
from ..families import CLAIMS, panels
from ..figures.verdict import draw
from ..lab import Announce
from ..testing import search
from ..trial import Trial, trials
from .arguments import Refused
from .claim_file import own
from .interrupt import check
from .machine import prepare
from .run import mention_earlier
from .tables import OUTCOME_STYLE, verdicts
from .terminal import described, field, printable

if TYPE_CHECKING:
    from .claims import All, One, Where


def claim(asked: "One", console: Console) -> int:
    """Test one claim; returns the exit status of the command."""
    found, where = _claim(asked.claim), asked.where
    if asked.random is None and not (asked.process or found.tested_on):
        raise Refused(f"{found.id} names no process to be put to (tested_on is empty); give one by --process")
    beside = Console(stderr=True) if asked.json else console  # whatever is no verdict
    mention_earlier(where.store, beside)
    prepare()
    if asked.random is not None:
        return _search(found, asked.random, where, console)
    supported = True
    for process in asked.process or found.tested_on:
        # Each is shown as it comes, so that a refusal loses none.
        trial = Trial(found, process, where.setting)
        verdict = _test(trial, where, beside)
        figure = trial.folder(where.store) / "figure.png"
        if asked.json:
            console.file.write(json.dumps(verdict.to_json() | {"figure": str(figure)}) + "\n")
        else:
            verdicts([verdict], console)
            console.print(printable(f"figure: {figure}"), style="dim")
        supported &= verdict.outcome == "supported"
    return 0 if supported or not asked.check else 1


def reproduce(asked: "All", console: Console) -> int:
    """Test claims on their own processes; returns the exit status of the command."""
    where, outcomes, begun = asked.where, Counter[str](), time.monotonic()
    found = [_claim(name) for name in asked.claims or CLAIMS]
    mention_earlier(where.store, console)
    prepare()
    for claim in found:
        for trial in trials(claim, where.setting):
            name = on(trial.process, trial.setting.run)
            try:
                verdict = _test(trial, where, console)
            except (ClaimError, processes.ProcessError, train.RunError) as reason:
                outcomes["refused"] += 1
                console.print(printable(f"{claim.id:<6}{name:<32}refused       {reason}"), style="red")
                continue
            outcomes[verdict.outcome] += 1
            line = Text(f"{claim.id:<6}{name:<32}").append(
                f"{told(verdict):<14}", style=OUTCOME_STYLE[verdict.outcome]
            )
            console.print(
                line.append(
                    f"{verdict.seconds['training']:4.0f} s training {verdict.seconds['measuring']:4.0f} "
                    "s measuring",
                    style="dim",
                )
            )
    counted = ", ".join(f"{n} {outcome}" for outcome, n in outcomes.items())
    console.print(
        printable(
            f"{counted}; {time.monotonic() - begun:.0f} s; figures and numbers in {where.store / 'claims'}"
        )
    )
    return 1 if outcomes["refused"] else 0


def _search(found: Claim, n: int, where: "Where", console: Console) -> int:
    setting = where.setting
    if setting.size == "default":
        setting = replace(setting, size="small")
    with _display(console, found.id) as announce:
        result = search(found, n, where.store, setting, announce)
    counts = Counter(v.outcome for v in result.verdicts.values())
    console.print(
        f"{found.id} on {len(result.verdicts)} random processes: {dict(counts)}; refused on "
        f"{len(result.refused)}"
    )
    if result.counterexample is None:
        console.print("no counterexample found")
        return 0
    console.print(
        printable(
            f"smallest process found on which it is refuted: {result.counterexample}  (toylab process "
            f"{result.counterexample})"
        )
    )
    verdicts([result.verdicts[result.counterexample]], console)
    return 0


def _test(test: Trial, where: "Where", console: Console) -> Kept:
    with _display(console, f"{test.claim.id} on {test.process}") as announce:
        verdict = lab.verdict(
            test, where.store, announce, fresh=where.fresh, accept_other_bits=where.accept_other_bits
        )
        folder = test.folder(where.store)
        announce("drawing", None)
        draw(verdict, lab.shown(test, where.store), folder, panels())
    return verdict


def _claim(name: str) -> Claim:
    file, _, attribute = name.rpartition(":")
    if file.endswith(".py"):
        return own(Path(file), attribute)
    return CLAIMS[name.upper()]


@contextlib.contextmanager
def _display(console: Console, title: str) -> Iterator[Announce]:
    """A live line: what is being done and how far a training is."""
    columns = (
        described(),
        field("stage"),
        BarColumn(),
        TimeElapsedColumn(),
        field("excess"),
    )
    with Progress(*columns, console=console, refresh_per_second=4, transient=True) as bar:
        task = bar.add_task(title, total=None, stage="", excess="")

        def announce(stage: str, progress: train.Progress | None) -> None:
            check()
            if progress is None:
                bar.update(task, stage=stage, excess="", total=None, completed=0)
            else:
                total = progress.steps
                bar.update(
                    task,
                    stage=stage,
                    total=total,
                    completed=progress.step,
                    excess=f"loss − floor {progress.excess.mean():.1e} nats",
                )

        yield announce
