"""MI9: how far two fits of each eraser agree, from other starts and on disjoint histories, what is still read
afterwards, and what it costs.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold, kept
from ...figures.style import BLACK, GREEN, NULL, PURPLE, TRAINED, UNTRAINED
from ..mi09_erased import Erased, Kind
from ..mi09_erasers import LESS

WORDS: Mapping[Kind, str] = {
    "mean": "mean projection",
    "leace": "LEACE",
    "inlp": "INLP",
    "adversarial": "adversarial",
    "continued": "continued",
}
"""How an eraser is called where room is scarce."""
LEAST = -0.2
"""R2 below which a probe is drawn at the edge."""


def erasers(fig: SubFigure, verdict: Verdict, shown: Erased) -> None:
    """MI9: above, overlap of what two fits of an eraser take out, from other starts on the same histories (of
    those that have one) and on disjoint histories, and of what two networks' erasers read; in the middle, R2
    of probes afterwards, open at the edge where it is beyond; below, KL that erasing adds over what beliefs
    are worth.
    """
    above, middle, below = fig.subplots(3, 1, sharex=True)
    _dots(above, shown.restarts, -0.24, TRAINED, "o", "other starts")
    _dots(above, shown.histories, 0.0, BLACK, "D", "other histories")
    _dots(above, shown.alike, 0.24, PURPLE, "s", "networks")
    at = list(WORDS).index("adversarial") - 0.24
    above.plot(
        np.full(len(shown.untrained), at),
        shown.untrained,
        "x",
        color=UNTRAINED,
        markersize=3,
        label="untrained",
    )
    above.axhline(1 - LESS, color=NULL, linewidth=0.8, linestyle=":")
    above.set(ylabel="overlap")
    _dots(middle, shown.linear, -0.15, TRAINED, "o", "linear probe")
    _dots(middle, shown.nonlinear, 0.15, GREEN, "^", "perceptron")
    middle.axhline(0, color=NULL, linewidth=0.7)
    middle.set(ylabel="R² afterwards")
    _dots(below, shown.cost, -0.15, TRAINED, "o", "as it is")
    _dots(below, shown.told, 0.15, BLACK, "v", "logits mended")
    below.axhline(1, color=GREEN, linewidth=0.9, linestyle="--")
    below.set_yscale("symlog", linthresh=1.0)
    most = max(float(np.max(of)) for found in (shown.cost, shown.told) for of in found.values())
    ticks = [0, 1, *(t for t in (3, 10, 30, 100) if t < 1.2 * most)]
    below.set(ylabel="cost over\nthe worth")
    below.set_yticks(ticks, [str(t) for t in ticks])
    below.yaxis.minorticks_off()
    hold(below, y=(-0.2, max(1.3, 1.3 * most)))
    below.set_xticks(range(len(WORDS)), list(WORDS.values()), rotation=25, ha="right", rotation_mode="anchor")
    hold(above, y=(0.0, 1.05))
    hold(middle, y=(-0.25, 1.05))
    for ax in (above, middle, below):
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=0.8, borderaxespad=0.2)


def _dots(
    ax: Axes, found: Mapping[Kind, np.ndarray], shift: float, colour: str, mark: str, label: str
) -> None:
    for k, kind in enumerate(WORDS):
        if kind not in found:
            continue
        of = found[kind]
        x = k + shift + np.linspace(-0.08, 0.08, len(of))
        first = kind == next(name for name in WORDS if name in found)
        kept(ax, x, of, mark, low=LEAST, color=colour, markersize=2.5, label=label if first else None)
