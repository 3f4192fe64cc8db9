"""Inertia, torque and energy drawn: attention mass against response, torque against damage, and both energy
terms along depth.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.layers import DOTTED
from ...figures.style import BLACK, NULL, TRAINED, UNTRAINED, VERMILION, entries
from ...figures.verdict import Panel
from ..cl5_inertia import Heads, Inertia
from ..cl6_torque import Strain
from ..cl7_hamiltonian import Energy, halfway

MARKERS = "os^vD<>pPXh*d"
TERMS = (
    ("kinetic", TRAINED, "s", (0, (4, 2))),
    ("potential", VERMILION, "^", (0, (1, 1.5))),
    ("sum", BLACK, "o", "solid"),
)


def energy(fig: SubFigure, verdict: Verdict, e: Energy) -> None:
    """CL7: kinetic and potential term and their sum along depth, in balanced units, trained and untrained."""
    axes = fig.subplots(1, 2, sharey=True)
    for ax, which, t in zip(axes, ("trained", "untrained"), (e.trained, e.untrained), strict=True):
        moved, height = t.unit[:, None] * t.kinetic, t.potential
        sites = np.arange(height.shape[1])
        between = sites[:-1] + 0.5
        curves = {
            "kinetic": (between, moved),
            "potential": (sites, height),
            "sum": (between, moved + halfway(height.T).T),
        }
        for name, colour, marker, line in TERMS:
            x, y = curves[name]
            ax.plot(x, y.T, color=colour, linewidth=0.4, alpha=0.4)
            ax.plot(x, y.mean(0), color=colour, linestyle=line, marker=marker, markersize=3, label=name)
        ax.set_title(
            f"{which}: varies by {t.balanced.mean():.2f}\n(own units: {t.own.mean():.2f})", fontsize=7
        )
        ax.set_xticks(sites, ["e", *map(str, sites[1:])])
        ax.tick_params(labelsize=7)
        ax.set_xlabel("after block (e: embedding)", fontsize=7)
    axes[0].set_ylim(bottom=0 if min(ax.dataLim.y0 for ax in axes) >= 0 else None)
    axes[0].set_ylabel("energy in balanced units (lab's choice), nats", fontsize=7)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7)


def strain(fig: SubFigure, verdict: Verdict, s: Strain) -> None:
    """CL6: torque before against damage after, a mark for each constraint of each network by its kind; below,
    what each predictor's rank correlation comes to, and what torque's is given the others.
    """
    top, bottom = fig.subplots(2, 1, height_ratios=(1.7, 1))
    # with their names by hand: a legend leaves out what it finds under a name with a leading underscore
    marks = _torque_and_damage(top, s)
    _correlations(bottom, s)
    for ax in (top, bottom):
        ax.tick_params(labelsize=7)
    fig.legend(
        marks,
        list(s.kinds),
        loc="outside lower center",
        ncols=6,
        fontsize=7,
        columnspacing=0.8,
        handletextpad=0.2,
    )


def _torque_and_damage(ax: Axes, s: Strain) -> list[Any]:
    """A mark for each network and constraint; one of each kind is returned."""
    marks = []
    for k in range(len(s.kinds)):
        here = s.kind == k
        marks += ax.plot(
            s.torque[here],
            s.damage[here],
            MARKERS[k % len(MARKERS)],
            color=TRAINED,
            markersize=2.5,
            markeredgewidth=0.4,
            markerfacecolor="none",
            alpha=0.6,
        )
    ax.axvline(s.null, color=NULL, linewidth=0.8, linestyle=DOTTED)
    ax.annotate(
        "random\ndirection",
        (s.null, 1),
        (2, -2),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=7,
        va="top",
    )
    if s.damage.min() > 0:
        ax.set_yscale("log")
    ax.set_xlabel("torque |P g| / |g| (this lab's formula), before", fontsize=7)
    ax.set_ylabel("rise of the base loss, nats", fontsize=7)
    return marks


def _correlations(ax: Axes, s: Strain) -> None:
    """A row for each thing that may foretell the damage, and for what torque does given the others."""
    rows = (
        ("torque", s.foretells(), TRAINED),
        ("given load", s.beyond(s.load), TRAINED),
        ("given norm", s.beyond(s.norm), TRAINED),
        ("given both", s.beyond(s.load, s.norm), TRAINED),
        ("load", s.correlation(s.load), NULL),
        ("gradient's norm", s.correlation(s.norm), NULL),
        ("torque, untrained", s.correlation(s.untrained), UNTRAINED),
    )
    for row, (_, found, colour) in enumerate(rows):
        ax.plot(found, np.full(len(found), row), "|", color=colour, markersize=5)
        ax.plot(found.mean(), row, "o", color=colour, markersize=3.5)
    ax.axvline(0, color=NULL, linewidth=0.7)
    ax.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize=7)
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlim=(-1.05, 1.05))
    ax.set_xlabel("rank correlation with that rise, each network", fontsize=7)


def mass(fig: SubFigure, verdict: Verdict, e: Inertia) -> None:
    """CL5: mass against response, a mark for each head; beside it, mass by block and number of constraints
    that are on, with an untrained band.
    """
    left, right = fig.subplots(1, 2, width_ratios=(1.15, 1))
    _mass_and_response(left, e)
    _mass_by_load(right, e.trained, e.untrained)
    for ax in (left, right):
        ax.tick_params(labelsize=7)
    fig.legend(*entries(left, right), loc="outside lower center", ncols=2, fontsize=7)


def _mass_and_response(ax: Axes, e: Inertia) -> None:
    for which, heads, colour, marker in (
        ("untrained", e.untrained, UNTRAINED, "x"),
        ("trained", e.trained, TRAINED, "o"),
    ):
        ax.plot(
            heads.mass.ravel(),
            heads.output.ravel(),
            marker,
            color=colour,
            markersize=2.2,
            markerfacecolor=colour if which == "trained" else None,
            alpha=0.5,
            label=f"{which} (given row entropy: {heads.given_rows().mean():+.2f})",
        )
    hold(ax, y=(0.0, None))
    ax.set_xlabel("contextual mass (this lab's formula)", fontsize=7)
    ax.set_ylabel("change of the head's output / its size", fontsize=7)


def _mass_by_load(ax: Axes, trained: Heads, untrained: Heads) -> None:
    block = np.arange(1, trained.by_load.shape[2] + 1)
    ax.fill_between(
        block,
        untrained.by_load.min((0, 1)),
        untrained.by_load.max((0, 1)),
        facecolor="none",
        edgecolor=UNTRAINED,
        hatch="////",
        linewidth=0.5,
        label="untrained, any number",
    )
    counts = len(trained.by_load)
    for n, (found, marker) in enumerate(zip(trained.by_load, MARKERS, strict=False)):
        ax.plot(
            block,
            found.mean(0),
            color=TRAINED,
            alpha=0.35 + 0.65 * (n + 1) / counts,
            marker=marker,
            markersize=3,
            label="all words" if counts == 1 else f"{n} constraint{'' if n == 1 else 's'} on",
        )
    ax.plot(block, trained.shuffled.mean((0, 2)), color=NULL, linestyle=DOTTED, label="shuffled tokens")
    ax.set_xticks(block)
    ax.set_xlabel("block", fontsize=7)
    ax.set_ylabel("contextual mass, mean over heads", fontsize=7)


PANELS: Mapping[str, Panel] = {"CL5": mass, "CL6": strain, "CL7": energy}
