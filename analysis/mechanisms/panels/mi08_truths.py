"""MI8: how many answers are found by how many facts, and which of them are facts."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED
from ...instruments.decompositions.truths import OF_SUMS
from ..mi08_truths import RESTARTS, Many


def truths(fig: SubFigure, verdict: Verdict, shown: Many) -> None:
    """MI8: above, distinct answers of contrast-consistent search, up to sign, by the number of facts, beside
    what negation allows; below, the share of solutions that are one of the facts, and what probes with labels
    tell.
    """
    above, below = fig.subplots(2, 1, sharex=True)
    facts = np.asarray(shown.facts, float)
    _dots(above, facts - 0.08, shown.count, TRAINED, "o", "networks")
    _dots(above, facts + 0.08, shown.untrained, UNTRAINED, "x", "untrained")
    exact = [(k, OF_SUMS[int(k) - 1] / 2) for k in facts if 1 <= k <= len(OF_SUMS)]
    if exact:
        above.plot(*zip(*exact, strict=True), "_", color=GREEN, markersize=14, label="sums of facts")
    above.plot(facts, 2.0 ** (facts - 1), "_", color=BLACK, markersize=14, label="sign patterns")
    above.axhline(RESTARTS, color=NULL, linewidth=0.7, linestyle=":", label="starts")
    above.set_yscale("log")
    above.set(ylabel="distinct answers,\nup to sign")
    _dots(below, facts - 0.08, shown.single, TRAINED, "o", "are a fact")
    _dots(below, facts, shown.solved, NULL, "s", "starts solved")
    # Of the largest ledger alone, as the control is: smaller ones have too few pairs to leave any out.
    _dots(below, facts[-1:] + 0.08, shown.told[-1:], GREEN, "^", "labels given")
    below.set(xlabel="facts", ylabel="share", xticks=facts)
    hold(below, y=(-0.05, 1.08))
    for ax in (above, below):
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=0.9, borderaxespad=0.2)


def _dots(ax: Axes, at: np.ndarray, values: np.ndarray, colour: str, mark: str, label: str) -> None:
    x = np.repeat(at, values.shape[1])
    ax.plot(x, values.ravel(), mark, color=colour, markersize=3, label=label)
