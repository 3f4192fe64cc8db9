"""Accuracies of detection, drawn: a row for each method, its mean with an interval over seeds beside what
swapped labels reach.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from ...figures.edges import hold, possible
from ...figures.style import BLACK, NULL
from ...instruments.statistics import interval
from ..telling import Told


def accuracies(ax: Axes, groups: Mapping[str, tuple[str, str, Mapping[str, Told]]]) -> None:
    """Rows are methods; groups, each with a colour and a marker, stand a little apart within a row. A grey
    tick is what one in twenty swaps of labels reaches.
    """
    methods = list(dict.fromkeys(m for _, _, found in groups.values() for m in found))
    for g, (label, (colour, marker, found)) in enumerate(groups.items()):
        for row, method in enumerate(methods):
            y = row + 0.32 * (g - (len(groups) - 1) / 2)
            mean, low, high = interval(found[method].accuracy)
            ax.plot(possible(np.array([low, high])), [y, y], color=colour, linewidth=1.0)
            ax.plot(
                mean, y, marker, color=colour, markersize=3.5, label=label if row == 0 else "_", clip_on=False
            )
            ax.plot(found[method].null, y, "|", color=NULL, markersize=6, markeredgewidth=1.2)
    ax.axvline(0.5, color=BLACK, linewidth=0.5, zorder=0)
    ax.set_ylim(len(methods) - 0.4, -0.6)
    hold(ax, x=(0.0, 1.0))
    ax.set_yticks(range(len(methods)), methods)
    ax.set_xlabel("accuracy, seed left out (tick: swapped labels)", fontsize=7)
    ax.tick_params(labelsize=7)
