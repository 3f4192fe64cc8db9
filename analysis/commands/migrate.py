"""The command `toylab migrate`. Imports JAX only where there is a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from tyro.conf import Positional

from .arguments import parse
from .interrupt import check
from .refusal import store_there
from .terminal import printable

if TYPE_CHECKING:
    from .takeover import Moved


@dataclass(frozen=True)
class Options:
    """Take over runs and verdicts of earlier versions, so that they are found again: they are known by
    another name then, and stay as they are.
    """

    store: Positional[Path] = Path("runs")
    """Folder of runs, or of one run."""
    unverified: bool = False
    """Also where former hashes cannot be made again, because they hang on the processor that made them."""


def migrate(argv: list[str], console: Console) -> int:
    """Run the command; its status is 1 if anything had to stay as it was."""
    asked = parse(Options, argv, "toylab migrate")
    store_there(asked.store, "give the folder of runs and verdicts that is to be taken over")
    from .takeover import migrate as take_over

    def watch(moved: "Moved") -> None:
        check()
        console.print(
            printable(f"{moved.path}: {'now ' + moved.told if moved.done else 'stays: ' + moved.told}"),
            soft_wrap=True,
        )

    found = take_over(asked.store, unverified=asked.unverified, watch=watch)
    left = sum(not moved.done for moved in found)
    console.print(printable(f"{len(found) - left} taken over, {left} left as they are, in {asked.store}"))
    return 1 if left else 0
