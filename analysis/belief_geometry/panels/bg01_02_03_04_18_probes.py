"""BG1, BG2, BG3, BG4, BG18: how much of the beliefs, or of the future, can be read where."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.layers import called, layers
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED
from ...instruments.probing.by_layer import ByLayer
from ..bg02_no_offset import Offset
from ..bg04_beyond_next_token import Distances
from ..bg18_whole_future import Futures

LINES = {"token_window": (0, (5, 2)), "next_token": (0, (1, 1.5)), "markov_3": (0, (3, 1, 1, 1))}


def networks(ax: Axes, x: np.ndarray, values: np.ndarray, colour: str, label: str, line: str = "-") -> None:
    """Every network (x, seeds) as a short stroke, and their mean as a line."""
    ax.plot(x, values.mean(1), color=colour, marker="o", markersize=3, linestyle=line, label=label, zorder=3)
    ax.plot(
        x,
        values,
        color=colour,
        linestyle="none",
        marker="_",
        markersize=5,
        markeredgewidth=0.7,
        alpha=0.7,
        zorder=4,
    )


def by_layer(fig: SubFigure, verdict: Verdict, shown: ByLayer) -> None:
    """BG1, BG3: held-out R2 by layer, with untrained networks and what needs none."""
    layers(fig.subplots(), shown.trained, shown.untrained, baselines=shown.baselines)
    fig.legend(loc="outside lower center", ncols=1)


def offset(fig: SubFigure, verdict: Verdict, shown: Offset) -> None:
    """BG2: R2 by layer with an offset, without, and without after centring."""
    ax = fig.subplots()
    x = np.arange(len(shown.affine))
    networks(ax, x, shown.affine, TRAINED, "with offset")
    networks(ax, x, shown.linear, GREEN, "without", "--")
    networks(ax, x, shown.linear_centred, NULL, "without, activations centred", ":")
    ax.set_xticks(x, ["embed", *(str(i) for i in range(1, len(x)))])
    ax.set(xlabel="residual stream after block", ylabel="held-out R² of beliefs")
    fig.legend(loc="outside lower center", ncols=3)


def distances(fig: SubFigure, verdict: Verdict, shown: Distances) -> None:
    """BG4: distance between probed points against distance between beliefs, over pairs with equal next-token
    distributions.
    """
    ax = fig.subplots()
    x = shown.distance
    for which, colour, marker, probed in (
        ("trained", TRAINED, "o", shown.trained),
        ("untrained", UNTRAINED, "s", shown.untrained),
    ):
        ax.plot(x, probed.T, marker, color=colour, markersize=2, alpha=0.35, linewidth=0)
        ax.scatter(x, probed.mean(0), s=10 + 90 * shown.mass, marker=marker, color=colour, zorder=3)
        ax.plot([], [], marker, color=colour, markersize=4, label=f"{which}, mean and each")
    ax.plot(x, shown.token_window, "x", color=BLACK, markersize=5, label="token window")
    top = max(float(x.max()), 1e-9)
    ax.plot([0, top], [0, top], color=NULL, linewidth=0.8, linestyle=(0, (5, 2)), label="equal distances")
    ax.set(
        xlabel="distance between beliefs",
        ylabel="distance between probed beliefs",
    )
    hold(ax, x=(-0.04 * top, 1.04 * top), y=(0.0, None))
    fig.legend(
        loc="outside lower center",
        ncols=2,
        fontsize=7,
        title="pairs of histories with equal next-token distributions",
        title_fontsize=7,
    )


def futures(fig: SubFigure, verdict: Verdict, shown: Futures) -> None:
    """BG18: held-out R2 of the joint distribution of the next tokens, by their number."""
    ax = fig.subplots()
    networks(ax, shown.n, shown.trained, TRAINED, "trained")
    networks(ax, shown.n, shown.untrained, UNTRAINED, "untrained", "--")
    for name, line in LINES.items():
        ax.plot(
            shown.n,
            shown.baselines[name],
            color=BLACK,
            linewidth=0.8,
            linestyle=line,
            marker=".",
            markersize=3,
            label=called(name),
        )
    ax.set_xticks(shown.n)
    ax.set(xlabel="tokens ahead", ylabel="held-out R² of their joint distribution")
    fig.legend(loc="outside lower center", ncols=3)
