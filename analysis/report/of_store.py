"""The page of many verdicts: an index, with filters by family, process and verdict."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import train

from ..families import CLAIMS, FAMILIES, family, folder
from . import page
from .of_run import verdict
from .verdicts import in_order, latest, of_store

OWN = "claims of one's own"
"""Where claims stand that no family of the lab has."""


def write(store: Path | None, file: Path) -> Path:
    """Write the index of all verdicts that a store keeps, or, without one, of those that came with this
    version, into a file; returns it.

    Raises `train.RunError` if there are none.
    """
    page.check_installed()
    damaged: list[str]
    if store is None:
        found, damaged = latest(None)
        title, where = "Verdicts published with this version", ""
    else:
        own, damaged = of_store(store)
        found, where = in_order([kept for _, kept in own]), str(store)
        title = f"Verdicts of {store}"
    if not found and not damaged:
        raise train.RunError(f"{store} keeps no verdicts; `toylab claim` and `toylab run` make some")
    rows = [verdict(v) | {"family": _family(v.claim)} for v in found]
    return page.write(
        file,
        "index.html",
        title=title,
        where=where,
        verdicts=rows,
        damaged=damaged,
        families=_counted(rows, "family"),
        processes=_counted(rows, "asked"),
        outcomes=_counted(rows, "outcome"),
        questions={_named(f): f.QUESTION for f in FAMILIES},
    )


def _family(claim: str) -> str:
    return _named(family(claim)) if claim in CLAIMS else OWN


def _named(of: ModuleType) -> str:
    """A family as it is written: the name of its folder in words."""
    return folder(of).replace("_", " ")


def _counted(rows: Sequence[dict[str, Any]], of: str) -> list[tuple[str, int]]:
    """What there is to choose, with how many verdicts have it."""
    return sorted(Counter(row[of] for row in rows).items())
