"""BG16: what the mixed states of random HMMs are like."""

from typing import Any

import numpy as np
from matplotlib.figure import SubFigure

from ...figures.style import BLACK, NULL, TRAINED
from ..bg16_random_hmms import Census


def random_hmms(fig: SubFigure, values: dict[str, Any], shown: Census) -> None:
    """BG16: distribution of the dimension over random HMMs."""
    ax = fig.subplots()
    simplex = shown.n_states - 1
    every = simplex * shown.share.ravel()
    ax.hist(every, bins=list(np.linspace(0, simplex, 31)), color=TRAINED, alpha=0.75, linewidth=0)
    ax.axvline(
        every.mean(), ymax=0.8, color=BLACK, linewidth=1, linestyle="--", label=f"mean {every.mean():.2f}"
    )
    ax.axvline(simplex, ymax=0.8, color=NULL, linewidth=1, label=f"simplex {simplex}")
    ax.set(xlabel="Kaplan-Yorke dimension of the mixed states", ylabel=f"random HMMs (of {len(every)})")
    rows = (
        f"{shown.n_states} states, {shown.vocab} symbols: {_shares(shown.infinite, shown.finite)}",
        f"half of the transitions forbidden: {_shares(shown.sparse_infinite, shown.sparse_finite)}",
    )
    ax.set_title("\n".join(rows), fontsize=6)
    ax.set_ylim(top=1.3 * ax.get_ylim()[1])
    ax.legend(loc="upper right", handlelength=1.4, ncols=2)


def _shares(infinite: np.ndarray, finite: np.ndarray) -> str:
    """What the enumeration of mixed states came to."""
    a, b = infinite.mean(), finite.mean()
    return f"{a:.0%} infinite, {b:.0%} finite, {abs(1 - a - b):.0%} unresolved"
