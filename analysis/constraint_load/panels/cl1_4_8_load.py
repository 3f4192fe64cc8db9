"""Constraint load: CL1, CL4 and CL8."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold, possible
from ...figures.style import BLACK, BLUE, GREEN, NULL, PURPLE, UNTRAINED, VERMILION, positive
from ...figures.verdict import Panel
from ...instruments.statistics import interval
from .. import bottleneck
from ..cl1_phase_transition import Transition
from ..cl4_rank_budget import Spent
from ..cl4_steering_subspaces import WAYS
from ..cl8_failure_kinds import KINDS
from ..cl8_ledger_failures import Failures
from ..ledger_grid import LoadGrid
from ..load_curves import CRITICAL

OCHRE = "#E69F00"  # also of Okabe & Ito 2008
WIDTHS = (BLUE, OCHRE, GREEN, PURPLE, VERMILION)
FAILURES = {
    "generic": (OCHRE, "o"),
    "constant": (BLUE, "v"),
    "loop": (GREEN, "D"),
    "loophole": (PURPLE, "s"),
    "collapse": (VERMILION, "^"),
}
DASHES = (0, (5, 2))
MARKS = "os^Dv"


def _load_axis(ax: Axes, x: np.ndarray, label: str = "relative load K / B") -> None:
    """A logarithmic axis with plain numbers."""
    ticks = [v for v in (0.25, 0.5, 1, 2, 4, 8) if x.min() / 1.2 <= v <= x.max() * 1.2]
    ax.set_xscale("log")
    ax.minorticks_off()
    ax.set_xticks(ticks, [f"{v:g}" for v in ticks])
    ax.set_xlabel(label)


def transition(fig: SubFigure, verdict: Verdict, t: Transition) -> None:
    """CL1: above, curves of all widths over K/B, with the bottleneck; below, violation over d_model and K;
    width of the transition (1 over the steepest slope of accuracy against log K) over d_model.
    """
    halves: Any = fig.subfigures(2, 1, height_ratios=(1.25, 1))
    top, bottom = halves
    _curves(top.subplots(), t.grid)
    left, right = bottom.subplots(1, 2, width_ratios=(1.15, 1))
    _violation(bottom, left, t.grid)
    _widths(right, t)
    for axes in (left, right):
        axes.set_xticks(t.grid.width, [str(d) for d in t.grid.width])
        axes.set_xticks([], minor=True)
    some = [int(k) for k in np.unique(t.grid.K) if k & (k - 1) == 0]
    left.set_yticks(some, [str(k) for k in some], fontsize=7)
    left.set_yticks([], minor=True)


def _curves(ax: Axes, g: LoadGrid) -> None:
    """Accuracy over relative load, a colour for each width."""
    relative = g.relative
    dense = np.geomspace(relative.min(), relative.max(), 300)
    ax.plot(dense, bottleneck.accuracy(dense, 1.0), color=BLACK, linestyle=DASHES, label="linear bottleneck")
    for k, d in enumerate(g.width):
        colour, mark = WIDTHS[k % len(WIDTHS)], MARKS[k % len(MARKS)]
        ax.plot(relative[k], g.accuracy[k], mark, color=colour, markersize=2.2, alpha=0.45)
        ax.plot(
            relative[k],
            g.accuracy[k].mean(1),
            color=colour,
            marker=mark,
            markersize=3.5,
            linewidth=1,
            label=f"d_model {d}",
        )
    chance = g.untrained_accuracy.mean(-1)
    ax.plot(
        relative[:, -chance.shape[1] :].ravel(),
        chance.ravel(),
        "x",
        color=UNTRAINED,
        markersize=3,
        label="untrained",
    )
    ax.axhline(0.5, color=NULL, linewidth=0.6)
    ax.axhline(CRITICAL, color=NULL, linewidth=0.6, linestyle=":")
    ax.set(ylabel="balanced accuracy")
    _load_axis(ax, relative)
    hold(ax, y=(0.45, 1.02))
    ax.legend(loc="lower left", fontsize=7, bbox_to_anchor=(0, 0.1))


def _violation(fig: SubFigure, ax: Axes, g: LoadGrid) -> None:
    """Violation mass at every width and number of constraints, beside the line K = B."""
    dots = ax.scatter(
        np.repeat(g.width[:, None], g.K.shape[1], 1),
        g.K,
        c=g.violation.mean(-1),
        cmap="cividis",
        vmin=0,
        vmax=0.5,
        s=16,
        marker="s",
        linewidths=0,
    )
    edge = np.array([g.width.min() * 0.8, g.width.max() * 1.25])
    ax.plot(
        edge,
        edge - (g.width - g.bandwidth).mean(),
        color=BLACK,
        linestyle=DASHES,
        linewidth=0.9,
        label="K = B",
    )
    ax.legend(loc="upper left", fontsize=7, handlelength=1.2, borderaxespad=0)
    ax.set(xscale="log", yscale="log", xlabel="d_model", ylabel="constraints K")
    fig.colorbar(dots, ax=ax, label="violation mass", pad=0.03, aspect=18)


def _widths(ax: Axes, t: Transition) -> None:
    """Width of the transition over d_model; none where accuracy does not fall at all."""

    def width(sharpness: np.ndarray) -> np.ndarray:
        return 8 / np.where(sharpness > 0, sharpness, np.nan)

    d = t.grid.width
    ax.plot(np.broadcast_to(d[:, None], t.sharpness.shape), width(t.sharpness), "_", color=BLUE, markersize=6)
    ax.plot([], [], "_", color=BLUE, label="networks")
    ax.plot(d, width(t.null_sharpness), color=BLACK, linestyle=DASHES, linewidth=0.9, label="bottleneck")
    ax.set(xscale="log", xlabel="d_model", ylabel="transition width")
    ax.legend(
        loc="lower center",
        fontsize=7,
        bbox_to_anchor=(0.45, 1.0),
        ncols=2,
        handlelength=1.2,
        columnspacing=0.8,
    )


def kinds(fig: SubFigure, verdict: Verdict, f: Failures) -> None:
    """CL8: shares of the kinds of failure over load, a panel a width; bands are 95 % over networks."""
    axes = np.atleast_1d(fig.subplots(len(f.width), 1, sharex=True))
    for ax, d, x, share in zip(axes, f.width, f.relative, f.kinds, strict=True):
        for name, (colour, mark) in FAILURES.items():
            mean, low, high = np.array([interval(row[:, KINDS.index(name)]) for row in share]).T
            ax.fill_between(x, possible(low), possible(high), color=colour, alpha=0.25, linewidth=0)
            ax.plot(x, mean, color=colour, marker=mark, markersize=3.5, label=name)
        ax.axhline(0.1, color=NULL, linewidth=0.6, linestyle=":")
        ax.set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1])
        ax.set_title(f"d_model {d}", loc="left", fontsize=7, pad=2)
    _load_axis(axes[-1], f.relative, "constraints a dimension K / d_model")
    fig.supylabel("share of predictions", fontsize=8)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)


def budget(fig: SubFigure, verdict: Verdict, b: Spent) -> None:
    """CL4: critical count over bandwidth; violation by how subspaces lie; dimensions of parities between
    factored and joint.
    """
    (left, right), (low, last) = fig.subplots(2, 2, height_ratios=(1, 1))
    _critical(left, b)
    steered = b.allocated
    _violation_by_way(right, [*(steered.apart[way] for way in WAYS), steered.shuffled], "apart, all on")
    _violation_by_way(low, [steered.jointly[way] for way in WAYS], "jointly, all on")
    _parities(last, b.r, b.held.dimension)


def _critical(ax: Axes, b: Spent) -> None:
    B, found = b.bandwidth, positive(b.critical)
    ax.plot(B, found, "_", color=BLUE, markersize=6)
    ax.plot(
        B,
        B * np.exp(np.log(found.mean(1) / B).mean()),
        color=BLACK,
        linestyle=DASHES,
        linewidth=0.9,
        label="∝ B",
    )
    ax.set(xscale="log", yscale="log", xlabel="bandwidth B", ylabel="critical K")
    ax.set_xticks(B, [f"{b:g}" for b in B])
    ticks = [t for t in (4, 8, 16, 32, 64, 128, 256) if found.min() / 1.5 <= t <= found.max() * 1.5]
    ax.set_yticks(ticks, [str(t) for t in ticks])
    ax.tick_params(which="minor", length=0, labelbottom=False, labelleft=False)
    ax.legend(loc="upper left")


def _violation_by_way(ax: Axes, columns: list[np.ndarray], which: str) -> None:
    """A column for each way that subspaces lie, and for random vectors where they are given."""
    for k, (found, colour) in enumerate(zip(columns, (*WIDTHS[:3], NULL), strict=False)):
        ax.plot(np.full(len(found), k), found, "_", color=colour, markersize=9)
    ax.axhline(1, color=NULL, linewidth=0.6, linestyle=":")
    names = ["ortho-\ngonal", "random", "same", "random\nvector"][: len(columns)]
    ax.set_xticks(range(len(names)), names, fontsize=7)
    ax.set(ylabel=f"{which}: violation / base", xlim=(-0.5, len(names) - 0.5))
    hold(ax, y=(0.0, None))


def _parities(ax: Axes, r: np.ndarray, dimension: np.ndarray) -> None:
    ax.plot(r, 2.0**r - 1, color=BLACK, linestyle=":", label="joint 2^r − 1")
    ax.plot(r, r, color=BLACK, linestyle=DASHES, label="factored r")
    shift = np.linspace(-0.12, 0.12, dimension.shape[1])
    ax.plot(r[:, None] + shift, dimension, "o", color=BLUE, markersize=2.5)
    ax.set(xlabel="parities r", ylabel="dimensions", xticks=r)
    ax.legend(loc="upper left", fontsize=7)


PANELS: Mapping[str, Panel] = {"CL1": transition, "CL4": budget, "CL8": kinds}
