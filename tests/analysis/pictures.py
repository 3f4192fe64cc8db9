"""The figure of a verdict as a picture: what `draw` writes, of its two files the one that is looked at."""

from pathlib import Path
from typing import Any

from analysis.families import CLAIMS, panels
from analysis.figures.style import style, write
from analysis.figures.verdict import figure


def picture(values: dict[str, Any], evidence: Any, folder: Path) -> int:
    """How many bytes the picture of a verdict on some evidence has."""
    claim, file = CLAIMS[values["claim"]], folder / "figure.png"
    with style():
        write(figure(values, claim.drawing(claim.numbers(evidence)), panels()), file)
    return file.stat().st_size
