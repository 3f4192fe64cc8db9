"""The command `toylab merge`: one table out of those that the shards of a sweep wrote. Imports JAX
only where there are such tables.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from tyro.conf import Positional

from .arguments import Refused, parse
from .terminal import printable


@dataclass(frozen=True)
class Options:
    """Write the union of the tables of a sweep's shards, in the order of the whole sweep. The exit status is
    1 if the tables say that a shard is missing.
    """

    table: Positional[Path]
    """File for the union."""
    shards: Positional[tuple[Path, ...]]
    """Tables of the shards, in whatever order."""


def merge(argv: list[str], console: Console) -> int:
    """Run the command; returns its exit status."""
    asked = parse(Options, argv, "toylab merge")
    if not asked.shards:
        raise Refused("no tables are given that could be merged; name those of the shards")
    if missing := [path for path in asked.shards if not path.is_file()]:
        raise Refused(f"there is no table {missing[0]}; name those that the shards have written")
    from train.sweeps.table import merge_tables, shard_of

    found = {path: shard_of(path) or _shard(path) for path in asked.shards}
    shards = sorted(found, key=lambda path: found[path])
    combinations = merge_tables(shards, asked.table)
    console.print(
        printable(f"{combinations} combinations of {len(shards)} shards are in {asked.table}"), soft_wrap=True
    )
    n = max(of for _, of in found.values())
    absent = sorted(set(range(1, n + 1)) - {i for i, _ in found.values()}) if n else []
    if absent:
        console.print(f"of {n} shards are missing: {', '.join(map(str, absent))}")
    return 1 if absent else 0


def _shard(path: Path) -> tuple[int, int]:
    """Which shard of how many, as `toylab sweep` names its table, which said no more in earlier versions;
    zeros where the name does not say so.
    """
    told = re.search(r"-([0-9]+)of([0-9]+)$", path.stem)
    return (int(told[1]), int(told[2])) if told else (0, 0)
