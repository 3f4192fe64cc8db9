"""BG16: how many random HMMs have infinitely many mixed states, and of what dimension these are."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.ticker import PercentFormatter

from ...claim import Verdict
from ...figures.style import BLACK, GREEN, NULL, TRAINED, VERMILION
from ..bg16_random_hmms import FORBIDDEN, Census

FEWEST = 5
"""HMMs behind a point of a curve, at least."""


def random_hmms(fig: SubFigure, verdict: Verdict, shown: Census) -> None:
    """BG16: how many sets are infinite by the number of impossible transitions, and how large these are."""
    above, below = fig.subplots(2, 1)
    _infinite(above, shown)
    _dimensions(below, shown)
    fig.legend(*below.get_legend_handles_labels(), loc="outside lower center", ncols=3, handlelength=1.4)


def _infinite(ax: Axes, shown: Census) -> None:
    size = shown.vocab * shown.n_states**2
    zeros, infinite, finite = (x.ravel() for x in (shown.zeros, shown.infinite, shown.finite))
    edges = np.linspace(-0.5, size + 0.5, 10)
    bins = np.clip(np.digitize(zeros, edges) - 1, 0, len(edges) - 2)
    there = [k for k in range(len(edges) - 1) if (bins == k).sum() >= FEWEST]
    middle = np.array([zeros[bins == k].mean() for k in there]) / size
    low, high = (np.array([x[bins == k].mean() for k in there]) for x in (infinite, ~finite))
    ax.fill_between(middle, low, high, color=NULL, alpha=0.5, linewidth=0, label="unresolved")
    ax.plot(middle, low, "o-", color=TRAINED, markersize=3, linewidth=1, label="shown infinite")
    ax.set(xlabel="transitions that are impossible", ylabel="share of random HMMs", ylim=(-0.03, 1.03))
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend(loc="lower left", handlelength=1.4)
    ax.set_title(f"{shown.n_states} states, {shown.vocab} symbols, {len(zeros)} HMMs", fontsize=7)


def _dimensions(ax: Axes, shown: Census) -> None:
    simplex = shown.n_states - 1
    for q, share, infinite, colour in zip(
        FORBIDDEN, shown.share, shown.infinite, (NULL, TRAINED, GREEN, VERMILION), strict=True
    ):
        ordered = np.sort(simplex * share[infinite])
        if len(ordered):
            above = 1 - np.arange(len(ordered)) / len(ordered)
            ax.step(ordered, above, where="post", color=colour, linewidth=1.2, label=f"{q:.0%} impossible")
    ax.axvline(simplex, color=BLACK, linewidth=0.8, linestyle=":", label=f"the simplex, {simplex}")
    ax.set(
        xlabel="Kaplan-Yorke dimension, infinite sets", ylabel="share of larger dimension", ylim=(-0.03, 1.03)
    )
