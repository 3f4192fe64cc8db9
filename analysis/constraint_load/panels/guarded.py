"""Constraints obeyed, drawn: violation against what the constraints ask."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure, SubFigure

from ...figures.layers import DASH_DOTTED, DASHED, DOTTED
from ...figures.record import Record
from ...figures.style import BLACK, GREEN, NULL, PURPLE, TRAINED, VERMILION

NETWORKS = {"transformer": (TRAINED, "o"), "gru": (VERMILION, "^")}


def load_and_count(fig: SubFigure, values: dict[str, Any], shown: Mapping[str, np.ndarray]) -> None:
    """Relative violation of every subset, mean over networks, against its exact load and against its number
    of constraints.
    """
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
            ax.plot(
                x + shift,
                mean,
                marker,
                color=colour,
                markersize=3.2,
                markerfacecolor="none",
                markeredgewidth=0.8,
                label=label,
            )
            line = np.polyfit(x, logs.mean(0), 1)
            at = np.array([x.min(), x.max()])
            ax.plot(at, np.exp(np.polyval(line, at)), color=colour, linewidth=0.8)
        axes[0].plot(
            shown["load"],
            shown[f"{role} untrained"].mean(0),
            marker,
            color=NULL,
            markersize=2,
            label=f"untrained {label}",
        )
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


def violated(record: Record) -> Figure:
    """The same of a run, on a page of its own."""
    fig = Figure(figsize=(5.0, 3.4), layout="constrained")
    load_and_count(fig.add_subfigure(fig.add_gridspec(1, 1)[0]), record.report, record.evidence)
    return fig


REGIMES = {
    "together": (GREEN, "o", "solid"),
    "sequential": (VERMILION, "s", DASHED),
    "arithmetic": (TRAINED, "^", DASH_DOTTED),
    "steering": (PURPLE, "D", DOTTED),
}


def stacked(fig: SubFigure, values: dict[str, Any], shown: Mapping[str, np.ndarray]) -> None:
    """Relative violation of both constraints against their exact interaction, by regime; below, the pairs
    that were trained.
    """
    roles = [role for role in NETWORKS if f"{role} base" in shown]
    rows: Any = [roles, ["design"] * len(roles)]
    *axes, table = fig.subplot_mosaic(rows, height_ratios=(3.2, 1)).values()
    x = shown["interaction"]
    for ax, role in zip(axes, roles, strict=True):
        for regime, (colour, marker, line) in REGIMES.items():
            y = shown[f"{role} {regime} relative"]
            ax.plot(x, y.T, color=colour, linewidth=0.35, alpha=0.3)
            ax.plot(x, y.mean(0), color=colour, linestyle=line, marker=marker, markersize=3.2, label=regime)
            ax.plot(
                x,
                shown[f"{role} {regime} composed"].mean(0),
                marker,
                color=colour,
                markersize=3,
                markerfacecolor="none",
                markeredgewidth=0.5,
            )
        ax.axvline(0, color=NULL, linewidth=0.6, zorder=0)
        ax.set_title({"gru": "GRU"}.get(role, role), fontsize=7)
        ax.set_ylim(
            bottom=-0.02,
            top=max(float(shown[f"{r} {g} relative"].max()) for r in roles for g in REGIMES) * 1.05,
        )
        ax.set_xlabel("interaction, nats per token", fontsize=7)
        ax.tick_params(labelsize=6.5)
    axes[0].set_ylabel("violation mass / base predictor's", fontsize=7)
    axes[0].plot(
        [],
        [],
        "o",
        color=BLACK,
        markersize=3,
        markerfacecolor="none",
        markeredgewidth=0.5,
        label="single leaks, composed",
    )
    table.axis("off")
    design = [[f"{a:.3f}", f"{b:.3f}", f"{v:+.3f}"] for (a, b), v in zip(shown["load"], x, strict=True)]
    columns = ["load of first", "load of second", "interaction"]
    drawn = table.table(design, colLabels=columns, loc="center", cellLoc="center", edges="horizontal")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(6)
    for cell in drawn.get_celld().values():
        cell.set_linewidth(0.4)
    table.set_title("pairs of two constraints, nats per token", fontsize=6.5)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=6, columnspacing=1.0)


PANELS = {"CL2": load_and_count, "CL3": stacked}
