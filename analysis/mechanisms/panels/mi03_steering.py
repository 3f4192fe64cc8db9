"""MI3: how far each way of steering moves predictions, and how far they are moved by how much of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED
from ..steered import LEFT_THE_CLOUD, SHIFTS, Kind, Steered

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


def steering(fig: SubFigure, values: dict[str, Any], shown: Steered) -> None:
    """MI3: share of the way to the counterfactual by each way; and log odds moved by log odds asked for."""
    above, below = fig.subplots(2, 1)
    _shares(above, shown)
    _doses(below, shown)


def _shares(ax: Axes, shown: Steered) -> None:
    found = {name: shown.share(kind) for kind, name in WAYS.items()}
    found |= {"everywhere": shown.everywhere, "untrained": shown.untrained}
    for i, (name, share) in enumerate(found.items()):
        colour = UNTRAINED if name == "untrained" else NULL if name in ("random", "logits") else TRAINED
        colour = GREEN if name == "stream swapped" else colour
        ax.plot(i + np.linspace(-0.2, 0.2, len(share)), share.clip(-0.6), "o", color=colour, markersize=3)
    ax.axhline(0, color=NULL, linewidth=0.7)
    ax.axhline(1, color=GREEN, linewidth=0.9, linestyle="--")
    ax.set_xticks(range(len(found)), list(found), rotation=40, ha="right", rotation_mode="anchor")
    ax.set(
        ylabel="share of the way",
        ylim=(min(-0.15, *(max(float(s.min()), -0.6) for s in found.values())), 1.1),
    )


def _doses(ax: Axes, shown: Steered) -> None:
    inside = np.median(shown.outside, 0) <= LEFT_THE_CLOUD
    for row in shown.moved:
        ax.plot(SHIFTS, row, color=TRAINED, linewidth=0.6, alpha=0.6)
    for k, at in enumerate(SHIFTS):
        face = TRAINED if inside[k] else "none"
        column = shown.moved[:, k]
        ax.plot(np.full(len(column), at), column, "o", color=TRAINED, markerfacecolor=face, markersize=3)
    ax.plot(SHIFTS, SHIFTS, color=GREEN, linewidth=0.9, linestyle="--")
    ax.axhline(0, color=NULL, linewidth=0.7)
    reach = max(float(np.abs(shown.moved).max()), float(SHIFTS.max()))
    ax.set(xlabel="log odds asked for (nats)", ylabel="moved by (nats)", ylim=(-1.1 * reach, 1.1 * reach))
    ax.annotate(
        "open: outside the cloud\ndashed: exact",
        (0.03, 0.97),
        xycoords="axes fraction",
        va="top",
        color=BLACK,
        fontsize=7,
    )
