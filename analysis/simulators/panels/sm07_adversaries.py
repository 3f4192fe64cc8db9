"""SM7: the states of generators and predictors on the triangle of what they predict, and how many of them are
at hidden states.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.simplex import CORNER_POSITIONS, simplex
from ...figures.style import BLACK, GREEN, NULL, PURPLE, TRAINED, UNTRAINED
from ..sm07_adversaries import ADVERSARY, LIKELIHOOD, PREDICTOR, SILENT, Structures

SHOWN = ((LIKELIHOOD, "likelihood"), (ADVERSARY, "adversary"), (PREDICTOR, "predictor"))
ARMS = (
    (LIKELIHOOD, "likelihood", TRAINED),
    (ADVERSARY, "adversary", PURPLE),
    (SILENT, "adversary, no noise", UNTRAINED),
    (PREDICTOR, "predictor", BLACK),
)


def states(fig: SubFigure, verdict: Verdict, shown: Structures) -> None:
    """SM7: where three symbols make it possible, the states of all networks by what they predict, coloured by
    what their histories let believe, with what hidden states emit; below, share of states that are there, R2
    of beliefs, and dimension, by arm, a dot for each network.
    """
    whole = shown.vertices.shape == (3, 3)
    rows = fig.add_gridspec(2 if whole else 1, 3, height_ratios=(1, 1.1) if whole else (1,))
    if whole:
        for k, (arm, name) in enumerate(SHOWN):
            _triangle(fig.add_subplot(rows[0, k]), shown, arm, name)
    exact = (
        (1.0, 0.0),
        (shown.r2_of_states, 1.0),
        (0.0, shown.dimension_of_beliefs),
    )
    of = (shown.near, shown.r2, shown.dimension)
    names = ("at hidden states", "R² of beliefs", "dimension")
    for k, (statistic, (state, belief), name) in enumerate(zip(of, exact, names, strict=True)):
        _arms(fig.add_subplot(rows[-1, k]), statistic, state, belief, name)
    lines, told = fig.axes[-1].get_legend_handles_labels()
    where: Any = {"loc": "outside lower center", "ncols": 3, "columnspacing": 1.2, "handlelength": 1.4}
    fig.legend(lines, told, **where)


def _triangle(ax: Axes, shown: Structures, arm: int, name: str) -> None:
    token, belief = (x[arm].reshape(-1, x.shape[-1]) for x in (shown.token, shown.belief))
    simplex(ax, token, belief=belief, states=("", "", ""))
    ax.plot(
        *(shown.vertices @ CORNER_POSITIONS).T, "o", color=BLACK, markersize=5, fillstyle="none", zorder=5
    )
    ax.set_title(name, fontsize=7.5)


def _arms(ax: Axes, statistic: np.ndarray, state: float, belief: float, name: str) -> None:
    for place, (arm, called, colour) in enumerate(ARMS):
        shift = np.linspace(-0.2, 0.2, statistic.shape[1])
        ax.plot(place + shift, statistic[arm], "o", color=colour, markersize=2.5, label=called)
    ax.axhline(state, color=GREEN, linewidth=0.9, linestyle="--", label="hidden states")
    ax.axhline(belief, color=NULL, linewidth=0.9, linestyle=":", label="beliefs")
    ax.set_xticks([])
    ax.set(title=name)
    ax.title.set_fontsize(7.5)
