"""Constraints obeyed, drawn: violation against what the constraints ask."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import SubFigure

from ..style import NULL, TRAINED, VERMILION

NETWORKS = {"transformer": (TRAINED, "o"), "gru": (VERMILION, "^")}


def load_and_count(fig: SubFigure, values: dict[str, Any], shown: Mapping[str, np.ndarray]) -> None:
    """Relative violation of every subset, mean over networks, against its exact load and against its number of constraints."""
    axes = fig.subplots(1, 2, sharey=True)
    for role, (colour, marker) in NETWORKS.items():
        if f"{role} relative" not in shown:
            continue
        logs = np.log(np.maximum(shown[f"{role} relative"], 1e-30))
        mean, spread = np.exp(logs.mean(0)), np.exp(logs.std(0))
        for ax, x in zip(axes, (shown["load"], shown["count"]), strict=True):
            shift = 0.0 if ax is axes[0] else (0.1 if role == "gru" else -0.1)
            ax.vlines(x + shift, mean / spread, mean * spread, color=colour, linewidth=0.4, alpha=0.5)
            label = {"gru": "GRU"}.get(role, role)
            ax.plot(x + shift, mean, marker, color=colour, markersize=3.2, markerfacecolor="none", markeredgewidth=0.8, label=label)
            line = np.polyfit(x, logs.mean(0), 1)
            at = np.array([x.min(), x.max()])
            ax.plot(at, np.exp(np.polyval(line, at)), color=colour, linewidth=0.8)
        axes[0].plot(shown["load"], shown[f"{role} untrained"].mean(0), marker, color=NULL, markersize=2, label=f"untrained {label}")
    axes[0].axhline(1, color=NULL, linewidth=0.6)
    axes[0].annotate(
        "predictor that ignores its controls",
        (1, 1),
        (-1, 2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=5.5,
        ha="right",
    )
    axes[0].set_yscale("log")
    axes[0].set_ylabel("violation mass / base predictor's", fontsize=7)
    axes[0].set_xlabel("exact load, nats per token", fontsize=7)
    axes[1].set_xlabel("number of constraints on", fontsize=7)
    axes[1].set_xticks(np.unique(shown["count"]))
    for ax in axes:
        ax.tick_params(labelsize=6.5)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=6.5, columnspacing=1.0)


PANELS = {"CL2": load_and_count}
