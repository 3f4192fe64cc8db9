"""MI15: a network's cloud as it was laid on beliefs without labels, and how near it comes to those of every
candidate.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.laid import Page
from ...figures.letters import shortened, told_apart
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED
from ..mi15_laid_clouds import SOUGHT, WithoutInputs

LETTERS = 24
"""Room for the name of a candidate."""


def without_inputs(fig: SubFigure, verdict: Verdict, shown: WithoutInputs) -> None:
    """MI15: above, exact beliefs and the activations of the median network as the blind match lays them, in
    the colours of the exact ones; below, distances from the beliefs of the process and of all other
    candidates, nearest first, a dot for each network, and those of clouds that know nothing from the beliefs
    of the process itself.
    """
    halves: Any = fig.subfigures(2, 1, height_ratios=(1, 1.5))  # matplotlib's own types say one
    above, below = halves
    exact, mapped = above.subplots(1, 2)
    page = Page(shown.exact, shown.weight)
    page.draw(exact, shown.exact, shown.exact, shown.weight)
    page.draw(mapped, shown.mapped, shown.exact, shown.weight)
    page.frame((exact, mapped))
    r2, sought = (np.sort(each)[len(each) // 2] for each in (shown.r2, shown.sought_r2))
    told = f"laid on them: R² {r2:.3f}\nsought among {SOUGHT} axes: R² {sought:.3f}"
    exact.set_title("exact beliefs\n", fontsize=7.5)
    mapped.set_title(told.replace("-", "−"), fontsize=7.5)
    _distances(below.subplots(), shown)
    below.legend(loc="outside lower center", ncols=3, columnspacing=1.0, handlelength=1.0)


def _distances(ax: Axes, shown: WithoutInputs) -> None:
    others = 1 + np.argsort(shown.distance[1:].mean(1), kind="stable")
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
    names = told_apart([_called(name, shown.candidates) for name in shown.candidates], LETTERS)
    ax.set_yticks(range(len(rows)), [names[row] for row in rows])
    ax.invert_yaxis()
    hold(ax, x=(0.0, None))
    ax.set(xlabel="distance from beliefs (s.d.)")


def _called(name: str, names: Sequence[str]) -> str:
    """A candidate's name, without what is in brackets where it has no room and no other begins like it."""
    head = name.partition("(")[0]
    alone = sum(other.partition("(")[0] == head for other in names) == 1
    return head if alone and shortened(name, LETTERS) != name else name
