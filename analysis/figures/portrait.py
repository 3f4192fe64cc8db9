"""A process at a glance: its mixed states, its state graph, and how fast its entropies reach their floor."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import processes
from processes.algebra.pivots import principal_axes
from processes.structure.machine import finite_mixed_states

from .graph import graph, is_readable
from .letters import broken, shortened
from .paper import checked
from .simplex import CORNER_POSITIONS
from .style import BLACK, BLUE, LEAST_POINTS, NULL, figure, placed, style, write
from .views import MOST_CORNERS, frame, generic

MOST_WORDS = 60_000
"""Beliefs that are infinitely many are shown after the longest words of which there are at most so many."""


def portrait(process: processes.Process) -> Figure:
    """Mixed states | state graph, if it is readable | h(L) and the entropy rate. Nats."""
    panels = 3 if is_readable(process) else 2
    fig, axes = figure(2.45 * panels, 2.6, columns=panels)
    mixed_states(axes[0], process)
    if panels == 3:
        graph(axes[1], process)
        axes[1].set_title("states, symbol:probability")
    entropies(axes[-1], process)
    name = shortened(process.name, 60 * panels)
    fig.suptitle(broken(name, 2.45 * panels - 0.1, 9.0), fontsize=9)
    return fig


def save_portrait(process: processes.Process, file: Path, *, dpi: int = 200) -> None:
    """Draw a process into a file of one of the `KINDS`. Raises `ProcessError` for another kind of file."""
    checked(file)
    with style():
        file.parent.mkdir(parents=True, exist_ok=True)
        write(portrait(process), file, dpi=dpi)


def save_thumbnail(process: processes.Process, title: str, file: Path) -> None:
    """Draw the mixed states of a process alone, under a title, 1.6 inches wide, for a page that has many."""
    checked(file)
    with style():
        file.parent.mkdir(parents=True, exist_ok=True)
        fig, axes = figure(1.6, 1.6, columns=1)
        mixed_states(axes[0], process)
        axes[0].set_title(title, fontsize=LEAST_POINTS)
        axes[0].set(xlabel="", ylabel="", xticks=[], yticks=[])
        write(fig, file, dpi=110)


def mixed_states(ax: Axes, process: processes.Process) -> None:
    """Draw the beliefs that an observer of the process can hold: on the triangle of three hidden states, on a
    line, or on their first two principal axes; area: probability.
    """
    ms = finite_mixed_states(process)
    if ms is not None:
        belief, mass, transient = ms.belief, ms.limit[0], ~ms.recurrent
        n = int(transient.sum())
        title = f"{len(ms)} mixed state{'s' if len(ms) > 1 else ''}" + (
            f" ({n} transient: rings)" if n else ""
        )
    else:
        belief, mass, length = _late_beliefs(process)
        transient = np.zeros(len(belief), bool)
        title = f"mixed states after {length} symbols"
    xy, share, corners = _principal(belief, mass)
    colour = placed(belief if process.kind == "hmm" else _next_token(process, belief), xy)
    if process.kind == "hmm" and process.n_states == 3:
        xy = belief @ CORNER_POSITIONS
        _triangle(ax, process.states)
    else:
        if share[1] < 1e-9:
            _stems(ax, process, belief if process.n_states == 2 else xy, mass, transient, colour)
            ax.set_title(title)
            return
        if ms is None:
            drawn = process.kind == "hmm" and process.n_states <= MOST_CORNERS
            frame(ax, xy, corners if drawn else None, process.states)
        else:  # large dots need no simplex around them
            span = np.abs(xy).max() * 1.12
            ax.set(xlim=(-span, span), ylim=(-span, span), box_aspect=1, xticks=[], yticks=[])
        ax.set(xlabel=f"principal axis 1 ({share[0]:.0%})", ylabel=f"principal axis 2 ({share[1]:.0%})")
    order = np.argsort(mass)[::-1]  # small dots on top of large ones
    area = np.clip(500 * mass, 0.25 if len(mass) > 500 else 3, 130)
    order = order[~transient[order]]
    edge = 0.5 if len(mass) < 100 else 0
    ax.scatter(
        xy[order, 0],
        xy[order, 1],
        s=area[order],
        c=colour[order],
        edgecolors=BLACK,
        linewidths=edge,
        zorder=3,
        clip_on=False,
    )
    ax.scatter(
        xy[transient, 0],
        xy[transient, 1],
        s=9,
        facecolors="none",
        edgecolors=NULL,
        linewidths=0.7,
        zorder=4,
        clip_on=False,
    )
    ax.set_title(title)


def _late_beliefs(process: processes.Process) -> tuple[np.ndarray, np.ndarray, int]:
    """Beliefs after the longest words that are few enough, equal ones merged, with their probabilities."""
    length = int(np.log(MOST_WORDS) / np.log(process.vocab) + 1e-9)
    tree = processes.prefix_tree(process, length)
    last = tree.level(length)
    _, first, which = np.unique(
        np.round(tree.belief[last], 6), axis=0, return_index=True, return_inverse=True
    )
    return tree.belief[last][first], np.bincount(which.reshape(-1), weights=tree.probability[last]), length


def _next_token(process: processes.Process, belief: Float[np.ndarray, "N S"]) -> Float[np.ndarray, "N V"]:
    """Next-token distributions, which colour beliefs that are no mixtures of states; stretched to the range
    that each symbol has.
    """
    p = processes.predict(process, belief)
    p = (p - p.min(0)) / np.maximum(np.ptp(p, 0), 1e-9) + 1e-9
    return p / p.sum(1, keepdims=True)


def _principal(
    belief: Float[np.ndarray, "N S"], mass: Float[np.ndarray, "N"]
) -> tuple[Float[np.ndarray, "N 2"], Float[np.ndarray, "2"], Float[np.ndarray, "S 2"]]:
    """Coordinates on the two principal axes of the beliefs under their distribution, with each axis's share
    of the variance; and those of the hidden states themselves.
    """
    centred = belief - mass @ belief
    weighted = np.sqrt(mass)[:, None] * centred
    axes, share = (of[:2] for of in generic(principal_axes(weighted), weighted))
    if len(axes) < 2:
        axes, share = np.vstack([axes, np.zeros_like(axes)]), np.append(share, 0.0)
    return centred @ axes.T, share, (np.eye(belief.shape[1]) - mass @ belief) @ axes.T


def _stems(
    ax: Axes,
    process: processes.Process,
    xy: np.ndarray,
    mass: np.ndarray,
    transient: np.ndarray,
    colour: np.ndarray,
) -> None:
    """Beliefs on a line: where they are, and how likely each is."""
    x = xy[:, 1] if process.n_states == 2 else xy[:, 0]
    for k in np.flatnonzero(~transient):
        ax.plot([x[k], x[k]], [0, mass[k]], color=colour[k], linewidth=1.0, zorder=2)
    shown = ~transient
    few = shown.sum() < 100
    ax.scatter(
        x[shown],
        mass[shown],
        s=14 if few else 4,
        c=colour[shown],
        edgecolors=BLACK,
        linewidths=0.5 if few else 0,
        zorder=3,
    )
    ax.scatter(
        x[transient],
        np.zeros(transient.sum()),
        s=9,
        facecolors="none",
        edgecolors=NULL,
        linewidths=0.7,
        zorder=4,
        clip_on=False,
    )
    ax.set(ylim=(-0.04 * mass.max(), mass.max() * 1.1), ylabel="probability", box_aspect=1)
    if process.kind == "hmm" and process.n_states == 2:
        ax.set(xlim=(-0.05, 1.05), xlabel=f"P(state {process.states[1]})")
    else:
        ax.set(xlabel="principal axis 1" if len(mass) > 1 else "", xticks=[])


def _triangle(ax: Axes, names: tuple[str, ...]) -> None:
    corners = np.vstack([CORNER_POSITIONS, CORNER_POSITIONS[:1]])
    ax.plot(*corners.T, color=NULL, linewidth=0.6, zorder=0)
    for (x, y), name, (dx, dy) in zip(
        CORNER_POSITIONS, names, [(-0.1, -0.06), (0.1, -0.06), (0, 0.12)], strict=True
    ):
        ax.text(x + dx, y + dy, name, ha="center", va="center", fontsize=7.5)
    ax.set(xlim=(-0.15, 1.15), ylim=(-0.2, 1.05), aspect="equal")
    ax.axis("off")


def entropies(ax: Axes, process: processes.Process) -> None:
    """Draw h(L), nats, and the rate it falls to; a band where only bounds of the rate are known."""
    order = (
        12
        if finite_mixed_states(process) is not None
        else min(12, int(np.log(MOST_WORDS) / np.log(process.vocab)) + 1)
    )
    x, h, rate = np.arange(1, order + 1), processes.h(process, order), processes.entropy_rate(process)
    if rate.upper - rate.lower > 5e-5:
        text = f"{rate.lower:z.4f} ≤ h ≤ {rate.upper:z.4f}"
        ax.axhspan(rate.lower, rate.upper, color=NULL, alpha=0.25, linewidth=0)
    else:
        text = f"h = {rate.value:z.4f}"
        ax.axhline(rate.value, color=BLACK, linewidth=0.8, linestyle=(0, (4, 2)))
    ax.plot(x, h, color=BLUE, marker="o", markersize=3)
    low, high = min(rate.lower, h.min()), max(h.max(), rate.upper)
    gap = max(high - low, 0.1 * np.log(max(process.vocab, 2)))
    ax.set(ylim=(low - 0.16 * gap, high + 0.08 * gap), xlabel="L", title="h(L), nats", box_aspect=1)
    ax.set_xticks(x[::2] if order > 6 else x)
    ax.annotate(text, (0.98, 0.03), xycoords="axes fraction", ha="right", va="bottom", fontsize=7.5)
