"""BG15: learning a process in other words, on each kind of trunk."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import floored
from ...figures.layers import DASH_DOTTED, DASHED, DOTTED
from ...figures.style import BLACK, NULL, TRAINED, VERMILION, positive
from ..bg15_transfer import Role, Transfer

BELOW = 30.0
"""Times less than what is enough that curves are drawn: what comes after is not the matter."""
ROLES: Mapping[Role, tuple[str, str, Any]] = {
    "same structure": ("frozen trunk, same structure", TRAINED, "solid"),
    "other process": ("frozen trunk, decoy", VERMILION, DASHED),
    "random": ("frozen trunk, random", NULL, DASH_DOTTED),
    "scratch": ("all trained from scratch", BLACK, DOTTED),
}


def arrival(fig: SubFigure, verdict: Verdict, shown: Transfer) -> None:
    """BG15: excess during training: the geometric mean over networks, their range, and where each reached
    the floor.
    """
    ax, enough = fig.subplots(), float(positive(np.asarray(shown.enough["scratch"])))
    ax.set_yscale("log")
    for role, (label, colour, line) in ROLES.items():
        excess = floored(ax, shown.smooth(role), enough / BELOW)
        step = np.arange(1, excess.shape[1] + 1)
        ax.plot(step, np.exp(np.log(excess).mean(0)), color=colour, linestyle=line, label=label)
        ax.fill_between(step, excess.min(0), excess.max(0), color=colour, alpha=0.12, linewidth=0)
        steps = shown.steps(role)
        there = steps < excess.shape[1]
        ax.plot(
            steps[there], np.full(there.sum(), enough), "|", color=colour, markersize=7, markeredgewidth=0.9
        )
    ax.axhline(enough, color=BLACK, linewidth=0.6)
    ax.set(xscale="log", xlabel="step", ylabel="loss − floor, nats per token")
    ax.set_ylim(bottom=enough / BELOW / 1.2)
    ax.annotate(
        "reached",
        (0, enough),
        (3, -2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=7,
        va="top",
    )
    fig.legend(loc="outside lower center", ncols=2, fontsize=7, columnspacing=1.0)
