"""`toylab process`: the ground-truth card of a process, and its portrait."""

import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from tyro.conf import Positional

import processes
from processes.values.whole_file import write_text

from .arguments import parse
from .refusal import one_sentence
from .terminal import printable


@dataclass(frozen=True)
class _Card:
    """Print the ground-truth card of a process."""

    name: Positional[str]
    """NAME, NAME:published_set, or "NAME(parameter=value, ...)"."""
    json: bool = False
    """Print machine-readable JSON instead."""
    n_ctx: int = 10
    """Context length up to which h(L) and the loss floor are listed."""
    figure: Path | None = None
    """Also draw its mixed states, state graph and h(L) into this .pdf, .svg or .png file, or write its state
    graph into a .dot file, for Graphviz."""


def process(argv: list[str], console: Console) -> int:
    """Ground-truth card of a process: matrices, entropies, mixed states, loss floor."""
    asked = parse(_Card, argv, "toylab process")
    with one_sentence():  # what is told of the output is another sentence
        if asked.n_ctx < 1:
            raise processes.ProcessError(f"n_ctx is {asked.n_ctx}; it must be at least 1")
        process = processes.source(asked.name)
        if not isinstance(process, processes.Process):
            return _print_question(process, asked, console)
        if asked.figure is not None and asked.figure.suffix == ".dot":
            asked.figure.parent.mkdir(parents=True, exist_ok=True)
            write_text(asked.figure, processes.to_dot(process))
        elif asked.figure is not None:
            from ..figures.portrait import save_portrait

            save_portrait(process, asked.figure)
        values = processes.card(process, n_ctx=asked.n_ctx)
    if asked.json:
        print(json.dumps(values, indent=2))
    else:
        from .card_tables import card

        card(values, console)
    return 0


def _print_question(made: processes.constraints.Question, asked: _Card, console: Console) -> int:
    if asked.figure is not None:
        raise processes.ProcessError(f"{made.name} has no mixed states to draw; leave out --figure")
    if asked.json:
        print(json.dumps(made.card(), indent=2))
        return 0
    for name, value in printable(made.card()).items():
        console.print(f"  {name:<40}{value if isinstance(value, str | int) else f'{value:.6f}'}")
    return 0
