"""SM5: what becomes of errors in a network's own text."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED, positive
from ..sm05_finite_chain import LASTS, OwnText


def finite_chain(fig: SubFigure, verdict: Verdict, shown: OwnText) -> None:
    """SM5: how far the text is in the long run against what one step adds, with the line that the exact chain
    predicts; and the entropy rate of the text against the stay among impossible words.
    """
    above, below = fig.subplots(2, 1)
    _errors(above, shown)
    _rates(below, shown)


def _errors(ax: Axes, shown: OwnText) -> None:
    step, there = positive(shown.step), positive(shown.stationary)
    ends = np.array([step.min() / 3, step.max() * 3])
    ax.fill_between(
        ends,
        ends * shown.amplification / 2,
        ends * shown.amplification * 2,
        color=GREEN,
        alpha=0.15,
        linewidth=0,
    )
    ax.plot(ends, ends * shown.amplification, color=GREEN, linewidth=0.9, label="exact chain, × 2 or / 2")
    ax.plot(step, there, "o", color=TRAINED, markersize=3.5, label="networks")
    ax.plot(ends, ends, color=BLACK, linewidth=0.8, linestyle=":", label="no amplification")
    ax.set(xscale="log", yscale="log", xlabel="total variation added by a step")
    ax.set_ylabel("total variation\nin the long run")
    ax.set_ylim(top=max(ends[1] * shown.amplification * 2, there.max()) * 12)  # room for the legend
    ax.set_title(f"second eigenvalue {shown.second:.3f}, words of {shown.n}")
    ax.legend(loc="upper left", handlelength=1.4)


def _rates(ax: Axes, shown: OwnText) -> None:
    ax.axvline(0.0, color=GREEN, linewidth=0.9, linestyle="--")
    stay = shown.stay if shown.impossible else np.zeros(len(shown.rate))
    ax.plot(shown.rate - shown.h, stay, "o", color=TRAINED, markersize=3.5)
    if shown.impossible:
        ax.axhline(LASTS, color=NULL, linewidth=0.8, linestyle=":")
    away = float((shown.untrained_rate - shown.h).mean())
    ax.annotate(
        f"untrained: {away:+.3f}",
        (0.98, 0.06),
        xycoords="axes fraction",
        ha="right",
        color=UNTRAINED,
        fontsize=7,
    )
    ax.set(
        xlabel="entropy rate of the text minus h(n+1), nats", ylabel="stay among\nimpossible words (windows)"
    )
    hold(ax, y=(0.0, None))
    ax.locator_params(axis="x", nbins=3)
    widest = max(float(np.abs(shown.rate - shown.h).max()), 1e-6) * 1.4
    ax.set_xlim(-widest, widest)
