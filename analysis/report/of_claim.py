"""The page of a claim: what it says, on which terms, and its verdict on every process."""

import base64
from collections.abc import Sequence
from pathlib import Path

from ..claim import Claim, Criterion, must, on
from ..trial import trials
from . import page, words
from .of_run import verdict
from .verdicts import latest, of_store


def write(claim: Claim, store: Path, file: Path) -> Path:
    """Write the page of a claim of the lab with its verdicts of a store, else as published, into a file;
    returns it.
    """
    page.check_installed()
    own, damaged = of_store(store)
    folders = {v.key: folder for folder, v in own if v.claim == claim.id}
    newest, _ = latest(store, claim)
    rest = [v for _, v in own if v.claim == claim.id and v.key not in {n.key for n in newest}]
    found = newest + rest
    rows = [verdict(v) | {"figure": _figure(folders.get(v.key))} for v in found]
    there = {v.key for v in found}
    return page.write(
        file,
        "claim.html",
        title=claim.statement,
        claim=claim,
        terms=_terms(claim),
        verdicts=rows,
        untested=[on(t.process, t.setting.run) for t in trials(claim) if t.key not in there],
        damaged=[sentence for sentence in damaged if f"{claim.id}-" in sentence],
    )


def _figure(folder: Path | None) -> str:
    """The figure of a verdict inside the page, where it is drawn."""
    file = folder / "figure.png" if folder else None
    if file is None or not file.exists():
        return ""
    return "data:image/png;base64," + base64.b64encode(file.read_bytes()).decode()


def _terms(claim: Claim) -> list[dict[str, str]]:
    """What was fixed beforehand: each criterion, control and rival, where it must be, and what it means if it
    is not.
    """
    rows = []
    sides: tuple[tuple[words.Kind, Sequence[Criterion]], ...]
    sides = ("criterion", claim.criteria), ("control", claim.controls)
    for kind, side in sides:
        for c in side:
            otherwise = words.otherwise(c.asked, kind, claim.means)
            row = {"name": c.name, "must": must(c.asked), "otherwise": otherwise}
            rows.append(row | {"kind": "rival" if c.rival else kind})
    return rows
