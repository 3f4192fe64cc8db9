"""The figure of a verdict as a picture: what `draw` writes, of its two files the one that is looked at."""

from pathlib import Path
from typing import Any

from analysis.families import CLAIMS, panels
from analysis.figures.style import style, write
from analysis.figures.verdict import figure


def picture(values: dict[str, Any], evidence: Any, folder: Path) -> int:
    """How many bytes the picture of a verdict on some evidence has."""
    claim = CLAIMS[values["claim"]]
    return write_picture(values, claim.drawing(claim.numbers(evidence)), folder)


def write_picture(values: dict[str, Any], shown: Any, folder: Path) -> int:
    """The same of what its figure is drawn from."""
    file = folder / "figure.png"
    with style():
        write(figure(values, shown, panels()), file)
    return file.stat().st_size
