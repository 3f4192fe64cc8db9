"""The published figure of a verdict with numbered marks, which docs/start.md explains: `python
docs/annotated.py` draws docs/figures/annotated.png.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.image import imread

from analysis.figures.style import BLACK, style, write

DOCS = Path(__file__).parent
FIGURE = DOCS / "results" / "BG1" / "mess3.png"
WRITTEN = DOCS / "figures" / "annotated.png"
DPI = 130
SIZE = (936, 539)
"""Pixels of the figure on which the marks were placed."""
MARKS = {
    1: (250, 12),  # the outcome
    2: (280, 50),  # trained networks
    3: (280, 234),  # untrained ones
    4: (300, 107),  # a baseline
    5: (680, 38),  # the criterion
    6: (500, 51),  # where it must not be
    7: (635, 51),  # how many networks
    8: (917, 143),  # a control of validity
    9: (776, 250),  # a rival
    10: (862, 157),  # the mean and its interval
    11: (840, 316),  # what does not apply
}
"""Where each number is, pixels from the left and from the top."""


def annotated(file: Path) -> Figure:
    """The figure with its marks. Raises `ValueError` if it is not of the size on which they were placed."""
    pixels = imread(file)
    height, width = pixels.shape[:2]
    if (width, height) != SIZE:
        raise ValueError(
            f"{file.name} is {width} x {height} pixels, not {SIZE[0]} x {SIZE[1]}, so the marks would "
            "lie beside what they mark: place MARKS of docs/annotated.py again, and set SIZE"
        )
    fig = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    ax = fig.add_axes((0, 0, 1, 1))
    ax.axis("off")
    ax.imshow(pixels, extent=(0, width, height, 0), interpolation="none", aspect="auto")
    for number, (x, y) in MARKS.items():
        ax.plot([x], [y], "o", markersize=11, color=BLACK, markeredgecolor="white", markeredgewidth=1.2)
        ax.text(
            x, y, str(number), color="white", fontsize=7, fontweight="bold", ha="center", va="center_baseline"
        )
    return fig


def main() -> None:
    """Draw it."""
    with style():
        write(annotated(FIGURE), WRITTEN, dpi=DPI)


if __name__ == "__main__":
    sys.exit(main())
