"""BG19: how the geometry follows the loss down to the floor."""

import numpy as np
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold, kept
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED, positive
from ..bg19_complete_at_floor import COMPLETE, Completeness


def completeness(fig: SubFigure, verdict: Verdict, shown: Completeness) -> None:
    """BG19: R2 of all layers against KL over training, a line for each network, and where each ends: read
    linearly, and with products of the leading axes.
    """
    ax = fig.subplots()
    ends = positive(shown.divergence)
    low = min(0.0, *(float(np.min(r2)) for r2 in (shown.r2, shown.quadratic, shown.untrained)))
    ax.axvspan(min(shown.limit / 30, ends.min() / 2), shown.limit, color=GREEN, alpha=0.12, linewidth=0)
    ax.axhline(COMPLETE, color=BLACK, linewidth=0.8, linestyle="--")
    for kl, r2 in zip(positive(shown.course_divergence), shown.course, strict=True):
        kept(ax, kl, r2, "-", low=low - 0.05, color=TRAINED, linewidth=0.5, alpha=0.5)
    ax.plot(ends, shown.r2, "o", color=TRAINED, markersize=3.5, label="at the end, linear reader")
    ax.plot(
        ends, shown.quadratic, "o", color=BLACK, markerfacecolor="none", markersize=3.5, label="with products"
    )
    ax.axhline(shown.untrained.mean(), color=UNTRAINED, linewidth=0.8, label="untrained")
    ax.set(xscale="log", xlabel="KL to the exact predictor (nats a token)")
    hold(ax, y=(low - 0.05, 1.05))
    ax.invert_xaxis()
    ax.set_ylabel("held-out R², all layers")
    ax.text(
        0.98,
        COMPLETE + 0.012,
        f"{COMPLETE:g}".lstrip("0"),
        transform=ax.get_yaxis_transform(),
        ha="right",
        fontsize=7,
        color=NULL,
    )
    ax.set_title("shaded: the floor")
    fig.legend(loc="outside lower center", ncols=3, handlelength=1.2, columnspacing=1.0)
