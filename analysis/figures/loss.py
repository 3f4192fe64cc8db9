"""How far networks stay above the exact floor, by position and over training."""

import numpy as np
from matplotlib.figure import Figure

from .record import Record
from .style import BLACK, TRAINED, UNTRAINED, figure, positive


def loss(record: Record) -> Figure:
    """Left: loss minus floor at each position after training. Right: mean loss minus floor over training.
    Every seed drawn.
    """
    report, e = record.report, record.evidence
    fig, (left, right) = figure(7.0, 2.7, columns=2)
    x = np.arange(len(report["floor_by_position"]))
    words = report.get("sampled")
    contexts = "exact over all contexts" if words is None else f"over {words} sampled words"
    for which, colour, line in (("untrained", UNTRAINED, (0, (4, 2))), ("trained", TRAINED, "solid")):
        value = positive(e[f"{which}_excess_by_position"])
        left.plot(x, value.T, color=colour, linewidth=0.5, alpha=0.5)
        left.plot(
            x,
            value.mean(0),
            color=colour,
            linestyle=line,
            marker="o" if len(x) <= 20 else "",
            markersize=3,
            label=f"{which}, mean of {len(value)}",
        )
    left.set(
        yscale="log",
        xlabel="position (from 0)",
        ylabel="loss − floor, nats",
        title=f"after training, {contexts}",
    )
    if len(x) <= 12:
        left.set_xticks(x)
    left.legend(loc="lower right")
    objective = report["recipe"]["objective"]
    step, excess = np.array(report["training"]["step"]), positive(np.array(report["training"]["excess"]))
    right.plot(step, excess.T, color=TRAINED, linewidth=0.5, alpha=0.5)
    right.plot(step, excess.mean(0), color=TRAINED, label=f"mean of {len(excess)} networks")
    final = float(np.mean(report["excess"]["trained"]))
    right.axhline(
        final,
        color=BLACK,
        linewidth=0.7,
        linestyle=(0, (1, 1.5)),
        label=f"at the end, {'exact' if words is None else 'sampled'}: {final:.1e}",
    )
    right.set(
        xscale="log",
        yscale="log",
        xlabel="step",
        ylabel="loss − floor, nats per token",
        title=f"over training, {objective} objective",
    )
    right.legend(loc="upper right")
    left.set_label("positions")
    right.set_label("training")
    return fig
