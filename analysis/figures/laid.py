"""A cloud of activations as it was laid on beliefs without knowing them, beside the beliefs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .letters import shortened
from .simplex import simplex
from .style import figure, placed

AREA, MOST = 0.35, 5.0
"""Of dots, square points: of a context without weight, and of a heavy one."""


@dataclass(frozen=True, eq=False)
class Page:
    """Where beliefs of a process are drawn: on the triangle of three states, or along the two principal axes
    of the exact ones.
    """

    exact: Float[np.ndarray, "N S"]
    weight: Float[np.ndarray, "N"]

    def draw(
        self,
        ax: Axes,
        points: Float[np.ndarray, "M S"],
        belief: Float[np.ndarray, "M S"],
        weight: Float[np.ndarray, "M"],
    ) -> None:
        """Points, each in the colour of a belief: its exact one, or where it lies itself."""
        weight = weight if weight.max() > 0 else np.ones(len(weight))
        if self.exact.shape[1] == 3 and self.exact.min() > -1e-9:
            simplex(ax, points, belief=belief, weight=weight)
            return
        w = self.weight / self.weight.sum()
        mean = w @ self.exact
        axes = np.linalg.svd((self.exact - mean) * np.sqrt(w)[:, None], full_matrices=False)[2].T
        order = np.argsort(weight, kind="stable")
        x, y = ((points - mean) @ axes[:, :2])[order].T
        size = np.minimum(AREA + 60 * weight / weight.max(), MOST)[order]
        colour = placed(belief, (belief - mean) @ axes)[order]
        ax.scatter(x, y, s=size, c=colour, linewidths=0, rasterized=True)
        span = max(1.25 * float(np.abs((self.exact - mean) @ axes[:, :2]).max()), 1e-9)
        span = max(span, 1.02 * float(np.abs([x, y]).max()))  # what was laid may lie far outside
        ax.set(xlim=(-span, span), ylim=(-span, span), aspect="equal", xticks=[], yticks=[])

    @staticmethod
    def frame(axes: Sequence[Axes]) -> None:
        """Give pages that stand beside each other the same frame, in which the points of all of them are."""
        x, y = np.array([ax.get_xlim() for ax in axes]), np.array([ax.get_ylim() for ax in axes])
        for ax in axes:
            ax.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))


def laid(
    page: Page,
    mapped: Float[np.ndarray, "M S"],
    belief: Float[np.ndarray, "M S"],
    weight: Float[np.ndarray, "M"],
    *,
    of: str,
    said: str,
) -> Figure:
    """Exact beliefs of a process beside a cloud that was laid on them, whose points have the colours of these
    beliefs.
    """
    fig, axes = figure(5.2, 2.8, columns=2)
    for ax, name in zip(axes, ("exact", "mapped"), strict=True):
        ax.set_label(name)
    page.draw(axes[0], page.exact, page.exact, page.weight)
    page.draw(axes[1], mapped, belief, weight)
    page.frame(axes)
    axes[0].set_title(f"exact beliefs\n{shortened(of)}")
    axes[1].set_title(said)
    return fig
