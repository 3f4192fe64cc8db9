"""Which verdicts are shown: those that this version came with and those of a store.
Imports no JAX.
"""

import json
from collections.abc import Collection, Iterable
from pathlib import Path

from .kept import Kept

PUBLISHED = Path(__file__).parents[1] / "published"
"""The verdicts that this version of the lab came with."""
Asked = tuple[str, str, str]
"""A trial that a claim has by default: id of the claim, process as asked, key."""
SHOWN = "shown.npz"
"""In the folder of a verdict, the numbers that its figure is drawn from."""


def published(claim: str = "*") -> list[Kept]:
    """The verdicts that this version came with, of one claim or of all."""
    return [read(file) for file in sorted(PUBLISHED.glob(f"{claim}/*.json"))]


def read(file: Path) -> Kept:
    """The verdict in a file that came with this version."""
    return Kept.from_json(json.loads(file.read_text()))


def asked(verdict: Kept) -> Asked:
    """Which trial a verdict is of."""
    return verdict.claim, verdict.asked, verdict.key


def latest_of(verdicts: Iterable[Kept], today: Collection[Asked]) -> list[Kept]:
    """The last of these verdicts on each trial of today."""
    return list({asked(v): v for v in verdicts if asked(v) in today}.values())


def published_numbers(verdict: Kept) -> Path | None:
    """The file of the numbers that a published verdict's figure is drawn from; none where they did not come
    with it.
    """
    for file in sorted(PUBLISHED.glob(f"{verdict.claim}/*.npz")):
        if asked(read(file.with_suffix(".json"))) == asked(verdict):
            return file
    return None
