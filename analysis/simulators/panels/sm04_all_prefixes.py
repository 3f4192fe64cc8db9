"""SM4: the largest probability after any prefix, proved, reached, and off the support."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED, entries
from ..sm04_all_prefixes import Extremes


def all_prefixes(fig: SubFigure, verdict: Verdict, shown: Extremes) -> None:
    """SM4: bounds of recurrent networks above what words reach, a bar for each network; and transformers on
    and off the support, beside untrained ones.
    """
    above, below = fig.subplots(2, 1, sharex=True, height_ratios=(1, 1))
    _bounds(above, shown)
    _by_support(below, shown)
    fig.legend(
        *entries(above, below), loc="outside lower center", ncols=2, handlelength=1.2, columnspacing=1.0
    )


def _bounds(ax: Axes, shown: Extremes) -> None:
    order = np.argsort(shown.enumerated)
    height = np.arange(len(order))
    low, high = shown.enumerated[order], shown.high[order]
    proved = shown.proved[order] > 0
    ax.hlines(height, low, high, color=TRAINED, linewidth=1.2)
    ax.plot(low, height, "o", color=TRAINED, markersize=3, label="largest found")
    ax.plot(high[proved], height[proved], "|", color=BLACK, markersize=6, label="proved for every length")
    if (~proved).any():
        ax.plot(high[~proved], height[~proved], "x", color=NULL, markersize=4, label="nothing proved")
    _ideal(ax, shown)
    ax.set(yticks=[], ylabel="recurrent networks\n(a row each)")
    hold(ax, x=(-0.02, 1.04))


def _by_support(ax: Axes, shown: Extremes) -> None:
    trained, fresh = np.argsort(shown.on), np.argsort(shown.untrained_on)
    for k, (on, off, colour, name) in enumerate(
        (
            (shown.on[trained], shown.off[trained], TRAINED, "trained"),
            (shown.untrained_on[fresh], shown.untrained_off[fresh], UNTRAINED, "untrained"),
        )
    ):
        height = np.arange(len(on)) + k * (len(on) + 1)
        ax.plot(on, height, "o", color=colour, markersize=3, label=f"{name}, possible words")
        if shown.impossible:
            ax.hlines(height, on, off, color=colour, linewidth=0.5, alpha=0.5)
            ax.plot(
                off,
                height,
                "o",
                color=colour,
                markersize=3,
                markerfacecolor="none",
                label=f"{name}, impossible",
            )
    _ideal(ax, shown)
    ax.set(yticks=[], ylabel="transformers\n(a row each)", xlabel="largest probability of the symbol")


def _ideal(ax: Axes, shown: Extremes) -> None:
    ax.axvline(shown.exact, color=GREEN, linewidth=0.9, linestyle="--", label="ideal observer")
