"""MI3: how far each way of steering moves predictions, and how far they are moved by how much of it, along
the difference of means and along random vectors as long.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold, kept
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED
from ..mi03_steered import LEFT_THE_CLOUD, SHIFTS, Kind, Steered

WAYS: Mapping[Kind, str] = {
    "contrastive": "means",
    "covariance": "covariance",
    "learned": "learned",
    "random": "random",
    "logits": "logits",
    "written": "belief written",
    "swap": "stream swapped",
}
"""How a way of steering is called where room is scarce."""
LEAST = -0.6
"""Share of the way below which a network is drawn at the edge."""


def steering(fig: SubFigure, verdict: Verdict, shown: Steered) -> None:
    """MI3: share of the way to the counterfactual by each way, open at the edge where it is beyond; and log
    odds moved by log odds asked for, along means and random vectors, open where the cloud is left.
    """
    above, below = fig.subplots(2, 1)
    _shares(above, shown)
    _doses(below, shown)
    fig.legend(*below.get_legend_handles_labels(), loc="outside lower center", ncols=2, handlelength=1.2)


def _shares(ax: Axes, shown: Steered) -> None:
    found = {name: shown.share(kind) for kind, name in WAYS.items()}
    found |= {"everywhere": shown.everywhere, "untrained": shown.untrained}
    for i, (name, share) in enumerate(found.items()):
        colour = UNTRAINED if name == "untrained" else NULL if name in ("random", "logits") else TRAINED
        colour = GREEN if name == "stream swapped" else colour
        x = i + np.linspace(-0.2, 0.2, len(share))
        kept(ax, x, share, "o", low=LEAST, color=colour, markersize=3)
    ax.axhline(0, color=NULL, linewidth=0.7)
    ax.axhline(1, color=GREEN, linewidth=0.9, linestyle="--")
    ax.set_xticks(range(len(found)), list(found), rotation=40, ha="right", rotation_mode="anchor")
    ax.set(ylabel="share of the way")
    hold(ax, y=(-0.15, 1.1))


def _doses(ax: Axes, shown: Steered) -> None:
    curves = (
        ("random vectors", shown.moved_random, shown.outside_random, NULL),
        ("difference of means", shown.moved, shown.outside, TRAINED),
    )
    for name, moved, outside, colour in curves:
        inside = np.median(outside, 0) <= LEFT_THE_CLOUD
        for row in moved:
            ax.plot(SHIFTS, row, color=colour, linewidth=0.6, alpha=0.6)
        for k, at in enumerate(SHIFTS):
            column, face = moved[:, k], colour if inside[k] else "none"
            ax.plot(np.full(len(column), at), column, "o", color=colour, markerfacecolor=face, markersize=3)
        ax.plot([], [], "o-", color=colour, linewidth=0.6, markersize=3, label=name)
    ax.plot([], [], "o", color=BLACK, markerfacecolor="none", markersize=3, label="outside the cloud")
    ax.plot(SHIFTS, SHIFTS, color=GREEN, linewidth=0.9, linestyle="--", label="exact")
    ax.axhline(0, color=NULL, linewidth=0.7)
    reach = max(*(float(np.abs(moved).max()) for _, moved, *_ in curves), float(SHIFTS.max()))
    ax.set(xlabel="log odds asked for (nats)", ylabel="moved by (nats)")
    hold(ax, y=(-1.1 * reach, 1.1 * reach))
