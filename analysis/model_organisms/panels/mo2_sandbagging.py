"""Sandbagging drawn: clean training that brings the topic back, what a probe reads, and how well the arms are
told apart.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import floored, hold
from ...figures.layers import DASH_DOTTED, DASHED
from ...figures.style import BLACK, GREEN, NULL, TRAINED, VERMILION, entries
from ...figures.verdict import Panel
from ..mo2_sandbagging import Sandbagging
from ..sandbagging import ELICITED
from .accuracies import accuracies
from .levels import level

LEAST = 1e-5
"""Of what is lacking, as good as none."""
ARMS = {
    "intent": (TRAINED, "o", "solid"),
    "accident": (VERMILION, "s", DASHED),
    "locked": (GREEN, "^", DASH_DOTTED),
}


def alike_outside(fig: SubFigure, verdict: Verdict, s: Sandbagging) -> None:
    """MO2: what is lacking of the topic along clean training on it, by arm; R2 of its beliefs at every site
    before that; and accuracies of detection.
    """
    rows: Any = [["curve", "read"], ["told", "told"]]
    axes = fig.subplot_mosaic(rows, height_ratios=(1.7, 1))
    _curves(axes["curve"], s)
    _read(axes["read"], s)
    groups = {
        "intent or accident": (TRAINED, "o", s.told),
        "locked or accident": (GREEN, "^", s.locked),
    }
    accuracies(axes["told"], groups)
    both = entries(axes["curve"], axes["told"])
    fig.legend(*both, loc="outside lower center", ncols=3, fontsize=7, columnspacing=0.8)


def _curves(ax: Axes, s: Sandbagging) -> None:
    for arm, e in s.elicited.items():
        colour, marker, line = ARMS[arm]
        x = 1 + e.steps
        lacking = floored(ax, e.lacking, LEAST)
        ax.plot(x, lacking.T, color=colour, linewidth=0.4, alpha=0.4)
        mean = np.exp(np.log(lacking).mean(0))
        ax.plot(x, mean, color=colour, linestyle=line, label=arm)
        ax.plot(x[::4], mean[::4], marker, color=colour, markersize=3)
    level(ax, ELICITED, "elicited", NULL, "solid", "left")
    level(ax, s.hidden, "what is hidden", NULL, DASHED, "right")
    ax.set(xscale="log", yscale="log")
    ax.set_xlabel("1 + clean steps", fontsize=7)
    ax.set_ylabel("share lacking", fontsize=7)
    ax.tick_params(labelsize=7)


def _read(ax: Axes, s: Sandbagging) -> None:
    sites = np.arange(len(s.sites))
    for name, r2 in s.read.items():
        colour, marker, line = ARMS.get(name, (BLACK, "D", "solid"))
        ax.plot(sites, r2.mean(0), color=colour, linestyle=line, marker=marker, markersize=3)
        ax.vlines(sites, r2.min(0), r2.max(0), color=colour, linewidth=0.6)
        if name not in ARMS:
            ax.annotate(
                name, (sites[-1], r2.mean(0)[-1]), (0, 3), textcoords="offset points", fontsize=7, ha="right"
            )
    ax.set_xticks(sites, ["e", *map(str, sites[1:])])
    ax.set_xlabel("after block", fontsize=7)
    ax.set_ylabel("R² of beliefs", fontsize=7)
    hold(ax, y=(None, 1.0))
    ax.tick_params(labelsize=7)


PANELS: Mapping[str, Panel] = {"MO2": alike_outside}
