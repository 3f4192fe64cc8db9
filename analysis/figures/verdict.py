"""The figure of a verdict: what was predicted and measured, beside every criterion and control."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib.patheffects
import numpy as np
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter

from ..claim import told
from .style import GREEN, NULL, PURPLE, TRAINED, VERMILION, save, style

Panel = Callable[[SubFigure, dict[str, Any], Any], None]
"""Draws what a claim is about into its half of the figure, from the verdict and the numbers kept with it."""

OUTCOME_COLOUR = {
    "supported": GREEN,
    "refuted": VERMILION,
    "explained": PURPLE,
    "undecided": NULL,
    "invalid": NULL,
}
STATE_COLOUR = {"holds": TRAINED, "fails": VERMILION, "open": NULL, "undefined": VERMILION}


def draw(
    values: dict[str, Any],
    shown: Any,
    folder: Path,
    panels: Mapping[str, Panel],
    name: str = "figure",
) -> None:
    """Draw the figure of a verdict into a folder, as svg and png."""
    with style():
        save(figure(values, shown, panels), folder, name)


def figure(values: dict[str, Any], shown: Any, panels: Mapping[str, Panel]) -> Figure:
    """The claim's own panel of those by id on the left, where it has one, and the forest of findings on the
    right.
    """
    panel = panels.get(values["claim"])
    asked = _asked(values)
    rows, more = len(asked), sum(name.count("\n") for _, name, _ in asked)
    height = max(3.3 if panel else 1.2, 0.55 + 0.36 * rows + 0.12 * more)
    fig = Figure(figsize=(7.2 if panel else 4.4, height), layout="constrained")
    if panel:
        halves: Any = fig.subfigures(1, 2, width_ratios=(1.15, 1))
        panel(halves[0], values, shown)
        right = halves[1]
    else:
        right = fig.add_subfigure(fig.add_gridspec(1, 1)[0])
    forest(right, values)
    title = f"{values['claim']} on {values['process']}: {told(values)}"
    colour = OUTCOME_COLOUR[values["outcome"]]
    fig.suptitle(title, color=colour, fontweight="bold", fontsize=min(9, 690 / len(title)))
    return fig


def forest(fig: SubFigure, values: dict[str, Any]) -> None:
    """One row for each criterion and control, each on its own scale: every network, the interval, and where
    it has to be.
    """
    found = _asked(values)
    axes = fig.subplots(len(found), 1, squeeze=False)[:, 0]
    for ax, (kind, name, f) in zip(axes, found, strict=True):
        weight = "bold" if kind == "criterion" else "normal"
        ax.set_title(name, fontsize=6.5, loc="left", pad=2, fontweight=weight, linespacing=1.05)
        ax.spines["left"].set_visible(False)
        ax.set(yticks=[], ylim=(-1, 1))
        ax.tick_params(labelsize=6, length=2, pad=1)
        if f["interval"] is None:
            why = "undefined for some network" if f["applies"] else "does not apply to this process"
            ax.text(
                0.5,
                0,
                why,
                transform=ax.get_yaxis_transform(),
                ha="center",
                va="center",
                fontsize=6.5,
                color=NULL,
            )
            ax.spines["bottom"].set_visible(False)
            ax.set_xticks([])
            continue
        _row(ax, f)


def _asked(values: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every criterion that applies and every control: its kind, its name over a row, in two lines where it is
    long, and what was found.
    """
    found = [("criterion", f) for f in values["criteria"] if f["applies"]] + [
        ("rival" if f["rival"] else "control", f) for f in values["controls"]
    ]
    letters = {"criterion": 60, "control": 68, "rival": 68}
    return [
        (kind, fill(f["name"] if kind == "criterion" else f"{kind}: {f['name']}", letters[kind]), f)
        for kind, f in found
    ]


def _row(ax, f: dict[str, Any]) -> None:
    at = np.array(f["values"])
    mean, low, high = (np.nan if v is None else v for v in f["interval"])
    sides = [v for v in (f["above"], f["below"]) if v is not None]
    bounds = () if f["share"] is not None else (low, high)
    reach = np.array([*at, *sides, *(v for v in bounds if np.isfinite(v))])
    margin = 0.08 * (np.ptp(reach) or 1)
    ax.set_xlim(reach.min() - margin, reach.max() + margin)
    # The side where the statistic must not be is shaded.
    if f["above"] is not None:
        ax.axvspan(ax.get_xlim()[0], f["above"], color=NULL, alpha=0.18, linewidth=0)
    if f["below"] is not None:
        ax.axvspan(f["below"], ax.get_xlim()[1], color=NULL, alpha=0.18, linewidth=0)
    for v in sides:
        ax.axvline(v, color=NULL, linewidth=0.8)
    colour = STATE_COLOUR[f["state"]]
    ax.plot(at, np.full(len(at), 0.35), "|", color=colour, markersize=5, markeredgewidth=0.8)
    ax.locator_params(axis="x", nbins=5)
    if np.abs(reach).max() < 1e-3:  # zeros after the point say nothing
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.1e}" if value else "0"))
    if f["share"] is not None:  # each network is judged, not their mean
        inside = f"{round(f['share'][0] * len(at))} of {len(at)} networks"
        # On the side where fewer networks are.
        side = "left" if at.mean() > np.mean(ax.get_xlim()) else "right"
        where = {"left": 0.01, "right": 0.99}[side]
        ax.text(
            where,
            0.0,
            inside,
            transform=ax.get_yaxis_transform(),
            ha=side,
            va="center",
            fontsize=6,
            color=colour,
        )
        return
    ax.plot([low, high], [-0.35, -0.35], color=colour, linewidth=1.6, solid_capstyle="butt")
    halo = [matplotlib.patheffects.withStroke(linewidth=1.5, foreground="white")]
    ax.plot([mean], [-0.35], "o", color=colour, markersize=3.2, path_effects=halo)
