"""`toylab new`: a file of a process of one's own, to be changed and run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from tyro.conf import Positional

import processes
from processes.interchange.template import template
from processes.values.whole_file import write_text

from .arguments import Refused, parse
from .refusal import one_sentence
from .terminal import printable


@dataclass(frozen=True)
class _New:
    """Write the file of a process of your own: notes say what everything means, and it runs as it is."""

    file: Positional[Path]
    """Where to: a path that ends in .json, of a file that is not there yet."""
    like: str = "nemo"
    """The process whose numbers to begin with."""
    emission: Literal["edges", "states"] = "edges"
    """Whether symbols are emitted on the way between states (labelled transition matrices), or by states (a
    transition and an emission matrix, as most libraries have them; with numbers of its own).
    """


def new(argv: list[str], console: Console) -> int:
    """Write a template; returns the exit status."""
    asked = parse(_New, argv, "toylab new")
    if asked.file.suffix != ".json":
        raise Refused(
            f"{printable(str(asked.file))} must end in .json, so that commands know it for a process"
        )
    if asked.file.exists():
        raise Refused(f"{printable(str(asked.file))} is there already; choose another name, or remove it")
    with one_sentence():
        text = template(
            str(asked.file), like=processes.named(asked.like), states_emit=asked.emission == "states"
        )
        asked.file.parent.mkdir(parents=True, exist_ok=True)
        write_text(asked.file, text)
    name = printable(str(asked.file))
    console.print(f"{name} is written; change its numbers, then", soft_wrap=True)
    console.print(f"  toylab process {name}      what is true of it, at once", soft_wrap=True)
    console.print(f"  toylab run {name}          whether networks learn it, in minutes", soft_wrap=True)
    return 0
