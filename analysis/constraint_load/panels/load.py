"""Constraint load: CL1, CL4 and CL8."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import SubFigure

from ...figures.style import BLACK, BLUE, GREEN, NULL, PURPLE, UNTRAINED, VERMILION, positive
from .. import bottleneck

OCHRE = "#E69F00"  # also of Okabe & Ito 2008
WIDTHS = (BLUE, OCHRE, GREEN, PURPLE)
KINDS = (("generic", OCHRE, "o"), ("loophole", PURPLE, "s"), ("collapse", VERMILION, "^"))
MARKS = "os^D"


def _load_axis(ax, x: np.ndarray, label: str = "relative load K / B") -> None:
    """A logarithmic axis with plain numbers."""
    ticks = [v for v in (0.25, 0.5, 1, 2, 4, 8) if x.min() / 1.2 <= v <= x.max() * 1.2]
    ax.set_xscale("log")
    ax.minorticks_off()
    ax.set_xticks(ticks, [f"{v:g}" for v in ticks])
    ax.set_xlabel(label)


def transition(fig: SubFigure, values: dict[str, Any], shown: Mapping[str, np.ndarray]) -> None:
    """Above: curves of all widths over K/B, with the bottleneck. Below: violation over d_model and K; width
    of the transition (1 over the steepest slope of accuracy against log K) over d_model.
    """
    halves: Any = fig.subfigures(2, 1, height_ratios=(1.25, 1))
    top, bottom = halves
    ax = top.subplots()
    relative, width = shown["relative"], shown["width"]
    dense = np.geomspace(relative.min(), relative.max(), 300)
    ax.plot(
        dense, bottleneck.accuracy(dense, 1.0), color=BLACK, linestyle=(0, (5, 2)), label="linear bottleneck"
    )
    for k, d in enumerate(width):
        colour = WIDTHS[k % 4]
        ax.plot(relative[k], shown["accuracy"][k], MARKS[k % 4], color=colour, markersize=2.2, alpha=0.45)
        ax.plot(
            relative[k],
            shown["accuracy"][k].mean(1),
            color=colour,
            marker=MARKS[k % 4],
            markersize=3.5,
            linewidth=1,
            label=f"d_model {d}",
        )
    chance = shown["untrained_accuracy"].mean(-1)
    ax.plot(
        relative[:, -chance.shape[1] :].ravel(),
        chance.ravel(),
        "x",
        color=UNTRAINED,
        markersize=3,
        label="untrained",
    )
    ax.axhline(0.5, color=NULL, linewidth=0.6)
    ax.axhline(0.9, color=NULL, linewidth=0.6, linestyle=":")
    ax.set(ylabel="balanced accuracy", ylim=(0.45, 1.02))
    _load_axis(ax, relative)
    ax.legend(loc="lower left", fontsize=6.5, bbox_to_anchor=(0, 0.1))
    left, right = bottom.subplots(1, 2, width_ratios=(1.15, 1))
    x = np.repeat(width[:, None], relative.shape[1], 1)
    dots = left.scatter(
        x,
        shown["K"],
        c=shown["violation"].mean(-1),
        cmap="cividis",
        vmin=0,
        vmax=0.5,
        s=16,
        marker="s",
        linewidths=0,
    )
    edge = np.array([width.min() * 0.8, width.max() * 1.25])
    left.plot(
        edge,
        edge - (width - shown["bandwidth"]).mean(),
        color=BLACK,
        linestyle=(0, (5, 2)),
        linewidth=0.9,
        label="K = B",
    )
    left.legend(loc="upper left", fontsize=6, handlelength=1.2, borderaxespad=0)
    left.set(xscale="log", yscale="log", xlabel="d_model", ylabel="constraints K")
    bottom.colorbar(dots, ax=left, label="violation mass", pad=0.03, aspect=18)
    at = np.broadcast_to(width[:, None], shown["sharpness"].shape)
    right.plot(at, _width(shown["sharpness"]), "_", color=BLUE, markersize=6)
    right.plot([], [], "_", color=BLUE, label="networks")
    right.plot(
        width,
        _width(shown["null_sharpness"]),
        color=BLACK,
        linestyle=(0, (5, 2)),
        linewidth=0.9,
        label="bottleneck",
    )
    right.set(xscale="log", xlabel="d_model", ylabel="transition width")
    right.legend(
        loc="lower center",
        fontsize=6,
        bbox_to_anchor=(0.45, 1.0),
        ncols=2,
        handlelength=1.2,
        columnspacing=0.8,
    )
    for axes in (left, right):
        axes.set_xticks(width, [str(d) for d in width])
        axes.set_xticks([], minor=True)
    some = [int(k) for k in np.unique(shown["K"]) if k & (k - 1) == 0]
    left.set_yticks(some, [str(k) for k in some], fontsize=6.5)
    left.set_yticks([], minor=True)


def kinds(fig: SubFigure, values: dict[str, Any], shown: Mapping[str, np.ndarray]) -> None:
    """Shares of the kinds of failure over relative load, a panel a width; bands are 95 % over networks."""
    from ...instruments.statistics import interval

    width, relative = shown["width"], shown["relative"]
    axes = fig.subplots(len(width), 1, sharex=True)
    for ax, d, x, share in zip(np.atleast_1d(axes), width, relative, shown["kinds"], strict=True):
        for k, (name, colour, mark) in enumerate(KINDS, start=1):
            mean, low, high = np.array([interval(row[:, k]) for row in share]).T
            ax.fill_between(x, low.clip(0), high.clip(0, 1), color=colour, alpha=0.25, linewidth=0)
            ax.plot(x, mean, color=colour, marker=mark, markersize=3.5, label=name)
        ax.axhline(0.1, color=NULL, linewidth=0.6, linestyle=":")
        ax.set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1])
        ax.set_title(f"d_model {d}", loc="left", fontsize=7, pad=2)
    _load_axis(np.atleast_1d(axes)[-1], relative)
    fig.supylabel("share of words", fontsize=8)
    fig.legend(*np.atleast_1d(axes)[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _width(sharpness: np.ndarray) -> np.ndarray:
    """Width of a transition; none where accuracy does not fall at all."""
    return 8 / np.where(sharpness > 0, sharpness, np.nan)


def budget(fig: SubFigure, values: dict[str, Any], shown: Mapping[str, np.ndarray]) -> None:
    """Critical count over bandwidth; violation by how subspaces lie; dimensions of parities between factored
    and joint.
    """
    top, bottom = fig.subplots(2, 2, height_ratios=(1, 1))
    (left, right), (low, last) = top, bottom
    B, found = shown["bandwidth"], positive(shown["critical"])
    left.plot(B, found, "_", color=BLUE, markersize=6)
    left.plot(
        B,
        B * np.exp(np.log(found.mean(1) / B).mean()),
        color=BLACK,
        linestyle=(0, (5, 2)),
        linewidth=0.9,
        label="∝ B",
    )
    left.set(xscale="log", yscale="log", xlabel="bandwidth B", ylabel="critical K")
    left.set_xticks(B, [f"{b:g}" for b in B])
    ticks = [t for t in (4, 8, 16, 32, 64, 128, 256) if found.min() / 1.5 <= t <= found.max() * 1.5]
    left.set_yticks(ticks, [str(t) for t in ticks])
    left.tick_params(which="minor", length=0, labelbottom=False, labelleft=False)
    left.legend(loc="upper left")
    ways = ("orthogonal", "random", "same")
    for ax, which, label in (
        (right, "joint", "all on: violation / base"),
        (low, "alone", "one on: violation / base"),
    ):
        for k, way in enumerate(ways):
            ax.plot(
                np.full(len(shown[f"{which}_{way}"]), k),
                shown[f"{which}_{way}"],
                "_",
                color=WIDTHS[k],
                markersize=9,
            )
        if which == "joint":
            ax.plot(np.full(len(shown["shuffled"]), 3), shown["shuffled"], "_", color=NULL, markersize=9)
        ax.axhline(1, color=NULL, linewidth=0.6, linestyle=":")
        names = ["ortho-\ngonal", "random", "same", "random\nvector"][: 4 if which == "joint" else 3]
        ax.set_xticks(range(len(names)), names, fontsize=6)
        ax.set(ylim=(0, None), ylabel=label, xlim=(-0.5, len(names) - 0.5))
    r = shown["checks"]
    last.plot(r, 2.0**r - 1, color=BLACK, linestyle=":", label="joint 2^r − 1")
    last.plot(r, r, color=BLACK, linestyle=(0, (5, 2)), label="factored r")
    shift = np.linspace(-0.12, 0.12, shown["dimension"].shape[1])
    last.plot(r[:, None] + shift, shown["dimension"], "o", color=BLUE, markersize=2.5)
    last.set(xlabel="parities r", ylabel="dimensions", xticks=r)
    last.legend(loc="upper left", fontsize=6.5)


PANELS = {"CL1": transition, "CL4": budget, "CL8": kinds}
