"""MI1: the arrangements that toy models reach, how often, and whether pairs are sums of their parts."""

from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED
from ...instruments.superposition.optima import KEPT, KNOWN
from ..mi01_superposition import ADDS, Superposed

TURNED = np.array([[0.96, 0.0, 0.28], [0.11, 0.92, -0.38]])
"""From where three dimensions are looked at, less what they are turned by themselves."""
NEAR = 0.04
"""Cosine by which features that are joined by a line may be farther apart than the nearest."""


def superposition(fig: SubFigure, verdict: Verdict, shown: Superposed) -> None:
    """MI1: the best toy model of all in every shape; the share of toy models that reach the
    optimum; and the contrast of pairs from embeddings to the last stream, a line for each network.
    """
    thirds: Any = fig.subfigures(3, 1, height_ratios=(0.8, 1, 1))  # matplotlib's own types say one
    above, middle, below = thirds
    for ax, (shape, optimum) in zip(above.subplots(1, len(KNOWN)), KNOWN.items(), strict=True):
        _arrangement(ax, shown.W[str(shape)][int(np.argmin(shown.least[str(shape)]))])
        ax.set_title(f"{shape.n} in {shape.m}\n{optimum.arrangement.replace(' ', chr(10), 1)}", fontsize=7)
    _shares(middle.subplots(), shown)
    _contrasts(below.subplots(), shown)


def _arrangement(ax: Axes, W: Float[np.ndarray, "m n"]) -> None:
    """Features as dots, each joined with its nearest ones."""
    norms = np.maximum(np.linalg.norm(W, axis=0), 1e-9)
    cosine = (W / norms).T @ (W / norms)
    np.fill_diagonal(cosine, -1)
    gone = np.linalg.norm(W, axis=0) < KEPT
    cosine[gone], cosine[:, gone] = -1, -1
    at = W if len(W) == 2 else TURNED @ np.linalg.qr(W[:, :3])[0].T @ W
    for i, j in np.argwhere((cosine > cosine.max(1, keepdims=True) - NEAR) & (cosine > -1)):
        ax.plot(at[0, [i, j]], at[1, [i, j]], "-", color=NULL, linewidth=0.6, zorder=1)
    ax.plot(*at, "o", color=TRAINED, markersize=3, zorder=2)
    ax.plot(0, 0, "+", color=BLACK, markersize=4)
    ax.set_aspect("equal")
    ax.axis("off")


def _shares(ax: Axes, shown: Superposed) -> None:
    for i, shape in enumerate(KNOWN):
        of = shown.reached[str(shape)]
        ax.plot(i + np.linspace(-0.2, 0.2, len(of)), of, "o", color=TRAINED, markersize=3)
    ax.set_xticks(range(len(KNOWN)), [f"{s.n} in {s.m}" for s in KNOWN])
    ax.set_ylabel("toy models that reach\nthe optimum")
    hold(ax, y=(-0.03, 1.05))


def _contrasts(ax: Axes, shown: Superposed) -> None:
    depth = np.arange(len(shown.sites))
    for of, colour, name in (
        (shown.untrained_contrast, UNTRAINED, "untrained"),
        (shown.contrast, TRAINED, "networks"),
    ):
        ax.plot(depth, of, "o-", color=colour, markersize=2.5, linewidth=0.6, alpha=0.7)
        ax.plot([], [], "o-", color=colour, markersize=2.5, linewidth=0.6, label=name)
    ax.axhline(shown.joint, color=NULL, linewidth=0.9, linestyle=":", label="joint beliefs")
    ax.axhline(ADDS, color=GREEN, linewidth=0.9, linestyle="--", label="asked: below")
    ax.set_xticks(depth, ["embed", *(f"block {i}" for i in depth[1:])])
    ax.set_ylabel("contrast of pairs\nover spread")
    hold(ax, y=(0.0, 1.6 * ax.dataLim.y1))  # room for the legend
    ax.legend(loc="upper right", handlelength=1.2, ncols=2, columnspacing=0.8)
