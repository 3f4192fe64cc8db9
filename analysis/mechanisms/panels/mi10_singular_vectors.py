"""MI10: what stands out of a random matrix, and which part of it moves predictions."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.style import GREEN, NULL, TRAINED, UNTRAINED
from ..mi10_singular_vectors import Directions

ASIDE = 0.16
"""Of a block, by which kinds of networks stand beside each other."""


def spectra(fig: SubFigure, verdict: Verdict, shown: Directions) -> None:
    """MI10: by block, the largest singular value of what the MLP writes over that of a random matrix; and the
    part of its direction, and of the direction most written on data, that moves predictions.
    """
    above, below = fig.subplots(2, 1, sharex=True)
    blocks = np.arange(1, len(shown.over_edge) + 1)
    _dots(above, blocks - ASIDE / 2, shown.over_edge, TRAINED, "networks")
    _dots(above, blocks + ASIDE / 2, shown.untrained_over_edge, UNTRAINED, "untrained")
    above.axhline(1.0, color=NULL, linewidth=0.9, linestyle=":")
    above.set(ylabel="largest singular value\nover a random matrix's")
    above.legend(loc="best", handlelength=1.2)
    _dots(below, blocks - ASIDE, shown.named, TRAINED, "singular direction")
    _dots(below, blocks, shown.on_data, GREEN, "most written on data")
    _dots(below, blocks + ASIDE, shown.untrained_named, UNTRAINED, "untrained, singular")
    below.axhline(shown.chance, color=NULL, linewidth=0.9, linestyle=":")
    below.set(xlabel="block", ylabel="part that moves\npredictions", xticks=blocks)
    hold(below, y=(0.0, None))
    fig.legend(
        *below.get_legend_handles_labels(),
        loc="outside lower center",
        handlelength=1.2,
        ncols=2,
        columnspacing=1.0,
        title="lower panel",
        title_fontsize=7.5,
    )


def _dots(ax: Axes, at: np.ndarray, values: np.ndarray, colour: str, label: str) -> None:
    x = np.repeat(at, values.shape[1])
    ax.plot(x, values.ravel(), "o", color=colour, markersize=3, alpha=0.8, markeredgewidth=0, label=label)
