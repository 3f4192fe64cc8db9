"""How much of the beliefs a linear probe finds at each layer, beside everything that must find less."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .letters import broken, shortened
from .record import Record
from .style import BLACK, NULL, TRAINED, UNTRAINED, figure

TICKS = (
    *(0.0, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.5, 0.8, 0.95, 0.98, 0.995, 0.998, 0.9995, 0.9998),
    *(0.7, 0.2, 0.4, 0.6),
)
"""Those that matter more come first, and stay where there is no room for all."""
DASHED, DOTTED, DASH_DOTTED = (0, (5, 2)), (0, (1, 1.5)), (0, (3, 1, 1, 1))
LINES = {
    "token_window": DASHED,
    "next_token": DOTTED,
    "markov_1": DASH_DOTTED,
    "markov_2": DASH_DOTTED,
    "markov_3": DASH_DOTTED,
}


UNEXPLAINED = "held-out R² of beliefs\n(equal steps halve 1−R²)"
"""What the axis says: equal steps halve what is unexplained, so that .98 against .99 is as visible as 0
against .5."""


def layers(
    ax: Axes,
    trained: Float[np.ndarray, "features seeds"],
    untrained: Float[np.ndarray, "features networks"],
    *,
    baselines: Mapping[str, float] | None = None,
    shuffled: Float[np.ndarray, "features 2"] | None = None,
    refits: int | None = None,
) -> None:
    """Draw held-out R² before the first block, after each, and of all layers side by side (the last row):
    every trained network and their mean, the range of untrained ones, that of probes `refits` times refitted
    on shuffled beliefs (least and most), and a line for each of the baselines that is in `LINES`.

    The axis is warped so that what is unexplained halves with every step. For a legend, call `legend` of the
    axes or the figure after it.
    """
    ax.set_yscale("function", functions=(lambda r: -np.log2(np.maximum(1 - r, 1e-6)), lambda u: 1 - 2.0**-u))
    bands = _Bands(trained, untrained, shuffled, refits)
    _networks(ax, bands)
    top = max(trained.max(), 0.5)
    floor = min(0.0, untrained.min(), *(() if shuffled is None else (shuffled.min(),)))
    ax.set_ylim(floor - 0.02, 1 - 0.5 * (1 - top))
    ax.set_yticks(_with_room([t for t in TICKS if t <= top + 0.6 * (1 - top)], ax), minor=False)
    ax.yaxis.set_major_formatter(lambda v, _: f"{v:g}")
    _baselines(ax, baselines or {}, top)
    ax.set_xticks(np.arange(len(trained)), ["embed", *map(str, range(1, len(trained) - 1)), "all"])
    ax.set(xlabel="residual stream after block", ylabel=UNEXPLAINED)


def layers_of_run(record: Record) -> Figure:
    """Held-out R² by layer: every trained seed and their mean, untrained and shuffled bands, network-free
    baselines.
    """
    measured = record.report["layers"]
    fig, (ax,) = figure(5.4, 3.3)
    layers(
        ax,
        np.array([layer["trained"]["r2"] for layer in measured]),
        np.array([layer["untrained"]["r2"] for layer in measured]),
        baselines={name: found["r2"] for name, found in record.report["baselines"].items()},
        shuffled=np.array([[layer["shuffled"][side] for side in ("low", "high")] for layer in measured]),
        refits=measured[0]["shuffled"]["n"],
    )
    ax.set_title(broken(shortened(record.report["process"], 200), 4.6, 8.5))
    ax.set_label("layers")
    fig.legend(loc="outside lower center", ncols=2, columnspacing=1.5, handlelength=1.8)
    return fig


class _Bands(NamedTuple):
    """Held-out R² by layer."""

    trained: np.ndarray  # (layers, seeds)
    untrained: np.ndarray  # (layers, networks)
    shuffled: np.ndarray | None  # (layers, 2): least and most over refits
    refits: int | None


def _networks(ax: Axes, bands: _Bands) -> None:
    x, trained, untrained = np.arange(len(bands.trained)), bands.trained, bands.untrained
    if bands.shuffled is not None:
        often = "" if bands.refits is None else f" ({bands.refits} refits)"
        label = f"shuffled beliefs{often}"
        ax.fill_between(x, *bands.shuffled.T, color=NULL, alpha=0.35, linewidth=0, label=label)
    hatched: dict[str, Any] = {"facecolor": "none", "edgecolor": UNTRAINED, "hatch": "////", "linewidth": 0.6}
    names = (f"untrained ({untrained.shape[1]} networks)", f"trained (mean and each of {trained.shape[1]})")
    ax.fill_between(x, untrained.min(1), untrained.max(1), label=names[0], **hatched)
    ax.plot(x, trained.mean(1), color=TRAINED, marker="o", markersize=4, label=names[1], zorder=4)
    each: dict[str, Any] = {"marker": "_", "markersize": 6, "markeredgewidth": 0.8, "alpha": 0.8, "zorder": 5}
    ax.plot(x, trained, color=TRAINED, linestyle="none", **each)


def called(baseline: str) -> str:
    """How a baseline is called in a figure."""
    return baseline.replace("_", " ").replace("markov ", "Markov ")


def _baselines(ax: Axes, baselines: Mapping[str, float], top: float) -> None:
    """A line for each, named in the margin; one that leaves nothing unexplained is above the axis."""
    right = []
    for name, line in ((n, line) for n, line in LINES.items() if n in baselines):
        r2 = baselines[name]
        text = called(name)
        if r2 > 1 - 1e-6:
            right.append((1 - 0.6 * (1 - top), f"{text}: R² = 1"))
            continue
        ax.axhline(r2, color=BLACK, linewidth=0.7, linestyle=line, zorder=1)
        right.append((r2, text))
    for at, y, text in _apart(right, ax):
        arrow = {"arrowstyle": "-", "linewidth": 0.4}
        where: dict[str, Any] = {"xycoords": "axes fraction", "va": "center", "fontsize": 7}
        ax.annotate(text, (1.0, at), (1.03, y), arrowprops=arrow, **where)


def _apart(labels: list[tuple[float, str]], ax: Axes, gap: float = 0.05) -> list[tuple[float, float, str]]:
    """(height of the line, height of its label, label) in axes fractions, labels pushed apart until none
    overlap.
    """
    labels = sorted(labels)
    at = _heights([v for v, _ in labels], ax).clip(0, 1)
    y = at.copy()
    for _ in range(200):
        short = (gap * 1.02 - np.diff(y)).clip(0) / 2
        y[:-1] -= short
        y[1:] += short
        y += max(0.0, -y[0]) - max(0.0, y[-1] - 1)
    return [(float(a), float(b), text) for a, b, (_, text) in zip(at, y, labels, strict=True)]


def _heights(values: Sequence[float], ax: Axes) -> np.ndarray:
    """Where values lie on the axis, from 0 at its foot to 1."""
    scaled = ax.transScale.transform([(0, v) for v in (*ax.get_ylim(), *values)])[:, 1]
    return (scaled[2:] - scaled[0]) / (scaled[1] - scaled[0])


def _with_room(ticks: Sequence[float], ax: Axes, gap: float = 0.06) -> list[float]:
    """The ticks whose labels do not lie over those of ticks before them."""
    kept: list[tuple[float, float]] = []
    for height, tick in zip(_heights(ticks, ax), ticks, strict=True):
        if all(abs(height - other) >= gap for other, _ in kept):
            kept.append((float(height), tick))
    return sorted(tick for _, tick in kept)
