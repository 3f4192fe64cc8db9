"""The command `toylab figure`: a figure of a run or of a verdict for a paper or a talk, from what is kept.
Imports JAX only where something is kept.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

import tyro
from rich.console import Console
from tyro.conf import Positional

from ..figures import paper
from ..figures.verdict import Half
from .arguments import Refused, finished, parse
from .refusal import claim_ids, store_read

PAGE = "4.8in"
"""Width of a picture for a talk, if none is asked for; and of text on a page of LaTeX's article."""


@dataclass(frozen=True)
class Options:
    """Draw a figure from what is kept, at the width at which it is printed, and write LaTeX beside it:
    FILE.tex holds a caption with what is shown, of how many networks, and how it is made again.
    """

    what: Positional[str]
    """Folder of a finished run, or id of a claim."""
    out: Annotated[Path, tyro.conf.arg(aliases=("-o",))]
    """File to write: .pdf, .svg or .png, or .gif with --animate; .csv for the numbers that are drawn."""
    panel: str = ""
    """Of a run: one of its figures, as `layers`, or a panel of one, as `simplex/trained`; by default that of
    beliefs. Of a claim: `evidence` or `findings`, in place of both.
    """
    process: str = ""
    """Of a claim: the process of the verdict, where there are several."""
    width: str = PAGE
    """Width in print, in in, cm, mm or pt; letters are 7 points or more at it."""
    store: Path = Path("runs")
    """Of a claim: where its verdicts are kept."""
    animate: bool = False
    """Of a run: beliefs over its training, as a GIF."""


def figure(argv: list[str], console: Console) -> int:
    """Run the command; returns its exit status."""
    asked = parse(Options, argv, "toylab figure")
    width, of = paper.inches(asked.width), _what(asked)
    from . import figure_of

    if asked.animate:
        figure_of.animated(asked, width, console)
    else:
        figure_of.still(asked, of, width, shlex.join(["toylab", "figure", *argv]), console)
    return 0


def _what(asked: Options) -> Literal["run", "claim"]:
    """What is drawn. Raises `Refused`, or `processes.ProcessError`, for what could not be."""
    folder = Path(asked.what)
    if asked.animate:
        if asked.out.suffix != ".gif":
            raise Refused(f"--animate writes a GIF, not {asked.out}; give -o a name that ends in .gif")
        finished(folder)
        return "run"
    paper.checked(asked.out)
    if folder.is_dir():
        finished(folder)
        return "run"
    if asked.what.upper() not in claim_ids():
        raise Refused(f"{asked.what!r} is neither a folder nor a claim (there are {', '.join(claim_ids())})")
    if asked.panel not in ("", *get_args(Half)):
        raise Refused(f"--panel is {asked.panel!r}; of a claim it is {' or '.join(get_args(Half))}")
    store_read(asked.store)
    return "claim"
