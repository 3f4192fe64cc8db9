"""MI5: learning curves of what is taught and what is held out, and what waves tell meanwhile."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import floored, hold
from ...figures.style import BLACK, GREEN, NULL, PURPLE, TRAINED, UNTRAINED
from ...instruments.behaviour.generalisation import never, reached
from ..mi05_grokked import ARMS, HALF, Grokked

COLOURS = (TRAINED, UNTRAINED, PURPLE)
"""Of the trainings."""
LEAST = 1e-3
"""Shares below are drawn there."""


def grokking(fig: SubFigure, verdict: Verdict, shown: Grokked) -> None:
    """MI5: what is left to learn over training; of what is taught (dashed) and held out, as it is and where
    one thing differs; and of an addition, what waves of key frequencies tell of held-out sums, and what
    share of the embedding's variance they hold. Marks at a half are where it was learned, open ones at the
    end where it never was.
    """
    axes = fig.subplots(2 if shown.waves is None else 3, 1, sharex=True)
    steps = 1 + shown.steps
    ax = axes[0]
    for of, colour, name, dashes in (
        (shown.taught["as it is"], NULL, "taught", "--"),
        (shown.held_out["as it is"], TRAINED, "held out", "-"),
    ):
        _curves(ax, steps, of, colour, _told(name, of), dashes)
        _learned(ax, steps, of, colour)
    if shown.waves is not None:
        _curves(ax, steps, shown.waves.network, BLACK, "held out, its loss", ":")
        _curves(ax, steps, shown.waves.restricted, GREEN, "by key waves", ":")
        _curves(ax, steps, shown.waves.excluded, UNTRAINED, "taught, without these", ":")
    _left(ax)
    for arm, colour in zip(ARMS, COLOURS, strict=True):
        _curves(axes[1], steps, shown.held_out[arm], colour, _told(arm, shown.held_out[arm]))
        _learned(axes[1], steps, shown.held_out[arm], colour)
    _left(axes[1])
    axes[1].set_title("held out")
    if shown.waves is not None:
        axes[2].plot(steps, shown.waves.embedded.T, color=TRAINED, linewidth=0.6, alpha=0.6)
        axes[2].plot(
            np.full(len(shown.waves.untrained), steps[0]),
            shown.waves.untrained,
            "o",
            color=UNTRAINED,
            markersize=3,
            markeredgewidth=0,
            label="untrained, its best",
        )
        axes[2].set_ylabel("embedding's variance\nat key frequencies")
        hold(axes[2], y=(0.0, 1.02))
        axes[2].legend(loc="upper left", handlelength=1.2)
    axes[-1].set_xscale("log")
    axes[-1].set_xlabel("1 + steps")


def _curves(
    ax: Axes, steps: np.ndarray, curves: np.ndarray, colour: str, name: str, style: str = "-"
) -> None:
    drawn = floored(ax, curves, LEAST)
    ax.plot(steps, drawn.T, style, color=colour, linewidth=0.4, alpha=0.4)
    ax.plot(steps, np.exp(np.log(drawn).mean(0)), style, color=colour, linewidth=1.5, label=name)


def _told(name: str, curves: np.ndarray) -> str:
    """A name, and how many networks never learned it."""
    never_there = int(never(curves, HALF).sum())
    return f"{name}, ▷ never: {never_there} of {len(curves)}" if never_there else name


def _learned(ax: Axes, steps: np.ndarray, curves: np.ndarray, colour: str) -> None:
    """Where half is left, a mark for each network; an open one at the end for those that never come there."""
    late = never(curves, HALF)
    came, ends = 1 + reached(steps - 1, curves, HALF)[~late], steps[-1:].repeat(late.sum())
    ax.plot(came, np.full(len(came), HALF), "o", color=colour, markersize=2.5, markeredgewidth=0)
    ax.plot(ends, np.full(len(ends), HALF), ">", color=colour, markerfacecolor="none", markersize=4.5)


def _left(ax: Axes) -> None:
    ax.axhline(HALF, color=BLACK, linewidth=0.6, linestyle=":")
    ax.set_yscale("log")
    ax.set_ylabel("share left\nto learn")
    ax.legend(loc="lower left", handlelength=1.4, fontsize=7, frameon=True, framealpha=0.8, edgecolor="none")
