"""MI11: what each part adds to the logits, and how their sum differs from that of independent parts."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import floored
from ...figures.style import GREEN, NULL, TRAINED, UNTRAINED, positive
from ..mi11_small_heuristics import Bunch

LEAST = 1e-4
"""Share of the variance that is as good as none."""
TICKS = (0.5, 1, 2, 4)
"""Of ratios, on their logarithmic axis."""


def parts(fig: SubFigure, verdict: Verdict, shown: Bunch) -> None:
    """MI11: by part, its variance over that of the logits and by how much a Gaussian fits it better than a
    Laplace distribution; below, the variance of the sum over that of independent parts, and the effective
    number of parts, with the most that exact logits leave to independent ones (dashed).
    """
    axes = fig.subplot_mosaic([["share", "shape"], ["sums", "sums"]], height_ratios=(2.4, 1))
    names = [part.replace("blocks.", "block ").replace(".", ", ") for part in shown.parts]
    axes["share"].set_xscale("log")
    share = floored(axes["share"], shown.share, LEAST, axis="x")
    for name, of in (("share", share), ("shape", shown.gaussian)):
        rows = [(label, row, TRAINED) for label, row in zip(names, of, strict=True)]
        _dots(axes[name], rows)
    axes["share"].set_xlabel("share of variance")
    axes["shape"].axvline(0, color=NULL, linewidth=0.7)
    axes["shape"].set(xlabel="Gaussian - Laplace", yticklabels=[])
    ratios = [
        ("sum / independent", shown.together, TRAINED),
        ("untrained", shown.untrained, UNTRAINED),
        ("dealt out apart", shown.dealt, NULL),
        ("effective parts", shown.effective, TRAINED),
    ]
    below = axes["sums"]
    _dots(below, [(name, positive(of), colour) for name, of, colour in ratios])
    below.axvline(1, color=NULL, linewidth=0.7, linestyle=":")
    last = len(ratios) - 1
    below.plot([shown.allowed] * 2, [last - 0.4, last + 0.4], color=GREEN, linewidth=1.2, linestyle="--")
    below.set(xscale="log", xlabel="times (dashed: most that could be independent)")
    below.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    below.minorticks_off()


def _dots(ax: Axes, rows: list[tuple[str, np.ndarray, str]]) -> None:
    for place, (_, of, colour) in enumerate(rows):
        aside = np.linspace(-0.15, 0.15, len(of)) if len(of) > 1 else np.zeros(1)
        ax.plot(of, place + aside, "o", color=colour, markersize=3, alpha=0.8, markeredgewidth=0)
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
