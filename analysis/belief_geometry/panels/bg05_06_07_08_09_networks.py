"""BG5, BG6, BG7, BG8, BG9: the geometry of beliefs in whole networks: its dimension, its growth, its size,
its rivals.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED, positive
from ..bg05_fractal_dimension import Scaling
from ..bg06_appears_with_loss import Emergence
from ..bg07_capacity_knee import Capacity
from ..bg08_any_architecture import TRANSFORMER, Architectures
from ..bg09_minimal_model import Onto


def dimension(fig: SubFigure, verdict: Verdict, shown: Scaling) -> None:
    """BG5: box entropy against the logarithm of the scale, for every cloud; the slope over the fitted scales
    is the dimension.
    """
    ax = fig.subplots()
    x = np.log(1 / shown.box)
    fitted = shown.fitted
    # A few scales beyond the fitted ones show whether the curve goes on as it began.
    show = slice(0, min(len(x), int(np.flatnonzero(fitted).max()) + 7))
    look = (
        (shown.true, BLACK, "true beliefs", "o-", 3),
        (shown.probed, TRAINED, "probed, trained", "-", 0),
        (shown.untrained, UNTRAINED, "probed, untrained", "--", 0),
        (shown.shuffled, NULL, "shuffled beliefs", ":", 0),
    )
    ax.axvspan(x[fitted].min(), x[fitted].max(), color=NULL, alpha=0.14, linewidth=0, zorder=0)
    for clouds, colour, label, line, size in look:
        curves, slope = clouds.entropy[:, show], clouds.dimension.mean()
        ax.plot(
            x[show],
            curves.T,
            line,
            color=colour,
            markersize=size,
            linewidth=0.5 if len(curves) > 1 else 1.2,
            alpha=0.5,
            zorder=2,
        )
        ax.plot(
            x[show],
            curves.mean(0),
            line,
            color=colour,
            markersize=size,
            label=f"{label}: {slope:.2f}",
            zorder=3,
        )
    ax.set(xlabel="log(1 / box side over extent)", ylabel="entropy of boxes (nats)")
    ax.set_title("slope over the shaded scales: dimension")
    ax.legend(loc="upper left", handlelength=1.8, borderaxespad=0.2, labelspacing=0.3)
    ax.set_ylim(top=ax.get_ylim()[1] + 0.35 * np.ptp(ax.get_ylim()))


def emergence(fig: SubFigure, verdict: Verdict, shown: Emergence) -> None:
    """BG6: fidelity and divergence over training, every network."""
    above, below = fig.subplots(2, 1, sharex=True)
    x = shown.step + 1
    for curves, colour, label in (
        (shown.belief, TRAINED, "beliefs"),
        (shown.decoy, UNTRAINED, "wrong process"),
        (shown.shuffled, NULL, "shuffled beliefs"),
    ):
        _every(above, x, curves, colour, label)
    _every(below, x, positive(shown.divergence), BLACK, "KL")
    above.set_ylabel("held-out R²")
    own, others = shown.with_own_loss().mean(), shown.with_loss_of_others().mean()
    title = f"rank correlation with the own loss {own:.2f}, with others' {others:.2f}".replace("-", "−")
    above.set_title(title, fontsize=7.5)
    below.set(xscale="log", yscale="log", xlabel="updates + 1", ylabel="KL (nats)")
    fig.legend(
        *above.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        handlelength=1.4,
        columnspacing=1.2,
    )


def _every(ax: Axes, x: np.ndarray, curves: np.ndarray, colour: str, label: str) -> None:
    ax.plot(x, curves.T, color=colour, linewidth=0.5, alpha=0.45)
    ax.plot(x, curves.mean(0), "o-", color=colour, markersize=2.2, label=label)


def capacity(fig: SubFigure, verdict: Verdict, shown: Capacity) -> None:
    """BG7: fidelity against width, with the most that so many dimensions can hold."""
    ax = fig.subplots()
    x, d = shown.width, float(shown.dimension)
    ax.axvspan(d / 2, d * 2, color=GREEN, alpha=0.12, linewidth=0)
    ax.axvline(d, color=GREEN, linewidth=1)
    ax.plot(x, shown.bound, "s--", color=BLACK, markersize=2.5, linewidth=0.8, label="most that fits")
    _every(ax, x, shown.trained.T, TRAINED, "trained")
    _every(ax, x, shown.untrained.T, UNTRAINED, "untrained")
    low = min(0.0, shown.trained.min(), shown.untrained.min())
    ax.plot(
        shown.knee,
        np.full(len(shown.knee), low - 0.06),
        "|",
        color=TRAINED,
        markersize=7,
        label="knees",
    )
    ax.set_xscale("log", base=2)
    ax.set_xticks(x, [f"{w:d}" for w in x])
    ax.set(xlabel="residual dimensions (d_model)", ylabel="held-out R², best layer")
    hold(ax, y=(low - 0.12, 1.05))
    ax.set_title(f"shaded: within a factor 2 of {d:.0f} dimensions")
    fig.legend(loc="outside lower center", ncols=4, handlelength=1.4, columnspacing=1.0)


def architectures(fig: SubFigure, verdict: Verdict, shown: Architectures) -> None:
    """BG8: fidelity and divergence of each architecture: every network, and the mean as a bar."""
    above, below = fig.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    names = list(shown.by_name)
    for at, fidelity in enumerate(shown.by_name.values()):
        for kind, dx, colour, y in (
            ("trained", -0.18, TRAINED, fidelity.trained),
            ("untrained", 0.18, UNTRAINED, fidelity.untrained),
        ):
            above.bar(at + dx, y.mean(), width=0.32, color=colour, alpha=0.3, label=kind if at == 0 else None)
            above.plot(np.full(len(y), at + dx), y, "_", color=colour, markersize=6)
        y = positive(fidelity.excess)
        below.plot(np.full(len(y), at), y, "_", color=TRAINED, markersize=9)
    above.axhline(
        shown.by_name[TRANSFORMER].trained.mean() - 0.02,
        color=BLACK,
        linewidth=0.8,
        linestyle="--",
        label=".02 below the transformer",
    )
    above.set_ylabel("held-out R², all layers")
    fig.legend(
        *above.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        handlelength=1.4,
        columnspacing=1.2,
    )
    below.set(
        yscale="log",
        ylabel="KL (nats)",
        xticks=range(len(names)),
        xticklabels=names,
        xlim=(-0.6, len(names) - 0.4),
    )


def rival_models(fig: SubFigure, verdict: Verdict, shown: Onto) -> None:
    """BG9: fidelity onto the minimal model's beliefs beside that onto Markov beliefs, each network a line."""
    ax = fig.subplots()
    for at, colour, *models in (
        (0.0, TRAINED, shown.minimal, shown.markov),
        (2.6, UNTRAINED, shown.untrained_minimal, shown.untrained_markov),
    ):
        pair = np.array(models)
        ax.plot([at, at + 1], pair, "o-", color=colour, markersize=3, linewidth=0.6, alpha=0.7)
        ax.plot([at - 0.14, at + 1.14], pair.mean(1), "_", color=BLACK, markersize=9)
    ax.axhline(0, color=NULL, linewidth=0.6)
    ax.set_xticks([0, 1, 2.6, 3.6], ["minimal", "Markov-3", "minimal", "Markov-3"])
    for at, label, colour in ((0.5, "trained", TRAINED), (3.1, "untrained", UNTRAINED)):
        ax.text(
            at,
            1.02,
            label,
            transform=ax.get_xaxis_transform(),
            ha="center",
            va="bottom",
            color=colour,
            fontsize=8,
        )
    ax.set(ylabel="held-out R², all layers", xlabel="beliefs of which model", xlim=(-0.5, 4.1))
