"""Three-state beliefs on their triangle: the truth, what is probed from a trained network, and from an
untrained one.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib.patheffects
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .letters import shortened
from .record import Record
from .style import BLACK, CORNERS, NULL, figure, label, mixture

CORNER_POSITIONS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])
MOST_AREA = 5.0
"""Of a dot, square points."""


def simplex(
    ax: Axes,
    points: Float[np.ndarray, "N S"],
    *,
    belief: Float[np.ndarray, "N 3"] | None = None,
    weight: Float[np.ndarray, "N"] | None = None,
    states: Sequence[str] = "ABC",
    beside: Float[np.ndarray, "M 3"] | None = None,
) -> Float[np.ndarray, "N 2"]:
    """Draw beliefs about three hidden states, or what is probed of them, on the triangle of the states.

    A dot has the colour of its exact `belief` (of itself by default), mixed from those at the corners, which
    are the key; its area follows `weight`, the probability of its context, and rare contexts lie below. What
    is drawn `beside` it, in other panels or frames of a moving picture, would have room too: so that all are
    as large.
    Returns where the dots lie, in the order of the points: those of states at the corners (0, 0), (1, 0)
    and (1/2, sqrt(3)/2). Raises ValueError if points are not of three states.
    """
    if np.ndim(points) != 2 or np.shape(points)[1] != 3:
        raise ValueError(
            f"points have the shape {np.shape(points)}; a triangle takes (N, 3), beliefs about three states"
        )
    colour = mixture(np.asarray(points if belief is None else belief).clip(0))
    xy = points @ CORNER_POSITIONS
    if weight is None:
        order, size = np.arange(len(xy)), np.full(len(xy), 0.35)
    else:
        order, size = np.argsort(weight), np.minimum(0.35 + 60 * weight / weight.max(), MOST_AREA)
    x, y = xy[order].T
    ax.scatter(x, y, s=size[order], c=colour[order], linewidths=0, rasterized=True)
    _frame(ax, states, xy if beside is None else np.concatenate([xy, beside @ CORNER_POSITIONS]))
    return xy


def simplex_of_run(record: Record) -> Figure:
    """Truth | probed | untrained, for the median network, on the contexts whose histories were held out."""
    e, final = record.evidence, record.final
    shown = e["fold"] >= 0
    belief, weight = e["belief"][shown], e["weight"][shown]
    fig, axes = figure(7.0, 2.6, columns=3)
    panels = {"exact": (belief, f"exact beliefs\n{shortened(record.report['process'])}")}
    for which in ("trained", "untrained"):
        r2 = final[which]["r2"]
        seed = record.typical(r2)
        title = f"{record.network(which)}\n{record.site(final['features'])}, held-out R² = {r2[seed]:.4f}"
        panels[which] = (e[f"{which}_points_final"][seed][shown], title)
    likely = weight if record.report.get("sampled") is None else None  # drawn contexts are equally likely
    label(axes)
    states, beside = record.report.get("states") or "ABC", np.concatenate([of for of, _ in panels.values()])
    for ax, (points, title) in zip(axes, panels.values(), strict=True):
        simplex(ax, points, belief=belief, weight=likely, states=states, beside=beside)
        ax.set_title(title)
    return fig


def _frame(ax: Axes, names: Sequence[str], xy: Float[np.ndarray, "N 2"]) -> None:
    """The triangle and the names of the states, over dots, which may lie anywhere and are all inside; at the
    corners rings in the states' colours, in which beliefs that lie there are seen.
    """
    corners = np.vstack([CORNER_POSITIONS, CORNER_POSITIONS[:1]])
    ax.plot(*corners.T, color=NULL, linewidth=0.6, zorder=3)
    halo = [matplotlib.patheffects.withStroke(linewidth=2.0, foreground="white")]
    across, up = CORNER_POSITIONS.T
    rim = [matplotlib.patheffects.withStroke(linewidth=2.0, foreground=BLACK)]  # the yellow one is faint
    ring: dict[str, Any] = {"facecolors": "none", "linewidths": 1.3, "path_effects": rim}
    ax.scatter(across, up, s=24, edgecolors=list(CORNERS[:3]), clip_on=False, zorder=4, **ring)
    where: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 7.5, "zorder": 5}
    for (x, y), name, aside, side in zip(
        CORNER_POSITIONS, names, [(-4, -4), (4, -4), (0, 8)], ("right", "left", "center"), strict=True
    ):
        ax.annotate(name, (x, y), aside, ha=side, path_effects=halo, **where)
    low, high = np.array([(-0.15, -0.2), *(xy - 0.02)]).min(0), np.array([(1.15, 1.03), *(xy + 0.02)]).max(0)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    ax.axis("off")
