"""The command `toylab clean`. Imports JAX only where there is a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from .arguments import parse
from .interrupt import check
from .refusal import store_there
from .terminal import printable

if TYPE_CHECKING:
    from train.runs.room import Held

UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Options:
    """Say what a store holds, and what of it nobody needs; free that if asked to."""

    store: Positional[Path] = Path("runs")
    """Folder of runs and verdicts, or of one run."""
    yes: bool = False
    """Remove what nobody needs; otherwise it is only said."""


def clean(argv: list[str], console: Console) -> int:
    """Run the command; its status is 1 if anything that was to go had to stay."""
    asked = parse(Options, argv, "toylab clean")
    store_there(asked.store, "`toylab run` and `toylab claim` make one")
    from train.runs.room import free, held

    parts = held(asked.store)
    console.print(_table(asked.store, parts))
    spare = sum(part.size for part in parts if not part.needed)
    if not spare:
        console.print("nothing in it can be spared")
        return 0
    if not asked.yes:
        told = f"nothing was removed; `toylab clean {asked.store} --yes` frees {written(spare)}"
        console.print(printable(told), soft_wrap=True)
        return 0
    freed = stayed = 0
    for part, reason in free(parts):
        check()
        freed, stayed = freed + part.size * (not reason), stayed + bool(reason)
        if reason:
            console.print(printable(f"{part.folder} stays as it is: {reason}"), soft_wrap=True)
    console.print(f"freed {written(freed)}")
    return 1 if stayed else 0


def _table(store: Path, parts: "Sequence[Held]") -> Table:
    from train import program_cache
    from train.runs.room import Kind, size

    columns = f"in {printable(str(store))}", "number", "size", "can be spared"
    table = Table(*columns, box=None, header_style="dim")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in get_args(Kind):
        mine = [part for part in parts if part.kind == kind]
        if mine:
            total = sum(part.size for part in mine)
            table.add_row(kind, str(len(mine)), written(total), "" if mine[0].needed else written(total))
    verdicts = list((store / "claims").glob("*-*"))
    if verdicts and not (store / "recipe.json").exists():  # in a run folder they are part of it
        table.add_row("verdicts", str(len(verdicts)), written(sum(map(size, verdicts))), "")
    programs = program_cache().parent  # of all flags and versions
    table.add_row("compiled programs of all stores", "", written(size(programs)), "")
    return table


def written(size: int) -> str:
    """A number of bytes with its unit: "512 B", "3.1 MB"."""
    power = min(len(UNITS) - 1, max(0, (len(str(size)) - 1) // 3))
    value = size / 1000**power
    return f"{value:.0f} {UNITS[power]}" if power == 0 or value >= 9.95 else f"{value:.1f} {UNITS[power]}"
