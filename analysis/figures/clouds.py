"""Finitely many belief states and the clouds of points that are probed for each of them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .record import Record
from .style import BLACK, figure, label, mixture


def clouds(record: Record) -> Figure:
    """Truth | probed | untrained, for the median network; a row for each pair of principal axes of the true
    beliefs.

    Every context that was held out is drawn; states that only shorter contexts reach have a ring and no dots.
    """
    e, layer = record.evidence, record.layer("concatenated")
    shown = e["fold"] >= 0
    states, state, weight = e["state_belief"], e["state"][shown], e["weight"][shown]
    mass = np.bincount(state, weights=weight, minlength=len(states))
    colour = mixture(e["belief"][shown])
    pairs = [(0, 1), (2, 3)] if states.shape[1] > 4 else [(0, 1)]
    fig, axes = figure(7.0, 0.5 + 2.25 * len(pairs), rows=len(pairs), columns=3)
    probed = []
    for which in ("trained", "untrained"):
        r2, title = layer[which]["r2"], record.network(which)
        seed = record.typical(r2)
        probed.append(
            (
                e[f"{which}_points_concatenated"][seed][shown],
                f"{title}\nall layers, held-out R² = {r2[seed]:.2f}",
            )
        )
    for row, (i, j) in enumerate(pairs):
        here = axes[3 * row : 3 * row + 3]
        label(here, row)
        along = e["axes"][[i, j]]
        truth = (states - e["mean"]) @ along.T
        _states(here[0], truth, states, mass, filled=True)
        here[0].set_ylabel(f"principal axis {j + 1}")
        for ax, (points, title) in zip(here[1:], probed, strict=True):
            xy = (points - e["mean"]) @ along.T
            ax.scatter(xy[:, 0], xy[:, 1], s=3, c=colour, linewidths=0, alpha=0.6, zorder=1)
            for k in np.flatnonzero(mass):
                members = state == k
                centre = weight[members] @ xy[members] / mass[k]
                ax.plot(*np.stack([truth[k], centre]).T, color=BLACK, linewidth=0.5, alpha=0.6, zorder=2)
            _states(ax, truth, states, mass, filled=False)
            ax.set_title(title if row == 0 else "")
        seen = np.abs((probed[0][0] - e["mean"]) @ along.T).max(1)
        span = max(np.abs(truth).max() * 1.15, np.quantile(seen, 0.995))  # a few stray dots may fall outside
        for ax in here:
            ax.set(
                xlim=(-span, span),
                ylim=(-span, span),
                box_aspect=1,
                xticks=[],
                yticks=[],
                xlabel=f"principal axis {i + 1}",
            )
    axes[0].set_title(f"exact: {len(states)} belief states")
    caption = (
        "ring: exact belief state (area: its probability)   dots: probed from all layers   line: from a "
        "state to the mean of its dots"
    )
    fig.supxlabel(caption, fontsize=7)
    return fig


def _states(ax: Axes, xy: np.ndarray, states: np.ndarray, mass: np.ndarray, *, filled: bool) -> None:
    colour = mixture(states)
    edge = np.zeros_like(colour) if filled else colour * 0.6
    area = 8 + 240 * mass / mass.sum()
    ax.scatter(
        xy[:, 0],
        xy[:, 1],
        s=area,
        facecolors=colour if filled else "none",
        edgecolors=list(map(tuple, edge)),
        linewidths=0.7,
        zorder=3,
    )
