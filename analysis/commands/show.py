"""The command `toylab show`: the tables of a finished run again. Imports JAX only where there is one."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from tyro.conf import Positional

from .arguments import finished, parse


@dataclass(frozen=True)
class Folder:
    """Print the table of a finished run again."""

    folder: Positional[Path]
    """A run folder, as `toylab run` made it."""


def show(argv: list[str], console: Console) -> int:
    """Run the command; returns its exit status."""
    folder = finished(parse(Folder, argv, "toylab show").folder)
    from .run import told

    told(folder, console)
    return 0
