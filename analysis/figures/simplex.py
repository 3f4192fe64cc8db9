"""Three-state beliefs on their triangle: the truth, what is probed from a trained network, and from an
untrained one.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .record import Record
from .style import NULL, figure, mixture

CORNER_POSITIONS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])


def simplex(record: Record) -> Figure:
    """Truth | probed | untrained, for the median network, on the contexts whose histories were held out."""
    e, final = record.evidence, record.final
    shown = e["fold"] >= 0
    belief, weight = e["belief"][shown], e["weight"][shown]
    fig, axes = figure(7.0, 2.6, columns=3)
    panels = [(belief, f"exact beliefs\n{record.report['process']}")]
    for which, title in (
        ("trained", "probed from the trained network"),
        ("untrained", "probed from an untrained network"),
    ):
        r2 = final[which]["r2"]
        seed = record.typical(r2)
        panels.append((e[f"{which}_points_final"][seed][shown], f"{title}\nheld-out R² = {r2[seed]:.4f}"))
    # Rare histories first, so that frequent ones stay visible; the area says how likely a history is.
    order, colour = np.argsort(weight), mixture(belief)
    size = 0.35 + (
        60 * weight / weight.max() if record.report.get("sampled") is None else 0 * weight
    )  # drawn contexts are equally likely
    for ax, (points, title) in zip(axes, panels, strict=True):
        xy = points @ CORNER_POSITIONS
        ax.scatter(
            xy[order, 0],
            xy[order, 1],
            s=np.minimum(size, 5)[order],
            c=colour[order],
            linewidths=0,
            rasterized=True,
        )
        _frame(ax, record.report.get("states") or "ABC")
        ax.set_title(title)
    return fig


def _frame(ax: Axes, names: Sequence[str]) -> None:
    corners = np.vstack([CORNER_POSITIONS, CORNER_POSITIONS[:1]])
    ax.plot(*corners.T, color=NULL, linewidth=0.6, zorder=0)
    for (x, y), name, (dx, dy) in zip(
        CORNER_POSITIONS, names, [(-0.06, -0.03), (0.06, -0.03), (0, 0.05)], strict=True
    ):
        ax.text(x + dx, y + dy, name, ha="center", va="center", fontsize=7.5, color=NULL)
    ax.set(xlim=(-0.13, 1.13), ylim=(-0.2, 1.0), aspect="equal")
    ax.axis("off")
