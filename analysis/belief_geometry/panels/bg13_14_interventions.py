"""BG13, BG14: where predictions lie after a belief is written, and what erasing it costs."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.layers import DOTTED
from ...figures.style import BLACK, NULL, TRAINED, UNTRAINED, VERMILION
from ..bg13_write_belief import EDITS, Edit, Writing
from ..bg14_erase_belief import HALF, Erasing, Kind
from ..bg14_erase_belief import UNTRAINED as UNTRAINED_KINDS

ERASED: Mapping[Kind, str] = {
    "law": "next-token\ndistribution",
    "belief": "belief",
    "random": "random,\nequal rank",
    "everything": "everything",
}

WRITTEN: Mapping[Edit, str] = {
    "belief": "belief written,\nshortest change",
    "covariance": "the same along\nthe covariance",
    "random": "random change,\nas large",
}
TARGETS = (
    ("original distribution", BLACK, "s", (0, (4, 2))),
    ("counterfactual distribution", TRAINED, "o", "solid"),
)
"""The exact next-token distributions of the edited history and of the one whose belief is written."""


def crossover(fig: SubFigure, verdict: Verdict, shown: Writing) -> None:
    """BG13: KL from both distributions to the edited prediction, by the block after which it was edited: the
    lines cross where the belief is used.
    """
    after = np.arange(len(shown.sites))
    axes = fig.subplots(1, len(WRITTEN), sharey=True)
    for target, (name, colour, marker, line) in enumerate(TARGETS):
        without = shown.trained[:, EDITS.index("none"), -1, target].mean()
        for ax, edit in zip(axes, WRITTEN, strict=True):
            kl = shown.trained[:, EDITS.index(edit), :, target]  # (seeds, sites)
            ax.plot(after, kl.T, color=colour, linewidth=0.4, alpha=0.4)
            ax.plot(
                after,
                kl.mean(0),
                color=colour,
                linestyle=line,
                marker=marker,
                markersize=3,
                label=f"to the {name}",
            )
            ax.axhline(without, color=colour, linewidth=0.8, linestyle=DOTTED, label="without an edit")
    for ax, title in zip(axes, WRITTEN.values(), strict=True):
        ax.set_title(title, fontsize=7)
        ax.set_xticks(after, ["e", *map(str, after[1:])])
        ax.tick_params(labelsize=7)
    low = min(ax.dataLim.y0 for ax in axes)
    axes[0].set_ylim(bottom=0 if low >= 0 else None)
    axes[0].set_ylabel("KL(exact || edited prediction), nats", fontsize=7)
    axes[1].set_xlabel("edited after block (e: embedding)", fontsize=7)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=7, columnspacing=1.0)


def erased(fig: SubFigure, verdict: Verdict, shown: Erasing) -> None:
    """BG14: what each erasure costs, as a share of what beliefs are worth: every trained and untrained
    network.
    """
    ax = fig.subplots()
    for row, kind in enumerate(ERASED):
        for which, colour, marker, shift in (
            ("trained", TRAINED, "o", -0.14),
            ("untrained", UNTRAINED, "x", 0.14),
        ):
            if which == "untrained" and kind not in UNTRAINED_KINDS:
                continue
            cost = shown.cost(kind, trained=which == "trained")
            y = np.full(len(cost), row + shift)
            ax.plot(
                cost,
                y,
                marker,
                color=colour,
                markersize=3.5,
                markerfacecolor="none",
                markeredgewidth=0.8,
                label=which if kind == "belief" else None,
            )
            ax.plot([cost.mean()] * 2, [row + shift - 0.12, row + shift + 0.12], color=colour, linewidth=1.6)
    ax.axvline(HALF, color=VERMILION, linewidth=0.7, linestyle=DOTTED)
    ax.annotate(
        "half",
        (HALF, 1),
        (1, -1),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        fontsize=7,
        va="top",
        color=VERMILION,
    )
    for at in (0, 1):
        ax.axvline(at, color=NULL, linewidth=0.7, zorder=0)
    ax.set_yticks(range(len(ERASED)), list(ERASED.values()), fontsize=7)
    ax.set(
        ylim=(len(ERASED) - 0.5, -0.75), xlabel="cost, as a share of what beliefs are worth", ylabel="erased"
    )
    fig.legend(loc="outside lower center", ncols=2, fontsize=7)
