"""MI14: how far ways of running are apart, and how often drafts are kept."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import floored, hold
from ...figures.style import GREEN, NULL, TRAINED, UNTRAINED, positive
from ...instruments.serving import WAYS
from ..mi14_serving import ORDERS, ROUNDING, Served


def serving(fig: SubFigure, verdict: Verdict, shown: Served) -> None:
    """MI14: the largest total variation of a prediction by each way of running, with the bound of rounding;
    and the share of drafts kept by what they know, beside the exact one.
    """
    above, below = fig.subplots(2, 1)
    _ways(above, shown)
    _drafts(below, shown)


def _ways(ax: Axes, shown: Served) -> None:
    least = 1e-9  # as good as none
    ax.set_xscale("log")
    for row, apart in enumerate(shown.apart):
        ax.plot(
            floored(ax, apart, least, axis="x"), np.full(len(apart), row), "o", color=TRAINED, markersize=3.5
        )
    ax.axvline(ROUNDING, color=NULL, linewidth=0.9, linestyle=":")
    ax.set(
        xlim=(least / 1.5, max(ROUNDING, positive(shown.apart).max()) * 3),
        xlabel="largest total variation from one batch",
        yticks=range(len(WAYS)),
        yticklabels=[
            "one by one",
            "permuted",
            "token by token",
            "shared beginnings",
            "shared pages",
            "prefix tree",
        ],
    )
    ax.invert_yaxis()


def _drafts(ax: Axes, shown: Served) -> None:
    for k, kept, new in zip(ORDERS, shown.kept, shown.untrained, strict=True):
        ax.plot(np.full(len(new), k), new, "o", color=UNTRAINED, markersize=3, label="untrained")
        ax.plot(np.full(len(kept), k), kept, "o", color=TRAINED, markersize=3.5, label="networks")
    ax.plot(ORDERS, shown.exact, "_", color=GREEN, markersize=16, label="exact: Σ min(p, q)")
    handles, labels = ax.get_legend_handles_labels()
    one = dict(zip(labels, handles, strict=True))
    ax.legend(one.values(), one.keys(), loc="lower right", handlelength=1.4)
    least = ax.dataLim.y0
    ax.set(xlabel="tokens that the draft knows", ylabel="share of drafts kept")
    ax.set_xticks(ORDERS)
    hold(ax, y=(least - 0.8 * (1.02 - least), 1.02))  # room for the legend
