"""MI15: a network's cloud as it was laid on beliefs without labels, and how near it comes to those of every
candidate.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...figures.laid import Page
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED, shortened
from ..laid_clouds import SOUGHT, WithoutInputs

NEXT = 5
"""Candidates that are shown beside the process itself: those whose beliefs come nearest."""


def without_inputs(fig: SubFigure, values: dict[str, Any], shown: WithoutInputs) -> None:
    """MI15: above, exact beliefs and the activations of the median network as the blind match lays them, in
    the colours of the exact ones; below, distances from the beliefs of the process and of the candidates
    that come next, a dot for each network, and those of clouds that know nothing from the beliefs of the
    process itself.
    """
    halves: Any = fig.subfigures(2, 1, height_ratios=(1, 1.5))  # matplotlib's own types say one
    above, below = halves
    exact, mapped = above.subplots(1, 2)
    page = Page(shown.exact, shown.weight)
    page.draw(exact, shown.exact, shown.exact, shown.weight)
    page.draw(mapped, shown.mapped, shown.exact, shown.weight)
    exact.set_title("exact beliefs")
    r2 = np.sort(shown.r2)[len(shown.r2) // 2]
    mapped.set_title(f"laid on them, R² {r2:.3f}")
    ax = below.subplots()
    _distances(ax, shown)
    sought = np.sort(shown.sought_r2)[len(shown.sought_r2) // 2]
    ax.set_title(f"sought among {SOUGHT} axes: R² {sought:.3f}", loc="right")
    below.legend(loc="outside lower center", ncols=3, columnspacing=1.0, handlelength=1.0)


def _distances(ax: Axes, shown: WithoutInputs) -> None:
    others = 1 + np.argsort(shown.distance[1:].mean(1), kind="stable")[:NEXT]
    rows = [0, *others.tolist()]
    shift = np.linspace(-0.18, 0.18, shown.distance.shape[1])
    for place, row in enumerate(rows):
        colour = TRAINED if shown.same[row] else BLACK
        label = {0: "its own", 1: "another's"}.get(place)
        ax.plot(shown.distance[row], place + shift, "o", color=colour, markersize=2.5, label=label)
    for values, colour, mark, label in (
        (shown.untrained_distance, UNTRAINED, "s", "untrained"),
        (shown.shuffled_distance, NULL, "x", "shuffled"),
    ):
        ax.plot(values, shift - 0.25, mark, color=colour, markersize=2.5, label=label)
    ax.axvline(shown.gaussian, color=GREEN, linewidth=0.9, linestyle="--", label="Gaussian")
    ax.set_yticks(range(len(rows)), [shortened(shown.candidates[row], 22) for row in rows])
    ax.invert_yaxis()
    ax.set_xlim(left=0)
    ax.set(xlabel="distance from beliefs (s.d.)")
