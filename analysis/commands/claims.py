"""The commands about claims: `toylab claims | claim | reproduce`. Import JAX only for what could be tested,
and for what a store of one's own holds.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tyro.conf import Positional

import processes

from ..claim import Kept, Setting, asked_on, on
from ..claim.latest import latest_of, published
from .arguments import Refused, parse
from .listing import contents
from .refusal import claim_there, store_kept, store_read
from .tables import OUTCOME_STYLE, called
from .terminal import printable


@dataclass(frozen=True)
class Listed:
    """List all claims with their latest verdict on each of their processes."""

    store: Path = Path("runs")
    """Folder of runs and verdicts."""


@dataclass(frozen=True)
class Where:
    """Where runs and verdicts are kept, and how large a test is."""

    setting: Annotated[Setting, tyro.conf.arg(name="")] = Setting()
    store: Path = Path("runs")
    """Folder of runs and verdicts; claims share the runs in it."""
    fresh: bool = False
    """Measure again although a verdict is there (finished runs are kept)."""
    accept_other_bits: bool = False
    """Go on with unfinished runs although they were begun where last bits differ; they say so ever after."""


@dataclass(frozen=True)
class One:
    """Test one claim."""

    claim: Positional[str]
    """Its id, as `toylab claims` lists it, or one of your own: FILE.py:NAME."""
    where: Annotated[Where, tyro.conf.arg(name="")] = Where()
    process: tuple[str, ...] = ()
    """Processes to put it to, named or in JSON files, in place of its own."""
    json: bool = False
    """Print the verdicts as JSON, one a line, and nothing else."""
    check: bool = False
    """Exit with status 1 unless it is supported on every process."""
    random: int | None = None
    """Put it to so many random processes, with small networks unless --size says otherwise, and report the
    smallest that refutes it.
    """


@dataclass(frozen=True)
class All:
    """Test all claims, or some, on their own processes. What is finished is not repeated; call it again to go
    on.
    """

    claims: Positional[tuple[str, ...]] = ()
    """Ids; all by default."""
    where: Annotated[Where, tyro.conf.arg(name="")] = Where()


def claims(argv: list[str], console: Console) -> int:
    """Every claim with its latest verdicts."""
    store = store_read(parse(Listed, argv, "toylab claims").store)
    today = {
        (t["claim"], t["process"], t["key"]): on(t["process"], int(t["run"])) for t in contents()["trials"]
    }
    own, damaged = _of_store(store, console)
    found = latest_of([*published(), *own], today)
    table = Table("claim", "statement", "on", "verdict", box=None, header_style="dim")
    for claim in contents()["claims"]:
        mine = [v for v in found if v.claim == claim["id"]]
        rows = [
            (printable(asked_on(v)), Text(printable(called(v)), style=OUTCOME_STYLE[v.outcome])) for v in mine
        ]
        asked = [where for (id, _, _), where in today.items() if id == claim["id"]]
        tested = {where for where, _ in rows}
        rows += [(where, Text("not tested yet", style="dim")) for where in asked if where not in tested]
        for i, (where, outcome) in enumerate(rows):
            table.add_row(*((claim["id"], claim["statement"]) if i == 0 else ("", "")), where, outcome)
    console.print(table)
    for sentence in damaged:
        console.print(f"not shown: {printable(sentence)}", style="yellow", soft_wrap=True)
    where = (
        f"verdicts of {store}, else as published with this version; `toylab claim ID` tests one, `toylab "
        "reproduce` all"
    )
    console.print(printable(where), style="dim")
    return 0


def _of_store(store: Path, console: Console) -> tuple[list[Kept], list[str]]:
    """The verdicts of a store, and a sentence for each that cannot be read. Imports nothing where there are
    none."""
    if not store.is_dir() or not any(store.iterdir()):
        return [], []
    from ..report.verdicts import of_store
    from .run import mention_earlier

    mention_earlier(store, console)
    own, damaged = of_store(store)
    return [verdict for _, verdict in own], damaged


def claim(argv: list[str], console: Console) -> int:
    """Test one claim: on its own processes, on yours, or on random ones."""
    asked = parse(One, argv, "toylab claim")
    claim_there(asked.claim)
    for process in asked.process:
        processes.source(process)
    if asked.random is not None:
        if asked.process or asked.where.fresh:
            raise Refused(
                f"--random {asked.random} draws its own processes and keeps its verdicts; leave out "
                "--process and --fresh"
            )
        if asked.random < 1:
            raise Refused(f"--random is {asked.random}; it must be at least 1")
    store_kept(asked.where.store)
    from . import tested

    return tested.claim(asked, console)


def reproduce(argv: list[str], console: Console) -> int:
    """Test all claims on their own processes; resumable."""
    asked = parse(All, argv, "toylab reproduce")
    for name in asked.claims:
        claim_there(name)
    store_kept(asked.where.store)
    from . import tested

    return tested.reproduce(asked, console)
