"""MI12: how much of what beliefs are worth each head reads, and how much is told without a network."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...controls import RIVALS
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED
from ..mi12_value_head import Valued


def heads(fig: SubFigure, verdict: Verdict, shown: Valued) -> None:
    """MI12: held-out R2 of V and of the value of a guess, a dot for each network and for each thing that is
    no network; the dashed line is what exact beliefs give to one linear head.
    """
    above, below = fig.subplots(2, 1, height_ratios=(9, 2), sharex=True)
    rows = [
        ("linear head", shown.linear, TRAINED),
        ("nonlinear head", shown.nonlinear, BLACK),
        ("linear, all layers", shown.all_layers, TRAINED),
        ("untrained, linear", shown.untrained, UNTRAINED),
        *((RIVALS[name], np.array([r2]), NULL) for name, r2 in shown.rivals.items()),
    ]
    _rows(above, rows, shown.beliefs)
    above.set_title(f"value, {shown.delay} late (dashed: beliefs)")
    guess = [("linear head", shown.guess, TRAINED), ("nonlinear head", shown.guess_nonlinear, BLACK)]
    _rows(below, guess, shown.beliefs_of_guess)
    below.set_title("value of a guess")
    below.set(xlabel="R² (held out)")


def _rows(ax: Axes, rows: list[tuple[str, np.ndarray, str]], beliefs: float) -> None:
    for place, (_, r2, colour) in enumerate(rows):
        aside = np.linspace(-0.15, 0.15, len(r2)) if len(r2) > 1 else np.zeros(1)
        ax.plot(r2, place + aside, "o", color=colour, markersize=3, alpha=0.8, markeredgewidth=0)
    ax.axvline(beliefs, color=GREEN, linewidth=0.9, linestyle="--")
    ax.axvline(0, color=NULL, linewidth=0.5)
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
