"""MI6: the entropies along one text, and how well the blocks of all texts are recovered."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold, possible
from ...figures.style import BLACK, GREEN, NULL, TRAINED, UNTRAINED, entries
from ..mi06_segmentation import WORDS, Segmented

PLACES = ("networks", "at own best", "untrained", "shuffled")
"""Of networks, from the left."""
MOST = 0.35
"""How dense the shade is where a block begins for certain."""


def segmentation(fig: SubFigure, verdict: Verdict, shown: Segmented) -> None:
    """MI6: exact and the networks' entropies along one text, shaded where a block may begin; and F1 of
    boundaries by both rules, beside exact entropies, the exact posterior of the phase, a memory of one token,
    and cutting everywhere.
    """
    above, *below = fig.subplots(3, 1)
    _along_text(above, shown)
    for ax, rule in zip(below, WORDS, strict=True):
        for at, of, colour in zip(
            range(len(PLACES)),
            (shown.network, shown.at_best, shown.untrained, shown.shuffled),
            (TRAINED, TRAINED, UNTRAINED, NULL),
            strict=True,
        ):
            spread = np.linspace(-0.2, 0.2, len(of[rule]) + 2)[1:-1]
            ax.plot(at + spread, of[rule], "o", color=colour, markersize=3, alpha=0.8, markeredgewidth=0)
        for level, style, colour, name in (
            (shown.exact["posterior"], "-", GREEN, "exact posterior"),
            (shown.exact[rule], "-", BLACK, "exact entropies"),
            (shown.one_token[rule], "--", NULL, "one token"),
            (shown.exact["everywhere"], ":", NULL, "everywhere"),
        ):
            ax.axhline(level, color=colour, linewidth=0.8, linestyle=style, label=name)
        ax.set(ylabel=f"F1, entropy\n{WORDS[rule]}", xlim=(-0.5, len(PLACES) - 0.5))
        hold(ax, y=(0.0, 1.02))
        ax.set_xticks(range(len(PLACES)), PLACES if rule == "rise" else [""] * len(PLACES))
    fig.legend(*entries(above, below[0]), loc="outside lower center", ncols=2, columnspacing=1.0)


def _along_text(ax: Axes, shown: Segmented) -> None:
    """What is expected before each token but the first: the entropy after token t stands at t + 1."""
    at = np.arange(1, len(shown.text_exact) + 1)
    for place, sure in zip(at, possible(shown.text_begins), strict=True):
        ax.axvspan(place - 0.5, place + 0.5, color=GREEN, alpha=MOST * sure, linewidth=0)
    ax.fill_between([], [], color=GREEN, alpha=MOST, linewidth=0, label="a block begins (exact P)")
    ax.step(at, shown.text_exact, where="mid", color=BLACK, linewidth=0.9)
    ax.plot(at, shown.text_network.T, "o", color=TRAINED, markersize=2.5, alpha=0.6, markeredgewidth=0)
    tokens = [*(str(token) for token in shown.text[1:]), "?"]
    ax.set_xticks(at, tokens)
    ax.set(xlabel="the next token, one text", xlim=(0.5, at[-1] + 0.5))
    ax.set_ylabel("entropy of the\nnext token (nats)", fontsize=7)
    hold(ax, y=(0.0, None))
