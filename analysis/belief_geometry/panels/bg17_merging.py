"""BG17: histories of equal belief along the depth of a network."""

import numpy as np
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.layers import DOTTED
from ...figures.style import NULL, TRAINED, UNTRAINED
from ..bg17_merging import Separations


def told_apart(fig: SubFigure, verdict: Verdict, shown: Separations) -> None:
    """BG17: distance within equal belief over distance between beliefs, after every layer, trained and
    untrained.
    """
    ax, trained, untrained = fig.subplots(), shown.trained, shown.untrained
    x = np.arange(trained.shape[1])
    ax.fill_between(
        x,
        untrained.min(0),
        untrained.max(0),
        facecolor="none",
        edgecolor=UNTRAINED,
        hatch="////",
        linewidth=0.5,
    )
    ax.plot(
        x,
        untrained.mean(0),
        color=UNTRAINED,
        linestyle=(0, (4, 2)),
        marker="x",
        markersize=3.5,
        label=f"untrained ({len(untrained)} networks)",
    )
    ax.plot(x, trained.T, color=TRAINED, linewidth=0.5, alpha=0.5)
    ax.plot(
        x,
        trained.mean(0),
        color=TRAINED,
        marker="o",
        markersize=3.5,
        label=f"trained (mean and each of {len(trained)})",
    )
    ax.axhline(1, color=NULL, linewidth=0.7, linestyle=DOTTED)
    ax.annotate(
        "as far apart as any two",
        (1, 1),
        (-2, 2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=7,
        ha="right",
    )
    ax.set_xticks(x, ["embed", *map(str, x[1:])])
    ax.set_xlabel("residual stream after block")
    ax.set_ylabel("distance within equal belief\n/ between beliefs", fontsize=7)
    hold(ax, y=(0.0, 1.08 * ax.dataLim.y1))
    fig.legend(loc="outside lower center", ncols=1, fontsize=7)
