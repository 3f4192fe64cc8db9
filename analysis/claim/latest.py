"""Which verdicts are shown: those that this version came with and those of a store, by their plain values.
Imports no JAX.
"""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

PUBLISHED = Path(__file__).parents[1] / "published"
"""The verdicts that this version of the lab came with."""
Asked = tuple[str, str, str]
"""A trial that a claim has by default: id of the claim, process as asked, key."""
SHOWN = "shown.npz"
"""In the folder of a verdict, the numbers that its figure is drawn from."""


def published(claim: str = "*") -> list[dict[str, Any]]:
    """The verdicts that this version came with, of one claim or of all."""
    return [json.loads(file.read_text()) for file in sorted(PUBLISHED.glob(f"{claim}/*.json"))]


def asked(values: dict[str, Any]) -> Asked:
    """Which trial a verdict is of."""
    return values["claim"], values["asked"], values["key"]


def latest_of(verdicts: Iterable[dict[str, Any]], today: Collection[Asked]) -> list[dict[str, Any]]:
    """The last of these verdicts on each trial of today."""
    return list({asked(v): v for v in verdicts if asked(v) in today}.values())


def published_numbers(verdict: dict[str, Any]) -> Path | None:
    """The file of the numbers that a published verdict's figure is drawn from; none where they did not come
    with it.
    """
    for file in sorted(PUBLISHED.glob(f"{verdict['claim']}/*.npz")):
        if asked(json.loads(file.with_suffix(".json").read_text())) == asked(verdict):
            return file
    return None
