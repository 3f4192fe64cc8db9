"""Constraints obeyed, drawn: violation against what the constraints ask."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.transforms import Bbox

from ...claim import Verdict
from ...claim.shown import restored_among
from ...figures.edges import floored, hold
from ...figures.record import Record
from ...figures.style import BLACK, GREEN, NULL, PURPLE, TRAINED, VERMILION, Drawn
from ...figures.verdict import Panel
from .. import cl2_load_decides as load_decides
from .. import cl3_intervention_paradox as intervention_paradox
from ..cl3_intervention_paradox import Paradox
from ..subset_violation import SubsetViolation

LEAST = 1e-12
"""Relative violation that is as good as none."""
NETWORKS = {"transformer": ("transformer", TRAINED, "o"), "gru": ("GRU", VERMILION, "^")}
"""How the networks of each architecture are called, and drawn."""
REGIMES = {
    "together": (GREEN, "o"),
    "sequential": (VERMILION, "s"),
    "arithmetic": (TRAINED, "^"),
    "steering": (PURPLE, "D"),
}
ASIDE = dict(zip(REGIMES, np.linspace(-0.3, 0.3, len(REGIMES)), strict=True))
"""How far from the middle of a pair its regimes stand."""


def load_and_count(fig: SubFigure, verdict: Verdict, shown: load_decides.Architectures) -> None:
    """CL2: relative violation of every subset, mean over networks, against its exact load and against its
    number of constraints.
    """
    _subsets(fig, shown)


def _subsets(fig: SubFigure, shown: load_decides.Architectures) -> None:
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
    logs = np.log(floored(ax, m.relative, LEAST))
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
    _subsets(fig.add_subfigure(fig.add_gridspec(1, 1)[0]), shown)
    return fig


def stacked(fig: SubFigure, verdict: Verdict, shown: intervention_paradox.Architectures) -> None:
    """CL3: relative violation of both constraints of each pair, in the order of their exact interaction, by
    regime; below, the pairs that were trained. These differ in more than their interaction, so that nothing
    leads from one to the next.
    """
    networks = shown.networks
    rows: Any = [list(networks), ["design"] * len(networks)]
    *axes, table = fig.subplot_mosaic(rows, height_ratios=(2, 1)).values()
    for ax, (model, e) in zip(axes, networks.items(), strict=True):
        _by_regime(ax, e)
        ax.set_title(NETWORKS[model][0], fontsize=7)
        ax.set_xlabel("pair, by its interaction\n(nats per token)", fontsize=7)
        ax.tick_params(labelsize=7)
    top = max(ax.dataLim.y1 for ax in axes)
    for ax in axes:
        hold(ax, y=(0.0, 1.05 * top if top > 0 else 1.0))
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
    """Every network and the mean of each regime, and what single leaks alone would come to, pair by pair."""
    order = np.argsort(e.interaction, kind="stable")
    pairs = np.arange(len(order))
    for edge in pairs[:-1] + 0.5:
        ax.axvline(edge, color=NULL, linewidth=0.4, alpha=0.5, zorder=0)
    for regime, (colour, marker) in REGIMES.items():
        x, y = pairs + ASIDE[regime], e.relative[regime][:, order]
        ax.plot(x, y.T, "_", color=colour, markersize=3, markeredgewidth=0.6, alpha=0.6)
        ax.plot(x, y.mean(0), marker, color=colour, markersize=3.4, label=regime)
        ax.plot(
            x,
            e.composed[regime][:, order].mean(0),
            marker,
            color=colour,
            markersize=3,
            markerfacecolor="none",
            markeredgewidth=0.5,
        )
    ax.set_xlim(-0.5, len(pairs) - 0.5)
    ax.set_xticks(pairs, [_signed(v) for v in e.interaction[order]], rotation=90)


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _design(ax: Axes, e: Paradox) -> None:
    """The pairs as a table."""
    ax.axis("off")
    order = np.argsort(e.interaction, kind="stable")
    rows = [[f"{e.load[i, 0]:.3f}", f"{e.load[i, 1]:.3f}", _signed(e.interaction[i])] for i in order]
    columns = ["load", "load of other", "interaction"]
    drawn = ax.table(rows, colLabels=columns, bbox=Bbox.unit(), cellLoc="center", edges="horizontal")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(7)
    for cell in drawn.get_celld().values():
        cell.set_linewidth(0.4)
    ax.set_title("pairs of two constraints, nats per token", fontsize=7)


PANELS: Mapping[str, Panel] = {"CL2": load_and_count, "CL3": stacked}
