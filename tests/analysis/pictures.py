"""The figure of a verdict as a picture: what `draw` writes, of its two files the one that is looked at."""

from pathlib import Path
from typing import Any

from analysis.claim import Verdict
from analysis.families import CLAIMS, panels
from analysis.figures.style import style, write
from analysis.figures.verdict import figure


def picture(verdict: Verdict, evidence: Any, folder: Path) -> int:
    """How many bytes the picture of a verdict on some evidence has."""
    claim = CLAIMS[verdict.claim]
    return write_picture(verdict, claim.drawing(claim.numbers(evidence)), folder)


def write_picture(verdict: Verdict, shown: Any, folder: Path) -> int:
    """The same of what its figure is drawn from."""
    file = folder / "figure.png"
    with style():
        write(figure(verdict, shown, panels()), file)
    return file.stat().st_size
