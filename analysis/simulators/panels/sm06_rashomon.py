"""SM6: how far networks are apart where they were asked, and where they were not."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.style import BLACK, NULL, PURPLE, TRAINED, UNTRAINED, entries, positive
from ..sm06_rashomon import Apart


def disagreement(fig: SubFigure, verdict: Verdict, shown: Apart) -> None:
    """SM6: how far each network is from the others, by width, on possible and impossible words; by how many
    constraints are switched in training, where bodies break them; by how many bits describe it; and machines
    in the Rashomon set by their states.
    """
    rows = fig.add_gridspec(3, 2)
    places = (rows[0, :], rows[1, 0], rows[1, 1], rows[2, :])
    wide, doses, machines, described = (fig.add_subplot(at) for at in places)
    _by_width(wide, shown)
    _by_dose(doses, shown)
    _machines(machines, shown)
    _by_description(described, shown)
    where: Any = {"loc": "outside lower center", "ncols": 2, "columnspacing": 1.2, "handlelength": 1.2}
    fig.legend(*entries(wide, doses, machines), **where)


def _marks(ax: Axes, x: float, apart: np.ndarray, colour: str, mark: str, label: str | None) -> None:
    values = positive(apart)
    shift = np.linspace(-0.12, 0.12, len(values))
    ax.plot(x + shift, values, mark, color=colour, markersize=2.5, alpha=0.8, label=label)


def _by_width(ax: Axes, shown: Apart) -> None:
    for i in range(len(shown.width)):
        for apart, colour, mark, label in (
            (shown.on[i], TRAINED, "o", "possible words"),
            (shown.off[i], PURPLE, "D", "impossible words"),
        ):
            _marks(ax, float(i), apart, colour, mark, label if i == 0 else None)
    at = shown.usual
    for apart, mark, label in (
        (shown.untrained_on, "s", "untrained, possible"),
        (shown.untrained_off, "x", "untrained, impossible"),
    ):
        _marks(ax, at + 0.35, apart, UNTRAINED, mark, label)
    ax.set_xticks(range(len(shown.width)), [str(w) for w in shown.width])
    ax.set(yscale="log", ylabel="divergence from\nother networks (nats)", xlabel="width")


def _by_dose(ax: Axes, shown: Apart) -> None:
    for i, apart in enumerate(shown.broken):
        _marks(ax, float(i), apart, PURPLE, "D", None)
    _marks(ax, 1.4, shown.empty, BLACK, "v", "control that says nothing")
    ax.set_xticks(range(len(shown.broken)))
    ax.set(yscale="log", xlabel="constraints that mention\nimpossible words", ylabel="divergence (nats)")


def _by_description(ax: Axes, shown: Apart) -> None:
    for i, width in enumerate(shown.width):
        bits, apart = shown.weights[i] * shown.bits[i], positive(shown.off[i])
        ax.plot(bits, apart, "D", color=PURPLE, markersize=2.5, alpha=0.8)
        where: Any = {"textcoords": "offset points", "xytext": (0, 4), "ha": "center", "fontsize": 7}
        ax.annotate(f"width {width}", (float(np.median(bits)), float(apart.max())), **where)
    ax.set(xscale="log", yscale="log", ylabel="divergence (nats)")
    ax.set_xlabel("bits of all weights, fewest in the set")
    ax.margins(x=0.12, y=0.3)


def _machines(ax: Axes, shown: Apart) -> None:
    ax.plot(
        shown.states, positive(shown.machines), "o-", color=NULL, markersize=3, label="all unifilar machines"
    )
    some = shown.within > 0
    ax.plot(
        shown.states[some], shown.within[some], "o-", color=BLACK, markersize=3, label="those near the floor"
    )
    top = float(np.max(shown.machines, initial=1.0))
    ax.set(yscale="log", xlabel="states of a machine", ylabel="machines", ylim=(0.5, 30 * max(top, 1.0)))
    ax.set_xticks(list(shown.states))
