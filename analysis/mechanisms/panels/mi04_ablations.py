"""MI4: what ablations cost, network by network, beside what attention is worth exactly."""

import numpy as np
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import floored
from ...figures.style import BLACK, GREEN, TRAINED, UNTRAINED
from ...instruments.interventions.ablation import KINDS, Kind
from ..mi04_ablations import FLOOR, Ablations

WORDS: dict[Kind, str] = {
    "zero": "zeros",
    "mean": "the mean",
    "resample": "another\ncontext's",
    "constant": "the best\nconstant",
}
"""What stands in the place of attention."""


def costs(fig: SubFigure, verdict: Verdict, shown: Ablations) -> None:
    """MI4: loss over the exact predictor with attention ablated, for each kind, of trained networks and of
    untrained ones; no network can be below the line.
    """
    ax, exact = fig.subplots(), max(shown.exact, FLOOR)
    ax.set_yscale("log")
    for k, kind in enumerate(KINDS):
        for shift, excess, cost, colour, mark, name in (
            (-0.16, shown.excess, shown.cost[kind], TRAINED, "o", "trained"),
            (0.16, shown.untrained_excess, shown.untrained[kind], UNTRAINED, "x", "untrained"),
        ):
            lost = floored(ax, (excess + cost) / exact, FLOOR / exact)
            x = k + shift + np.linspace(-0.1, 0.1, len(lost))
            ax.plot(x, np.sort(lost), mark, color=colour, markersize=3, label=name if k == 0 else None)
    ax.axhline(1, color=GREEN, linewidth=0.9, linestyle="--", label="what the past is worth")
    if shown.worth > 1.001 * exact:
        ax.axhline(shown.worth / exact, color=BLACK, linewidth=0.7, linestyle=":", label="and the present")
    ax.set_xticks(range(len(KINDS)), [WORDS[kind] for kind in KINDS])
    ax.set(ylabel="loss over the exact cost", xlabel="in place of attention", xlim=(-0.5, len(KINDS) - 0.5))
    fig.legend(loc="outside lower center", ncols=2, columnspacing=1.2, handlelength=1.4)
