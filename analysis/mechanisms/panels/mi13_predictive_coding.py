"""MI13: how near to the floor two rules of learning come, and how much of beliefs is held then."""

import numpy as np
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.style import NULL, PURPLE, TRAINED, UNTRAINED, positive
from ..mi13_predictive_coding import Rules

ARMS = (("backpropagation", TRAINED, "-"), ("relaxation", PURPLE, "--"))


def predictive_coding(fig: SubFigure, verdict: Verdict, shown: Rules) -> None:
    """MI13: above, what is left to learn over training, a line for each network and rule; below, held-out R2
    of beliefs before training and after it, a dot for each.
    """
    above, below = fig.subplots(2, 1)
    for (name, colour, dashes), course in zip(ARMS, shown.course, strict=True):
        above.plot(
            shown.step + 1, positive(course).T, color=colour, linestyle=dashes, linewidth=0.7, alpha=0.8
        )
        above.plot([], [], color=colour, linestyle=dashes, label=name)
    above.set(xscale="log", yscale="log", xlabel="step of Adam")
    above.set_ylabel("share of what contexts\nare worth that is left")
    above.legend(loc="lower left", handlelength=1.6)
    names, colours = ("untrained", *(arm[0] for arm in ARMS)), (UNTRAINED, *(arm[1] for arm in ARMS))
    for place, (colour, r2) in enumerate(zip(colours, (shown.untrained, *shown.r2), strict=True)):
        spread = np.linspace(-0.15, 0.15, len(r2))
        below.plot(place + spread, r2, "o", color=colour, markersize=3, alpha=0.8, markeredgewidth=0)
    below.axhline(shown.token_window, color=NULL, linewidth=0.9, linestyle=":", label="token window")
    below.legend(loc="best", handlelength=1.6)
    below.set(xlim=(-0.6, 2.6), ylabel="held-out R² of beliefs")
    below.set_xticks(range(3), names)
