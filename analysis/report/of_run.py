"""The page of a run: its question, its verdicts, and what its networks hold."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import train

from ..claim import Kept, asked_on, told
from ..figures.record import Record
from ..instruments.probing.unfolding import Unfolding
from ..lab import Announce
from . import page, plots, words
from .arrays import packed
from .points import Points, points, typical
from .training import over_training


def write(folder: Path, file: Path, announce: Announce) -> Path:
    """Write the page of a finished run, which has a report, into a file; returns it.

    What is not yet known of its training is measured first, and kept in its folder. Raises `train.RunError`
    if what the folder holds cannot be read.
    """
    page.check_installed()
    run, record = train.open_run(folder), Record(folder)
    seen = over_training(run, record, announce)
    announce("drawing", None)
    report = record.report
    probes = "layers" in report
    found = points(record) if probes else None
    figures: dict[str, Any] = dict(plots.loss(report, record.evidence))
    figures |= plots.beliefs(found) if found else plots.subsets(report)
    arrays = {"excess": seen.excess, **(_histories(found, seen) if found else {})}
    about = _about(record, found, seen)
    return page.write(
        file,
        "run.html",
        figures,
        title=report["question"],
        report=report,
        folder=str(folder),
        verdicts=[verdict(Kept.from_json(v)) for v in report["verdicts"]],
        arrays=packed(arrays),
        about=about,
        found=found,
        recipe=json.dumps(report["recipe"], indent=2),
        process=own.read_text() if (own := folder / "process.json").exists() else "",
        subsets=sorted(report.get("subsets", ()), key=lambda s: -s["load"]),
        far=_far(report),
    )


def verdict(kept: Kept) -> dict[str, Any]:
    """What a template is given of a verdict: its plain values, and what is said of it in words."""
    said = {"told": told(kept), "plainly": words.plainly(kept), "rows": words.findings(kept)}
    return kept.to_json() | {"on": asked_on(kept)} | said


def _histories(found: Points, seen: Unfolding) -> dict[str, np.ndarray]:
    """Everything that the page is told of histories, and of those that are followed over training."""
    place = found.plane.place
    at = {int(row): i for i, row in enumerate(found.rows)}
    return {
        **found.arrays,
        "followed": np.array([at[int(row)] for row in seen.rows], np.int32),
        "unfolding": place(seen.points.astype(np.float64)),
    }


def _about(record: Record, found: Points | None, seen: Unfolding) -> dict[str, Any]:
    """What the page's script has to know beside the arrays."""
    report = record.report
    about: dict[str, Any] = {
        "steps": seen.step.tolist(),
        "curve": [report["training"]["step"], np.mean(report["training"]["excess"], 0).tolist()],
    }
    if found is None:
        return about
    config = report["recipe"]["model"]
    return about | {
        "kind": found.plane.kind,
        "axes": list(found.plane.labels),
        "names": list(found.plane.names),
        "r2": seen.r2_of_shown.tolist(),
        "layers": ["embed", *(f"block {i}" for i in range(1, config["n_layers"] + 1))],
        "network": typical(record, "trained") + report["recipe"]["first_seed"],
        "by_layer": [
            [[None if np.isnan(v) else round(v, 5) for v in row] for row in step] for step in seen.r2.tolist()
        ],
    }


def _far(report: Mapping[str, Any]) -> int:
    """How many networks have more to learn than verdicts ask for."""
    shares, most = report.get("unlearned"), report.get("unlearned_at_most")
    return sum(share > most for share in shares) if shares and most is not None else 0
