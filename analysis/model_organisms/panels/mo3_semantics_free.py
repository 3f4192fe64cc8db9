"""Variants drawn: two results in other words, and with other components."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.style import NULL, TRAINED
from ...figures.verdict import Panel
from ...instruments.statistics import interval
from ..mo3_semantics_free import LOGS, SHARES, VARIANTS, Variants


def unchanged(fig: SubFigure, verdict: Verdict, v: Variants) -> None:
    """MO3: both results in every variant, a mark for each network and the interval of their mean; shaded,
    what counts as equal to the mean as written.
    """
    axes = fig.subplots(1, 2, sharey=True)
    for ax, found, margin, name in (
        (axes[0], v.left, SHARES, "share of the backdoor left"),
        (axes[1], v.slower, LOGS, "log steps,\naccident over intent"),
    ):
        middle = float(found[VARIANTS[0]].mean())
        ax.axvspan(middle - margin, middle + margin, color=NULL, alpha=0.15, linewidth=0)
        for row, variant in enumerate(VARIANTS):
            x = found[variant]
            y = row + np.linspace(-0.15, 0.15, len(x))
            ax.plot(x, y, "o", color=TRAINED, markersize=2.5, markerfacecolor="none", markeredgewidth=0.5)
            mean, low, high = interval(x)
            ax.plot([low, high], [row + 0.3] * 2, color=TRAINED, linewidth=1.2)
            ax.plot(mean, row + 0.3, "|", color=TRAINED, markersize=6)
        ax.set_xlabel(name, fontsize=7)
        ax.tick_params(labelsize=7)
    axes[0].set_yticks(range(len(VARIANTS)), VARIANTS)
    axes[0].set_ylim(len(VARIANTS) - 0.4, -0.5)


PANELS: Mapping[str, Panel] = {"MO3": unchanged}
