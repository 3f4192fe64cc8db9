"""The command `toylab report`: a run, a claim, a store or the published results as one page. Imports
JAX only for what is there.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.text import Text
from tyro.conf import Positional

from .arguments import Refused, parse
from .interrupt import check
from .refusal import claim_ids, store_read
from .terminal import printable

if TYPE_CHECKING:
    import train

PUBLISHED = "published"


@dataclass(frozen=True)
class Options:
    """Write one page, in a file that needs nothing beside it and no network."""

    what: Positional[str] = PUBLISHED
    """Folder of a finished run, id of a claim, folder of a store, or `published`: the verdicts that came with
    this version.
    """
    out: Annotated[Path, tyro.conf.arg(aliases=("-o",))] = Path("report.html")
    """File to write."""
    store: Path = Path("runs")
    """Of a claim: where its verdicts are looked for, before the published ones."""


def report(argv: list[str], console: Console) -> int:
    """Run the command; returns its exit status."""
    asked = parse(Options, argv, "toylab report")
    folder = Path(asked.what)
    if asked.out.is_dir():
        raise Refused(f"{asked.out} is a folder; give the name of a file with -o")
    store_read(asked.store)
    made = (folder / "report.json").exists()
    if not made and (folder / "recipe.json").exists():
        raise Refused(f"the run in {folder} has no report yet; `toylab run {folder}/recipe.json` makes one")
    if not folder.is_dir() and asked.what != PUBLISHED and asked.what.upper() not in claim_ids():
        raise Refused(
            f"{asked.what!r} is neither a folder, nor {PUBLISHED!r}, nor a claim (there are "
            f"{', '.join(claim_ids())})"
        )
    from ..families import CLAIMS
    from ..report import of_claim, of_store

    if made:
        _run(folder, asked.out, console)
    elif folder.is_dir() or asked.what == PUBLISHED:
        of_store.write(folder if folder.is_dir() else None, asked.out)
    else:
        of_claim.write(CLAIMS[asked.what.upper()], asked.store, asked.out)
    size = asked.out.stat().st_size / 1e6
    console.print(printable(f"{asked.out}: one page of {size:.1f} MB, for any browser"), soft_wrap=True)
    return 0


def _run(folder: Path, out: Path, console: Console) -> None:
    from ..report import of_run
    from .machine import prepare

    prepare()
    with console.status("") as status:

        def announce(stage: str, progress: "train.Progress | None") -> None:
            check()
            status.update(Text(printable(f"{stage} …")))

        of_run.write(folder, out, announce)
