"""SM8: at which depth task and state are read, and what stands for tasks."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.style import BLACK, GREEN, NULL, PURPLE, TRAINED, UNTRAINED, entries
from ..sm08_task_trees import NEARER, TaskTrees


def task_trees(fig: SubFigure, verdict: Verdict, shown: TaskTrees) -> None:
    """SM8: partial R2 of task and state by depth, a line for each network, beside one fabric of beliefs; and
    task means between a sum over attributes and a direction for each task.
    """
    above, below = fig.subplots(2, 1, height_ratios=(2, 1) if shown.in_grid else (1, 1))
    blocks = np.arange(shown.task.shape[1])
    for seen, alike, fresh, colour, name in (
        (shown.task, shown.fabric_task, shown.untrained_task, TRAINED, "task"),
        (shown.state, shown.fabric_state, shown.untrained_state, PURPLE, "state"),
    ):
        for i, row in enumerate(seen):
            above.plot(blocks, row, color=colour, linewidth=0.9, label=name if i == 0 else None)
        above.plot(
            blocks,
            alike.mean(0),
            color=colour,
            linewidth=1.0,
            linestyle=(0, (1, 1)),
            label=f"{name}, fabric",
        )
        last = np.full(len(fresh), blocks[-1] + 0.2)
        mark = "s" if name == "task" else "x"
        above.plot(last, fresh[:, -1], mark, color=UNTRAINED, markersize=2.5, label=f"untrained, {name}")
    above.axhline(0, color=NULL, linewidth=0.7)
    above.set(xlabel="blocks", ylabel="partial R²")
    hold(above, y=(-0.15, 1.05))
    above.set_xticks(blocks)
    if shown.in_grid:
        _codes(below, shown)
    else:
        _differences(below, shown)
    where: Any = {"loc": "outside lower center", "ncols": 2, "columnspacing": 1.2, "handlelength": 1.2}
    fig.legend(*entries(above, below), **where)


def _codes(ax: Axes, shown: TaskTrees) -> None:
    for x, height, colour in ((shown.one_hot, 1, TRAINED), (shown.untrained_one_hot, 0, UNTRAINED)):
        ax.plot(x, np.full(len(x), height), "o", color=colour, markersize=3)
    ax.axvline(shown.one_hot_of_beliefs, color=GREEN, linewidth=0.9, linestyle="--", label="exact beliefs")
    ax.axvline(shown.one_hot_of_next, color=BLACK, linewidth=0.9, linestyle=":", label="exact next tokens")
    ax.axvline(NEARER, color=NULL, linewidth=0.7)
    ax.set_yticks([0, 1], ["untrained", "trained"])
    ax.set(ylim=(-0.6, 1.6), xlabel="task means: sum of attributes 0, one-hot 1")


def _differences(ax: Axes, shown: TaskTrees) -> None:
    exact = shown.later() - shown.later_than_fabric()
    for x, height, colour in ((shown.later(), 1, TRAINED), (exact, 0, GREEN)):
        ax.plot(x, np.full(len(x), height), "o", color=colour, markersize=3)
    ax.axvline(0, color=NULL, linewidth=0.7)
    ax.set_yticks([0, 1], ["fabric", "networks"])
    ax.set(ylim=(-0.6, 1.6), xlabel="blocks to task minus blocks to state")
    ax.locator_params(axis="x", nbins=4)
