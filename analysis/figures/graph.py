"""The state graph of a hidden Markov model: states on a circle, arrows labelled symbol:probability."""

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path as Curve

from processes import Process

from .style import BLACK, NULL, mixture

MOST_STATES, MOST_LABELS = 8, 14
RADIUS = 0.15  # of a node; the circle of nodes has radius 1
LABEL = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.9}


def is_readable(process: Process) -> bool:
    """Whether a graph of the process would be legible: few states, few transitions, and probabilities on its
    edges.
    """
    return (
        process.kind == "hmm"
        and process.n_states <= MOST_STATES
        and int(np.count_nonzero(process.T)) <= MOST_LABELS
    )


def graph(ax: Axes, process: Process) -> None:
    """Draw states and transitions; parallel edges with different symbols share one arrow and stack their
    labels.
    """
    S = process.n_states
    angle = np.pi / 2 - 2 * np.pi * np.arange(S) / S if S > 2 else np.array([np.pi, 0.0])[:S]
    centre = np.stack([np.cos(angle), np.sin(angle)], 1) * (0.0 if S == 1 else 1.0)
    present = process.T.sum(0) > 0
    for i, j in np.argwhere(present):
        text = "\n".join(f"{x}:{_short(p)}" for x, p in enumerate(process.T[:, i, j]) if p > 0)
        if i == j:
            away = angle[i] if S > 2 else np.pi / 2
            line, at = (
                _loop(centre[i], away),
                centre[i] + _toward(away) * (RADIUS + 0.4 + 0.06 * text.count("\n")),
            )
        else:
            both, chord = present[j, i], 1 < abs(i - j) < S - 1
            line, right = _arc(centre[i], centre[j], 0.34 if both else 0.1)
            at = line[
                round((0.2 if chord and not both else 0.5) * len(line))
            ]  # labels of crossing chords keep near their tails
            at = at + right * (0.09 if both else 0.0)
        _arrow(ax, line)
        ax.text(
            at[0], at[1], text, ha="center", va="center", fontsize=7, linespacing=0.95, zorder=4, bbox=LABEL
        )
    for xy, colour, name in zip(centre, mixture(np.eye(S)), process.states, strict=True):
        ax.add_patch(Circle(tuple(xy), RADIUS, facecolor=colour, edgecolor=BLACK, linewidth=0.7, zorder=5))
        dark = colour @ [0.299, 0.587, 0.114] < 0.55
        ax.text(
            xy[0],
            xy[1],
            name,
            ha="center",
            va="center",
            fontsize=7 if len(name) < 3 else 5.5,
            color="white" if dark else BLACK,
            zorder=6,
        )
    half = 1.75 if np.diag(present).any() and S > 2 else 1.35
    ax.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
    ax.axis("off")


def _short(p: float) -> str:
    text = f"{p:.3g}"
    return text[1:] if text.startswith("0.") else text


def _toward(angle: float) -> Float[np.ndarray, "2"]:
    return np.array([np.cos(angle), np.sin(angle)])


def _arc(
    start: np.ndarray, end: np.ndarray, bend: float
) -> tuple[Float[np.ndarray, "P 2"], Float[np.ndarray, "2"]]:
    """A quadratic curve from node to node, cut at both, and the unit vector to its right, where it keeps: the
    two directions part.
    """
    dx, dy = end - start
    right = np.array([dy, -dx]) / np.hypot(dx, dy)
    control = (start + end) / 2 + bend * right * min(np.hypot(dx, dy), 1.2)
    t = np.linspace(0, 1, 120)[:, None]
    return _outside((1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end, [start, end]), right


def _loop(centre: np.ndarray, angle: float) -> Float[np.ndarray, "P 2"]:
    """A cubic loop from a node to itself, on the side away from the middle of the graph."""
    out = [centre + 0.72 * _toward(angle + turn) for turn in (0.6, -0.6)]
    t = np.linspace(0, 1, 120)[:, None]
    return _outside(
        (1 - t) ** 3 * centre + 3 * t * (1 - t) ** 2 * out[0] + 3 * t**2 * (1 - t) * out[1] + t**3 * centre,
        [centre],
    )


def _outside(line: np.ndarray, nodes: list[np.ndarray]) -> np.ndarray:
    return line[np.all([np.hypot(*(line - node).T) > RADIUS + 0.02 for node in nodes], 0)]


def _arrow(ax: Axes, line: np.ndarray) -> None:
    head = "-|>,head_length=3,head_width=1.6"
    ax.add_patch(
        FancyArrowPatch(
            path=Curve(line), arrowstyle=head, color=NULL, linewidth=0.7, shrinkA=0, shrinkB=0, zorder=2
        )
    )
