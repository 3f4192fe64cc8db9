"""SM3: what networks lose by not being trained to work ahead, process by process."""

from typing import Any

import numpy as np
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.letters import told_apart
from ...figures.style import BLACK, NULL, TRAINED, UNTRAINED
from ..sm03_myopia import Myopia


def gaps(fig: SubFigure, verdict: Verdict, shown: Myopia) -> None:
    """SM3: gap of myopic networks as a share of what contexts are worth, beside the breadcrumb price; below,
    R2 of beliefs in both.
    """
    above, below = fig.subplots(2, 1, sharex=True)
    x, worth = np.arange(len(shown.process)), np.maximum(shown.worth, 1e-12)[:, None]
    shift = np.linspace(-0.1, 0.1, shown.ordinary.shape[1])
    shallow = (shown.myopic_of_one - shown.ordinary_of_one) / worth
    above.plot(x, shown.price, "_", color=BLACK, markersize=13, label="breadcrumb price")
    for values_, colour, mark, label in (
        (shown.gap() / worth, TRAINED, "o", "gap, two blocks"),
        (shallow, UNTRAINED, "s", "gap, one block"),
    ):
        for i, row in enumerate(values_):
            style: dict[str, Any] = {"color": colour, "markersize": 2.5, "label": label if i == 0 else None}
            above.plot(i + shift, row, mark, **style)
    above.axhline(0, color=NULL, linewidth=0.7)
    above.set(ylabel="share", title="shares of what contexts are worth")
    for values_, mark, label in ((shown.r2, "o", "ordinary"), (shown.r2_myopic, "x", "myopic")):
        for i, row in enumerate(values_):
            below.plot(i + shift, row, mark, color=BLACK, markersize=2.5, label=label if i == 0 else None)
    below.set(ylabel="belief R²")
    names = [name.replace("_", " ") for name in told_apart(shown.process, 18)]
    below.set_xticks(x, names, rotation=40, ha="right", rotation_mode="anchor")
    fig.legend(loc="outside lower center", ncols=3, columnspacing=1.2, handlelength=1.2)
