"""Verdicts that are there: those that came with this version, and those of a store."""

from collections.abc import Collection, Iterable
from pathlib import Path

import train

from ..claim import Claim, Kept
from ..claim.latest import Asked, latest_of, published
from ..families import CLAIMS
from ..lab import kept
from ..trial import trials


def of_store(store: Path) -> tuple[list[tuple[Path, Kept]], list[str]]:
    """Every verdict that a store keeps, with its folder, and a sentence for each that cannot be read."""
    own, damaged = [], []
    for folder in sorted((store / "claims").glob("*-*")):
        try:
            if (there := kept(folder)) is not None:
                own.append((folder, there))
        except train.RunError as reason:  # of one test: the others are shown all the same
            damaged.append(str(reason))
    return own, damaged


def asked_today(of: Iterable[Claim], on: Collection[tuple[str, str]] | None = None) -> set[Asked]:
    """The default trials of claims under today's rules, or of those on these processes alone: of others no
    key, which takes seconds for all, is worked out.
    """
    mine = (t for claim in of for t in trials(claim) if on is None or (claim.id, t.process) in on)
    return {(t.claim.id, t.process, t.key) for t in mine}


def latest(
    store: Path | None, of: Claim | None = None, today: Collection[Asked] | None = None
) -> tuple[list[Kept], list[str]]:
    """The verdicts of today's rules (`asked_today`, unless they are given) at the default size, from a store
    and, where it has none (or there is no store), as published; in order of claims, or of one claim alone.

    And a sentence for each that is in the store and cannot be read.
    """
    own, damaged = of_store(store) if store is not None else ([], [])
    found = [*published(of.id if of else "*"), *(verdict for _, verdict in own)]
    if today is None:
        today = asked_today((of,) if of else CLAIMS.values(), {(v.claim, v.asked) for v in found})
    return in_order(latest_of(found, today)), damaged


def in_order(verdicts: Iterable[Kept]) -> list[Kept]:
    """Verdicts in the order of their claims; those of claims of one's own last."""
    order = {id: i for i, id in enumerate(CLAIMS)}
    return sorted(verdicts, key=lambda v: order.get(v.claim, len(order)))
