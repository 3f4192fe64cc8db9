"""Figures that `toylab figure` draws from what a folder or a store keeps."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

import processes
import train
from processes.values.whole_file import write_text

from ..claim import Kept, asked_on
from ..claim.latest import SHOWN, published_numbers
from ..families import CLAIMS, drawings, family, panels
from ..figures import caption, paper
from ..figures.animation import animate
from ..figures.data import write_data
from ..figures.loss import loss
from ..figures.record import Record
from ..figures.style import style, write
from ..figures.verdict import Half
from ..figures.verdict import figure as of_verdict
from ..lab import drawn
from ..report.training import over_training
from ..report.verdicts import latest, of_store
from ..trial import trials
from .arguments import Refused
from .interrupt import check
from .machine import prepare

if TYPE_CHECKING:
    from .figure import Options


def still(
    asked: "Options", of: Literal["run", "claim"], width: float, command: str, console: Console
) -> None:
    """A figure with its caption, or the numbers that are drawn in it."""
    with style():
        if of == "run":
            made, said = _of_run(Record(Path(asked.what)), asked.panel, width, command)
        else:
            made, said = _of_claim(asked, width, command)
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        if asked.out.suffix == ".csv":
            rows = write_data(made, asked.out)
            console.print(f"{asked.out}: {rows} points that are drawn", soft_wrap=True, markup=False)
            return
        write(made, asked.out)
    tex = asked.out.with_suffix(".tex")
    write_text(tex, caption.latex(asked.out, asked.width.strip(), said))
    console.print(f"{asked.out}: {asked.width} wide; its caption in {tex}", soft_wrap=True, markup=False)


def _of_run(record: Record, panel: str, width: float, command: str) -> tuple[Figure, str]:
    """A figure of a run, whole or one panel of it, and its caption."""
    there = _drawings(record)
    name, _, part = (panel or next(n for n in there if n not in ("layers", "loss"))).partition("/")
    if name not in there:
        raise Refused(
            f"there is no figure {name!r} of this run; --panel is one of {', '.join(there)}, or a panel of "
            "one, as loss/training"
        )
    made = there[name](record)
    if part:
        paper.alone(made, part)
    paper.fit(made, width)
    return made, caption.of_run(record, name, part, command)


def _drawings(record: Record) -> dict[str, Callable[[Record], Figure]]:
    """Every figure of a run, by name: of the family that its first claim is of."""
    first = next(iter(record.report["keys"]))
    return {**drawings(family(first)).overview(record), "loss": loss}


def _of_claim(asked: "Options", width: float, command: str) -> tuple[Figure, str]:
    """The figure of a verdict that a store keeps, or that was published; of the findings alone where the
    numbers for the rest did not come with it.
    """
    half: Half | None = next((half for half in get_args(Half) if half == asked.panel), None)
    verdict, numbers = _verdict(asked)
    claim, shown, process = CLAIMS[verdict.claim], None, shlex.quote(verdict.asked)
    if half != "findings":
        if numbers is None:
            raise Refused(
                f"the verdict of {claim.id} on {asked_on(verdict)} was published without the numbers that "
                f"its evidence is drawn from; `toylab claim {claim.id} --process {process}` makes "
                "them, or --panel findings draws the rest"
            )
        shown = drawn(claim, numbers)
    made = of_verdict(verdict, shown, panels(), width=width, only=half)
    paper.inside(made)
    return made, caption.of_verdict(verdict, asked.panel, command)


def _verdict(asked: "Options") -> tuple[Kept, Path | None]:
    """The verdict that is meant, with the file of the numbers behind its figure, if there is one: of today's
    rules rather than of others, of the store rather than published.
    """
    claim = CLAIMS[asked.what.upper()]
    own, _ = of_store(asked.store)
    today = {t.key for t in trials(claim)}
    found = sorted(
        ((v, folder / SHOWN) for folder, v in own if v.claim == claim.id),
        key=lambda f: f[0].key not in today,
    )
    there: list[tuple[Kept, Path | None]] = [*found]
    there += [(v, published_numbers(v)) for v in latest(None, claim)[0]]
    wanted = processes.source(asked.process).digest if asked.process else None
    there = [f for f in there if wanted is None or processes.source(f[0].asked).digest == wanted]
    if not there:
        where = f" on {asked.process}" if asked.process else ""
        raise Refused(
            f"there is no verdict of {claim.id}{where} in {asked.store} or among the published ones; `toylab "
            f"claim {claim.id}` makes one"
        )
    on = dict.fromkeys(f[0].asked for f in there)
    if len(on) > 1:
        raise Refused(f"{claim.id} has verdicts on {', '.join(on)}; say which with --process")
    return there[0]


def animated(asked: "Options", width: float, console: Console) -> None:
    """Beliefs over training: measured if the folder does not keep them."""
    record = Record(Path(asked.what))
    if "layers" not in record.report or not record.shows_final:
        raise Refused(
            f"{record.folder} is of {record.report['process']}; --animate draws beliefs about three hidden "
            "states on their triangle (`toylab report` has a slider over training for others)"
        )
    prepare()
    with console.status("reading the checkpoints …"):
        seen = over_training(train.open_run(record.folder), record, lambda stage, progress: check())
    e, r2 = record.evidence, seen.r2_of_shown
    titles = [
        f"seed {record.seed}, step {s}\nheld-out R² = {r:.4f}" for s, r in zip(seen.step, r2, strict=True)
    ]
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    animate(
        asked.out,
        seen.points.astype(np.float64),
        titles,
        belief=e["belief"][seen.rows],
        weight=e["weight"][seen.rows] if record.report.get("sampled") is None else None,
        states=record.report.get("states") or "ABC",
        width=width,
    )
    console.print(f"{asked.out}: {len(titles)} steps of training", soft_wrap=True, markup=False)
