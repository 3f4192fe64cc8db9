"""MI7: what rounding does to predictions and to probes of beliefs, bit by bit."""

import numpy as np
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.style import BLACK, NULL, TRAINED, VERMILION
from ...instruments.interventions.quantisation import WAYS, Way
from ..mi07_quantisation import BITS, DOUBLE, Rounded

WORDS: dict[Way, str] = {"nearest": "to the nearest", "compensated": "error-compensated"}


def bits(fig: SubFigure, verdict: Verdict, shown: Rounded) -> None:
    """MI7: what is left to learn and what is left unexplained of beliefs, times what they were, as weights
    have fewer bits; a panel for each way of rounding, means over networks thick.
    """
    axes = fig.subplots(len(WAYS), 1, sharex=True, sharey=True)
    for ax, way in zip(axes, WAYS, strict=True):
        for curves, colour, style, name in (
            (shown.predictions(way), VERMILION, "-", "prediction (KL)"),
            (shown.beliefs(way), TRAINED, "--", "beliefs (1 - R²)"),
        ):
            ax.plot(BITS, np.exp2(curves).T, style, color=colour, linewidth=0.4, alpha=0.5)
            mean = np.exp2(np.nanmean(curves, axis=0))
            ax.plot(BITS, mean, style, color=colour, linewidth=1.6, label=name)
        ax.axhline(2**DOUBLE, color=BLACK, linewidth=0.7, linestyle=":", label="doubled")
        ax.axhline(1, color=NULL, linewidth=0.5)
        ax.set_yscale("log")
        ax.set_title(WORDS[way])
        ax.set_ylabel("times as before")
    axes[-1].set_xlabel("bits per weight")
    axes[-1].set_xlim(BITS[0] + 0.3, BITS[-1] - 0.3)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, columnspacing=1.2)
