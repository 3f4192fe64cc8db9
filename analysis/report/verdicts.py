"""Verdicts that are there: those that came with this version, and those of a store."""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import train

from ..claim import Claim
from ..families import CLAIMS
from ..lab import kept
from ..trial import trials

PUBLISHED = Path(__file__).parents[1] / "published"
"""The verdicts that this version of the lab came with."""


def of_store(store: Path) -> tuple[list[tuple[Path, dict[str, Any]]], list[str]]:
    """Every verdict that a store keeps, with its folder, and a sentence for each that cannot be read."""
    own, damaged = [], []
    for folder in sorted((store / "claims").glob("*-*")):
        try:
            if (there := kept(folder)) is not None:
                own.append((folder, there))
        except train.RunError as reason:  # of one test: the others are shown all the same
            damaged.append(str(reason))
    return own, damaged


Asked = tuple[str, str, str]
"""A trial that a claim has by default: id of the claim, process as asked, key."""


def asked_today(of: Iterable[Claim], on: Collection[tuple[str, str]] | None = None) -> set[Asked]:
    """The default trials of claims under today's rules, or of those on these processes alone: of others no
    key, which takes seconds for all, is worked out.
    """
    mine = (t for claim in of for t in trials(claim) if on is None or (claim.id, t.process) in on)
    return {(t.claim.id, t.process, t.key) for t in mine}


def latest(
    store: Path | None, of: Claim | None = None, today: Collection[Asked] | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """The verdicts of today's rules (`asked_today`, unless they are given) at the default size, from a store
    and, where it has none (or there is no store), as published; in order of claims, or of one claim alone.

    And a sentence for each that is in the store and cannot be read.
    """
    asked = f"{of.id}/*.json" if of else "*/*.json"
    published = [json.loads(file.read_text()) for file in sorted(PUBLISHED.glob(asked))]
    own, damaged = of_store(store) if store is not None else ([], [])
    found = [(v["claim"], v["asked"], v["key"], v) for v in (*published, *(values for _, values in own))]
    if today is None:
        on = {(claim, asked) for claim, asked, _, _ in found}
        today = asked_today((of,) if of else CLAIMS.values(), on)
    newest = {(claim, asked, key): v for claim, asked, key, v in found if (claim, asked, key) in today}
    return in_order(newest.values()), damaged


def in_order(verdicts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Verdicts in the order of their claims; those of claims of one's own last."""
    order = {id: i for i, id in enumerate(CLAIMS)}
    return sorted(verdicts, key=lambda v: order.get(v["claim"], len(order)))
