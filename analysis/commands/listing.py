"""The command `toylab list`: what there is, one line an entry. Imports no JAX.

What experiments and claims say, and under which keys verdicts of today's rules are kept, stands in
`contents.json`, which `python docs/generate.py` writes: to ask them themselves would import all that they
measure with, and take seconds.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.text import Text
from tyro.conf import Positional

import processes

from .arguments import parse
from .terminal import printable

CONTENTS = Path(__file__).parents[1] / "contents.json"
Kind = Literal["all", "experiments", "claims", "processes"]
HEADS = {
    "experiments": ("experiments  (toylab run NAME)", "experiment"),
    "claims": ("claims", "claim"),
    "processes": ("processes  (toylab process NAME)", "process"),
}
"""What stands above the entries of a kind where somebody reads them, and before each where a program does."""


@dataclass(frozen=True)
class Options:
    """List what there is: experiments, claims and processes. A line each, of columns parted by tabs, where
    the output goes to another program.
    """

    what: Positional[Kind] = "all"
    """Which of them."""
    json: bool = False
    """Print machine-readable JSON instead."""


@cache
def contents() -> dict[str, list[dict[str, Any]]]:
    """Experiments (name, question), claims (id, statement, source), and the trials that claims have by
    default (claim, process, run, key).
    """
    return json.loads(CONTENTS.read_text())


def entries() -> dict[str, list[dict[str, Any]]]:
    """Everything that can be listed, by its kind."""
    of_processes = [
        {"name": name, "summary": entry.summary, "sets": dict(entry.sets)}
        for name, entry in processes.CATALOGUE.items()
    ]
    return {kind: contents()[kind] for kind in ("experiments", "claims")} | {"processes": of_processes}


def listing(argv: list[str], console: Console) -> int:
    """Run the command; returns its exit status."""
    asked = parse(Options, argv, "toylab list")
    found = {kind: those for kind, those in entries().items() if asked.what in ("all", kind)}
    if asked.json:
        print(json.dumps(found if asked.what == "all" else found[asked.what], indent=2))
        return 0
    for kind, those in found.items():
        head, one = HEADS[kind]
        if console.is_terminal:
            console.print(head, style="bold")
        for entry in those:
            name, said, more = [*map(_text, entry.values()), ""][:3]
            if console.is_terminal:
                console.print(Text(f"  {name:<18}{said}  ").append(more, style="dim"))
            else:
                print(*map(printable, (one, name, said, more)), sep="\t")
    return 0


def _text(value: Any) -> str:
    """The published sets of a process in a line."""
    if isinstance(value, dict):
        return "; ".join(f"{label}: {written}" for label, written in value.items())
    return value
