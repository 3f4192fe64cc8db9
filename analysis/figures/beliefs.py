"""Beliefs about any number of hidden states, finitely many or not, along the principal axes of the truth: the
truth, and what is probed from a trained and from an untrained network.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from .letters import shortened
from .record import Record
from .style import BLACK, NULL, figure, label, placed
from .views import MOST_CORNERS, frame, generic

FLAT = 1e-6
"""Share of the variance below which beliefs do not vary along an axis."""
SEEN = 0.02
"""Share of the variance from which a third axis has panels of its own."""
MANY = 4000
"""Dots up to which they keep their size."""
STRAY = 0.25
"""How far beyond the truth, in its extent, probed points are shown where beliefs are on a line."""


class _Seen(NamedTuple):
    """What is drawn: held-out contexts, rare ones first."""

    exact: Float[np.ndarray, "N k"]  # on the principal axes of the exact beliefs
    probed: list[tuple[str, Float[np.ndarray, "N k"]]]  # title, and the same of the median network
    share: Float[np.ndarray, "k"]  # of the variance, of each axis
    corners: Float[np.ndarray, "S k"] | None  # the hidden states themselves, where these can be drawn
    names: tuple[str, ...]
    colour: Float[np.ndarray, "N 3"]
    size: Float[np.ndarray, "N"]
    weight: Float[np.ndarray, "N"]


def beliefs(record: Record) -> Figure:
    """Truth | probed | untrained, for the median network, on the contexts whose histories were held out.

    A row for the first two principal axes, and one for the next where they matter; where beliefs vary along
    one line, probed against true ones.
    """
    seen = _seen(record)
    title = f"exact beliefs\n{shortened(record.report['process'])}"
    if len(seen.share) == 1:
        return _line(seen, title)
    pairs = [(0, 1)]
    if len(seen.share) > 2 and seen.share[2] > SEEN:
        pairs.append((2, 3) if len(seen.share) > 3 and seen.share[3] > SEEN else (0, 2))
    fig, axes = figure(7.0, 0.5 + 2.3 * len(pairs), rows=len(pairs), columns=3)
    for row, pair in enumerate(pairs):
        corners = None if seen.corners is None else seen.corners[:, pair]
        label(axes[3 * row : 3 * row + 3], row)
        panels = zip(axes[3 * row : 3 * row + 3], [(title, seen.exact), *seen.probed], strict=True)
        for ax, (said, points) in panels:
            xy = points[:, pair]
            ax.scatter(
                xy[:, 0], xy[:, 1], s=seen.size, c=seen.colour, linewidths=0, rasterized=True, zorder=2
            )
            frame(ax, seen.exact[:, pair], corners, seen.names)
            ax.set(xlabel=_axis(seen, pair[0]))
            ax.set_title(said if row == 0 else "")
        axes[3 * row].set_ylabel(_axis(seen, pair[1]))
    return fig


def principal(record: Record) -> tuple[Float[np.ndarray, "k S"], Float[np.ndarray, "k"]]:
    """The principal axes along which exact beliefs vary, and the share of the variance along each."""
    e = record.evidence
    weighted = (e["belief"] - e["mean"]) * np.sqrt(e["weight"] / e["weight"].sum())[:, None]
    axes = generic(e["axes"], weighted)
    share = ((weighted @ axes.T) ** 2).sum(0) / max(float((weighted**2).sum()), 1e-30)
    many = max(1, int((share > FLAT).sum()))
    return axes[:many], share[:many]


def _seen(record: Record) -> _Seen:
    e, layer = record.evidence, record.layer("concatenated")
    belief, weight, mean = e["belief"], e["weight"] / e["weight"].sum(), e["mean"]
    shown = np.flatnonzero(e["fold"] >= 0)
    shown = shown[np.argsort(weight[shown], kind="stable")]
    axes, share = principal(record)
    probed = []
    for which in ("trained", "untrained"):
        seed = record.typical(layer[which]["r2"])
        points = (e[f"{which}_points_concatenated"][seed][shown] - mean) @ axes.T
        r2 = f"held-out R² = {layer[which]['r2'][seed]:.4f}"
        probed.append((f"{record.network(which)}\nall layers, {r2}", points))
    n, exact = belief.shape[1], (belief[shown] - mean) @ axes.T
    are_mixtures = bool(belief.min() >= -1e-9)  # of states; those of a generalised HMM are none
    fine = min(1.0, (MANY / len(shown)) ** 0.5)  # many dots are small ones
    size = np.minimum(0.5 + 60 * weight[shown] / weight[shown].max(), 7) * fine
    return _Seen(
        exact=exact,
        probed=probed,
        share=share,
        corners=(np.eye(n) - mean) @ axes.T if are_mixtures and n <= MOST_CORNERS else None,
        names=tuple(record.report.get("states") or map(str, range(n))),
        colour=placed(belief[shown], exact),
        size=size if record.report.get("sampled") is None else np.full(len(shown), 1.2 * fine),
        weight=weight[shown],
    )


def _axis(seen: _Seen, k: int) -> str:
    return f"principal axis {k + 1} ({seen.share[k]:.0%})"


def _line(seen: _Seen, title: str) -> Figure:
    """Beliefs on a line: how they are spread, then probed against exact ones."""
    fig, axes = figure(7.0, 2.6, columns=3)
    label(axes)
    ends, what = np.array([seen.exact.min(), seen.exact.max()]), "principal axis 1"
    if seen.corners is not None and len(seen.corners) == 2:
        ends, what = seen.corners[:, 0], f"P(state {seen.names[1]})"

    def place(points: np.ndarray) -> np.ndarray:
        """From 0 at one end to 1 at the other."""
        return (points[:, 0] - ends[0]) / (ends[1] - ends[0] or 1.0)

    x, reach = place(seen.exact), (-0.05, 1.05)
    probed = np.concatenate([place(points) for _, points in seen.probed])
    tall = (
        min(reach[0], max(-STRAY, probed.min() - 0.05)),
        max(reach[1], min(1 + STRAY, probed.max() + 0.05)),
    )
    bins = np.linspace(reach[0], reach[1], 45).tolist()
    axes[0].hist(x, bins=bins, weights=seen.weight / seen.weight.sum(), color=NULL, linewidth=0)
    axes[0].set(xlim=reach, xlabel=what, ylabel="share of contexts", title=title, box_aspect=1)
    for ax, (said, points) in zip(axes[1:], seen.probed, strict=True):
        ax.plot(reach, reach, color=BLACK, linewidth=0.6, linestyle=(0, (4, 2)), zorder=1)
        ax.scatter(x, place(points), s=2 * seen.size, c=seen.colour, linewidths=0, rasterized=True, zorder=2)
        ax.set(xlim=reach, ylim=tall, xlabel=f"{what}, exact", ylabel="probed", title=said, box_aspect=1)
    return fig
