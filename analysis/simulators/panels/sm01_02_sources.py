"""SM1, SM2: what is read of the sources of a mixture, and what the wrong proportions of them cost."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold, kept
from ...figures.style import BLACK, GREEN, NULL, PURPLE, TRAINED, UNTRAINED
from ..sm01_superposition import NAMES, Superposition
from ..sm02_wrong_prior import PRIORS, Costs

LOWEST = -0.5
"""R² that is drawn; what is lower has an open mark there."""
MARKS = {"next_token": "v", "token_window": "s", "pair_counts": "D", "markov_3": "^"}
COLOURS = dict(zip(PRIORS, (GREEN, TRAINED, PURPLE), strict=True))
"""Of a prior."""


def superposition(fig: SubFigure, verdict: Verdict, shown: Superposition) -> None:
    """SM1: held-out R2 of the posterior and of what else is read, and what networks add to all rivals."""
    above, below = fig.subplots(2, 1, sharex=True)
    names = list(shown.trained)
    x = np.arange(len(names))
    for ax, trained, untrained in (
        (above, shown.trained, shown.untrained),
        (below, shown.given, shown.given_untrained),
    ):
        _each(ax, x - 0.12, [trained[n] for n in names], TRAINED, "o", "trained")
        _each(ax, x + 0.12, [untrained[n] for n in names], UNTRAINED, "s", "untrained")
        ax.axhline(0, color=NULL, linewidth=0.7)
    for rival, r2 in shown.rivals.items():
        look: Any = {"color": BLACK, "markerfacecolor": "none", "markersize": 4, "label": NAMES[rival]}
        kept(above, x, r2, MARKS[rival], low=LOWEST, **look)
    above.set_ylabel("held-out R²")
    below.set_ylabel("partial R²,\nrivals given")
    for ax in (above, below):
        hold(ax, y=(-0.06, 1.06))
    below.set_xticks(x, [n.replace(" ", "\n") for n in names])
    handles, labels = above.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=2, columnspacing=1.2, handlelength=1.2)


def _each(ax: Axes, x: np.ndarray, values: list[np.ndarray], colour: str, mark: str, label: str) -> None:
    """Every network as a small mark."""
    for i, (at, of) in enumerate(zip(x, values, strict=True)):
        shift = np.linspace(-0.06, 0.06, len(of))
        look: Any = {"color": colour, "markersize": 2.5, "alpha": 0.8, "label": label if i == 0 else None}
        kept(ax, at + shift, of, mark, low=LOWEST, **look)


def costs(fig: SubFigure, verdict: Verdict, shown: Costs) -> None:
    """SM2: what all tokens so far cost networks of each prior, beside exact filtering and its limit; and what
    is left to pay after each prompt.
    """
    above, below = fig.subplots(2, 1)
    tokens = np.arange(1, shown.exact.shape[1] + 1)
    for i, name in enumerate(PRIORS):
        colour = COLOURS[name]
        above.plot(tokens, shown.exact[i], color=colour, linewidth=1.0, label=f"{name} prior")
        above.plot(tokens, shown.measured[i].T, "o", color=colour, markersize=2.5, alpha=0.5)
        above.axhline(shown.limit[i], color=colour, linewidth=0.7, linestyle=(0, (5, 2)))
        exact = np.broadcast_to(shown.exact_after[i], shown.measured_after[i].shape)
        below.plot(
            exact.ravel(), shown.measured_after[i].ravel(), "o", color=colour, markersize=2.5, alpha=0.5
        )
    top = max(float(shown.exact_after.max()), float(shown.measured_after.max()), 1e-3)
    below.plot([0, top], [0, top], color=NULL, linewidth=0.8)
    above.set(xlabel="tokens read", ylabel="paid (nats)")
    above.set_title("lines: exact filtering; dashed: where it ends")
    below.set(xlabel="after a prompt, by exact filtering (nats)", ylabel="paid (nats)")
    fig.legend(loc="outside lower center", ncols=3, columnspacing=1.2, handlelength=1.2)
