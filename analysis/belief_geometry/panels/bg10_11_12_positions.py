"""BG10, BG11, BG12: factors, lags and positions."""

from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import floored, hold, kept
from ...figures.style import BLACK, NULL, TRAINED, UNTRAINED
from ..bg10_factored import Factored
from ..bg11_constrained_update import Update
from ..bg12_synchronisation import Synchronisation

LOWEST = -0.25
"""Of what a token adds; what is lower has a mark at the edge."""


def synchronisation(fig: SubFigure, verdict: Verdict, shown: Synchronisation) -> None:
    """BG12: excess loss by position beside the exact one, and the predicted slope where there is one."""
    ax = fig.subplots()
    x = np.arange(len(shown.exact))
    least = 1e-5
    ax.set_yscale("log")
    ax.plot(x, floored(ax, shown.untrained.T, least), color=UNTRAINED, linewidth=0.6, alpha=0.6)
    ax.plot([], [], color=UNTRAINED, label="untrained")
    ax.plot(x, floored(ax, shown.trained.T, least), color=TRAINED, linewidth=0.7, alpha=0.7)
    ax.plot([], [], color=TRAINED, label="trained")
    ax.plot(
        x,
        floored(ax, shown.exact, least),
        "o",
        color=BLACK,
        markersize=3.5,
        markerfacecolor="none",
        label="exact: h(t+2) − h",
    )
    if "decay per position" in verdict.prediction:
        rate = verdict.predicted("decay per position")
        line = shown.exact[-1] * np.exp(-rate * (x - x[-1]))
        ax.plot(
            x,
            np.where(line < least, np.nan, line),
            color=NULL,
            linestyle=(0, (5, 2)),
            linewidth=1,
            label=f"slope −{rate:.3f}",
        )
    ax.set(xlabel="position t (from 0)", ylabel="loss − entropy rate, nats", xticks=x)
    fig.legend(loc="outside lower center", ncols=2)


def attention(fig: SubFigure, verdict: Verdict, shown: Update) -> None:
    """BG11, above: what a token adds by its lag, attention alone beside it, and the predicted decay. Below:
    which belief is read better before and after the MLP.
    """
    top, bottom = fig.subplots(2, 1, height_ratios=(1.5, 1))
    lag = np.arange(shown.trained.attention.shape[1])
    highest = max(1.0, float(shown.trained.scaled(shown.rate).max()))
    for layer, colour, label in (
        (shown.untrained, UNTRAINED, "untrained"),
        (shown.trained, TRAINED, "trained"),
    ):
        alpha = 0.25 if layer is shown.untrained else 0.8
        look: Any = {"color": colour, "linewidth": 0.8, "alpha": alpha}
        for scaled in layer.scaled(shown.rate):
            kept(top, lag, scaled, "-", low=LOWEST, high=1.2 * highest, **look)
        top.plot([], [], color=colour, label=label)
    alone = replace(shown.trained, contribution=shown.trained.attention).scaled(shown.rate)
    look = {"color": NULL, "linewidth": 1.2, "label": "attention alone, mean"}
    kept(top, lag, alone.mean(0), ":", low=LOWEST, high=1.2 * highest, **look)
    top.plot(lag, shown.rate**lag, "o--", color=BLACK, markersize=3, linewidth=1, label="predicted")
    top.set(xlabel="lag, tokens", ylabel="contribution", xticks=lag, ylim=(LOWEST, 1.2 * highest))
    top.legend(
        loc="upper right",
        fontsize=7,
        ncols=2,
        frameon=True,
        framealpha=0.9,
        edgecolor="none",
        borderpad=0.2,
    )
    for layer, colour, shift in ((shown.untrained, UNTRAINED, 0.12), (shown.trained, TRAINED, -0.12)):
        for y, margin in ((1, -layer.constrained_first()), (0, layer.full_at_last())):
            bottom.plot(margin, np.full(len(margin), y + shift), "|", color=colour, markersize=6)
    bottom.axvline(0, color=NULL, linewidth=0.8)
    bottom.set(
        yticks=[1, 0],
        yticklabels=["after attention", "after the MLP"],
        ylim=(-0.5, 1.5),
        xlabel="R² of full minus constrained beliefs",
    )


def factored(fig: SubFigure, verdict: Verdict, shown: Factored) -> None:
    """BG10, above: variance explained by principal axes, with both predictions. Below: overlap of the
    factors' subspaces.
    """
    top, bottom = fig.subplots(2, 1, height_ratios=(2.2, 1))
    add, multiply = (verdict.predicted(f"dimensions if {kind}") for kind in ("factored", "joint"))
    n = min(int(multiply * 1.3) + 3, shown.trained.variance.shape[1])
    for geometry, colour, label in (
        (shown.untrained, UNTRAINED, "untrained"),
        (shown.trained, TRAINED, "trained"),
    ):
        held = np.cumsum(geometry.variance, 1).T[:n]
        top.plot(np.arange(1, n + 1), held, color=colour, linewidth=0.8, alpha=0.7)
        top.plot([], [], color=colour, label=label)
    top.axhline(0.95, color=NULL, linewidth=0.8)
    for at, text in ((add, f"factored: {add}"), (multiply, f"joint: {multiply}")):
        top.axvline(at, color=BLACK, linewidth=0.8, linestyle=(0, (5, 2)))
        top.annotate(
            text,
            (at, 0.02),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=7,
            rotation=90,
            va="bottom",
        )
    top.set(xlabel="principal axes", ylabel="share of variance")
    hold(top, y=(0.0, 1.02))
    top.legend(loc="center right")
    for y, overlap, colour in ((1, shown.trained.overlap, TRAINED), (0, shown.trained.chance, NULL)):
        bottom.plot(overlap, np.full(len(overlap), y), "|", color=colour, markersize=7)
    bottom.set(
        yticks=[1, 0],
        yticklabels=["factors", "random"],
        ylim=(-0.6, 1.6),
        xlabel="overlap of subspaces (mean squared cosine)",
    )
    hold(bottom, x=(0.0, None))
