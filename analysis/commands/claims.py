"""The commands about claims: `toylab claims | claim | reproduce`. Import JAX only for what
could be tested.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from tyro.conf import Positional

import processes

from ..claim import Setting
from .arguments import Refused, parse
from .refusal import claim_there, store_kept, store_read


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
    from . import tested

    return tested.claims(store, console)


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
