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
DPI = 300
SIZE = (2160, 1540)
"""Pixels of the figure on which the marks were placed."""
MARKS = {
    1: (592, 27),  # the outcome
    2: (545, 510),  # trained networks
    3: (500, 1040),  # untrained ones
    4: (500, 915),  # a baseline
    5: (1580, 97),  # the criterion
    6: (1150, 142),  # where it must not be
    7: (1482, 145),  # how many networks
    8: (1828, 380),  # a control of validity
    9: (1804, 662),  # a rival
    10: (1890, 428),  # the mean and its interval
    11: (1859, 842),  # what does not apply
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
