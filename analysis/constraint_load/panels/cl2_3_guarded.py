"""Constraints obeyed, drawn: violation against what the constraints ask."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.transforms import Bbox

from ...claim.shown import restored_among
from ...figures.layers import DASH_DOTTED, DASHED, DOTTED
from ...figures.record import Record
from ...figures.style import BLACK, GREEN, NULL, PURPLE, TRAINED, VERMILION, Drawn
from ...figures.verdict import Panel
from .. import cl2_load_decides as load_decides
from .. import cl3_intervention_paradox as intervention_paradox
from ..cl3_intervention_paradox import Paradox
from ..subset_violation import SubsetViolation

NETWORKS = {"transformer": ("transformer", TRAINED, "o"), "gru": ("GRU", VERMILION, "^")}
"""How the networks of each architecture are called, and drawn."""
REGIMES = {
    "together": (GREEN, "o", "solid"),
    "sequential": (VERMILION, "s", DASHED),
    "arithmetic": (TRAINED, "^", DASH_DOTTED),
    "steering": (PURPLE, "D", DOTTED),
}


def load_and_count(fig: SubFigure, values: dict[str, Any], shown: load_decides.Architectures) -> None:
    """CL2: relative violation of every subset, mean over networks, against its exact load and against its
    number of constraints.
    """
    axes = fig.subplots(1, 2, sharey=True)
    for role, m in shown.networks.items():
        label, _, marker = NETWORKS[role]
        _against(axes[0], m.load, 0.0, m, NETWORKS[role])
        _against(axes[1], m.count, 0.1 if role == "gru" else -0.1, m, NETWORKS[role])
        axes[0].plot(
            m.load, m.untrained.mean(0), marker, color=NULL, markersize=2, label=f"untrained {label}"
        )
    axes[0].axhline(1, color=NULL, linewidth=0.6)
    axes[0].annotate(
        "predictor that ignores its controls",
        (1, 1),
        (-1, 2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        fontsize=7,
        ha="right",
    )
    axes[0].set_yscale("log")
    axes[0].set_ylabel("violation mass / base predictor's", fontsize=7)
    axes[0].set_xlabel("exact load, nats per token", fontsize=7)
    axes[1].set_xlabel("number of constraints on", fontsize=7)
    axes[1].set_xticks(np.unique(np.concatenate([m.count for m in shown.networks.values()])))
    for ax in axes:
        ax.tick_params(labelsize=7)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7, columnspacing=1.0)


def _against(ax: Axes, x: np.ndarray, aside: float, m: SubsetViolation, look: tuple[str, str, str]) -> None:
    """Geometric mean over networks with its spread, so far aside, and the line through the logarithms."""
    label, colour, marker = look
    logs = np.log(np.maximum(m.relative, 1e-30))
    mean, spread = np.exp(logs.mean(0)), np.exp(logs.std(0))
    ax.vlines(x + aside, mean / spread, mean * spread, color=colour, linewidth=0.4, alpha=0.5)
    ax.plot(
        x + aside,
        mean,
        marker,
        color=colour,
        markersize=3.2,
        markerfacecolor="none",
        markeredgewidth=0.8,
        label=label,
    )
    line, at = np.polyfit(x, logs.mean(0), 1), np.array([x.min(), x.max()])
    ax.plot(at, np.exp(np.polyval(line, at)), color=colour, linewidth=0.8)


def violated(record: Record) -> Figure:
    """The same of a run, on a page of its own."""
    fig = Drawn(figsize=(5.0, 3.4), layout="constrained")
    shown = restored_among(load_decides.Architectures, record.evidence)
    load_and_count(fig.add_subfigure(fig.add_gridspec(1, 1)[0]), record.report, shown)
    return fig


def stacked(fig: SubFigure, values: dict[str, Any], shown: intervention_paradox.Architectures) -> None:
    """CL3: relative violation of both constraints against their exact interaction, by regime; below, the
    pairs that were trained.
    """
    networks = shown.networks
    rows: Any = [list(networks), ["design"] * len(networks)]
    *axes, table = fig.subplot_mosaic(rows, height_ratios=(2, 1)).values()
    top = max(float(e.relative[regime].max()) for e in networks.values() for regime in REGIMES) * 1.05
    for ax, (model, e) in zip(axes, networks.items(), strict=True):
        _by_regime(ax, e)
        ax.axvline(0, color=NULL, linewidth=0.6, zorder=0)
        ax.set_title(NETWORKS[model][0], fontsize=7)
        ax.set_ylim(bottom=-0.02, top=top)
        ax.set_xlabel("interaction, nats per token", fontsize=7)
        ax.tick_params(labelsize=7)
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
    _design(table, next(iter(networks.values())))
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7, columnspacing=1.0)


def _by_regime(ax: Axes, e: Paradox) -> None:
    """Every network and the mean of each regime, and what single leaks alone would come to."""
    x = e.interaction
    for regime, (colour, marker, line) in REGIMES.items():
        y = e.relative[regime]
        ax.plot(x, y.T, color=colour, linewidth=0.35, alpha=0.3)
        ax.plot(x, y.mean(0), color=colour, linestyle=line, marker=marker, markersize=3.2, label=regime)
        ax.plot(
            x,
            e.composed[regime].mean(0),
            marker,
            color=colour,
            markersize=3,
            markerfacecolor="none",
            markeredgewidth=0.5,
        )


def _design(ax: Axes, e: Paradox) -> None:
    """The pairs as a table."""
    ax.axis("off")
    rows = [[f"{a:.3f}", f"{b:.3f}", f"{v:+.3f}"] for (a, b), v in zip(e.load, e.interaction, strict=True)]
    columns = ["load", "load of other", "interaction"]
    drawn = ax.table(rows, colLabels=columns, bbox=Bbox.unit(), cellLoc="center", edges="horizontal")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(7)
    for cell in drawn.get_celld().values():
        cell.set_linewidth(0.4)
    ax.set_title("pairs of two constraints, nats per token", fontsize=7)


PANELS: Mapping[str, Panel] = {"CL2": load_and_count, "CL3": stacked}
