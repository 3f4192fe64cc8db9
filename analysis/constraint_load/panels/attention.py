"""Inertia, torque and energy drawn: attention mass against response, torque against damage, and both energy
terms along depth.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import SubFigure

from ...figures.layers import DOTTED
from ...figures.style import BLACK, NULL, TRAINED, UNTRAINED, VERMILION

MARKERS = "os^vD<>pPXh*d"
TERMS = (
    ("kinetic", TRAINED, "s", (0, (4, 2))),
    ("potential", VERMILION, "^", (0, (1, 1.5))),
    ("sum", BLACK, "o", "solid"),
)


def energy(fig: SubFigure, values: dict[str, Any], shown: Mapping[str, np.ndarray]) -> None:
    """Kinetic and potential term and their sum along depth, in balanced units, trained and untrained."""
    axes = fig.subplots(1, 2, sharey=True)
    for ax, which in zip(axes, ("trained", "untrained"), strict=True):
        moved, height = shown[f"{which} kinetic"], shown[f"{which} potential"]
        sites = np.arange(height.shape[1])
        between = sites[:-1] + 0.5
        curves = {
            "kinetic": (between, moved),
            "potential": (sites, height),
            "sum": (between, moved + (height[:, 1:] + height[:, :-1]) / 2),
        }
        for name, colour, marker, line in TERMS:
            x, y = curves[name]
            ax.plot(x, y.T, color=colour, linewidth=0.4, alpha=0.4)
            ax.plot(x, y.mean(0), color=colour, linestyle=line, marker=marker, markersize=3, label=name)
        balanced, own = shown[f"{which} variation"].mean(0)
        ax.set_title(f"{which}: varies by {balanced:.2f}\n(own units: {own:.2f})", fontsize=7)
        ax.set_xticks(sites, ["e", *map(str, sites[1:])])
        ax.tick_params(labelsize=6.5)
        ax.set_xlabel("after block (e: embedding)", fontsize=7)
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel("energy in balanced units (lab's choice), nats", fontsize=7)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=6.5)


PREDICTORS = ("torque", "load", "gradient's norm", "torque, untrained")


def strain(fig: SubFigure, values: dict[str, Any], shown: Mapping[str, np.ndarray]) -> None:
    """Torque before against damage after, a mark for each constraint; below, what each predictor's rank
    correlation comes to.
    """
    names, torque, damage = list(shown["names"]), shown["torque"], shown["damage"]
    top, bottom = fig.subplots(2, 1, height_ratios=(2.4, 1))
    top.plot(torque.ravel(), damage.ravel(), ".", color=TRAINED, markersize=2, alpha=0.4)
    # with their names by hand: a legend leaves out what it finds under a name with a leading underscore
    marks = []
    for k in range(len(names)):
        x, y = torque[:, k].mean(), damage[:, k].mean()
        marks += top.plot(
            x,
            y,
            MARKERS[k % len(MARKERS)],
            color=TRAINED,
            markersize=4.5,
            markeredgecolor="white",
            markeredgewidth=0.4,
        )
    top.axvline(shown["null"], color=NULL, linewidth=0.8, linestyle=DOTTED)
    top.annotate(
        "random\ndirection",
        (shown["null"], 1),
        (2, -2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=6,
        va="top",
    )
    if damage.min() > 0:
        top.set_yscale("log")
    top.set_xlabel("torque |P g| / |g| (this lab's formula), before", fontsize=7)
    top.set_ylabel("rise of the base loss, nats", fontsize=7)
    for row, (name, found) in enumerate(zip(PREDICTORS, shown["correlations"], strict=True)):
        colour = UNTRAINED if "untrained" in name else TRAINED if row == 0 else NULL
        bottom.plot(found, np.full(len(found), row), "|", color=colour, markersize=6)
        bottom.plot(found.mean(), row, "o", color=colour, markersize=3.5)
    bottom.axvline(0, color=NULL, linewidth=0.7)
    bottom.set_yticks(range(len(PREDICTORS)), PREDICTORS, fontsize=6.5)
    bottom.set(ylim=(len(PREDICTORS) - 0.5, -0.5), xlim=(-1.05, 1.05))
    bottom.set_xlabel("rank correlation with that rise, each network", fontsize=7)
    for ax in (top, bottom):
        ax.tick_params(labelsize=6.5)
    fig.legend(
        marks, names, loc="outside lower center", ncols=3, fontsize=5.5, columnspacing=0.8, handletextpad=0.2
    )


def mass(fig: SubFigure, values: dict[str, Any], shown: Mapping[str, np.ndarray]) -> None:
    """Mass against response, a mark for each head; below, mass by block and number of constraints that are
    on, with an untrained band.
    """
    left, right = fig.subplots(1, 2, width_ratios=(1.15, 1))
    for which, colour, marker in (("untrained", UNTRAINED, "x"), ("trained", TRAINED, "o")):
        x, y = shown[f"{which} mass"], shown[f"{which} output"]
        r = shown[f"{which} correlation"].mean()
        face = colour if which == "trained" else None
        left.plot(
            x.ravel(),
            y.ravel(),
            marker,
            color=colour,
            markersize=2.2,
            markerfacecolor=face,
            alpha=0.5,
            label=f"{which} (given row entropy: {r:+.2f})",
        )
    left.set_ylim(bottom=0)
    left.set_xlabel("contextual mass (this lab's formula)", fontsize=7)
    left.set_ylabel("change of the head's output / its size", fontsize=7)
    by_load, fresh = shown["trained by_load"], shown["untrained by_load"]
    block = np.arange(1, by_load.shape[2] + 1)
    low, high = fresh.min((0, 1)), fresh.max((0, 1))
    right.fill_between(
        block,
        low,
        high,
        facecolor="none",
        edgecolor=UNTRAINED,
        hatch="////",
        linewidth=0.5,
        label="untrained, any number",
    )
    for n, (found, marker) in enumerate(zip(by_load, MARKERS, strict=False)):
        shade = 0.35 + 0.65 * (n + 1) / len(by_load)
        label = "all words" if len(by_load) == 1 else f"{n} constraint{'' if n == 1 else 's'} on"
        right.plot(block, found.mean(0), color=TRAINED, alpha=shade, marker=marker, markersize=3, label=label)
    right.plot(
        block, shown["trained shuffled"].mean((0, 2)), color=NULL, linestyle=DOTTED, label="shuffled tokens"
    )
    right.set_xticks(block)
    right.set_xlabel("block", fontsize=7)
    right.set_ylabel("contextual mass, mean over heads", fontsize=7)
    for ax in (left, right):
        ax.tick_params(labelsize=6.5)
    marks = [left.get_legend_handles_labels(), right.get_legend_handles_labels()]
    fig.legend(
        [h for m in marks for h in m[0]],
        [n for m in marks for n in m[1]],
        loc="outside lower center",
        ncols=2,
        fontsize=6.5,
    )


PANELS = {"CL5": mass, "CL6": strain, "CL7": energy}
