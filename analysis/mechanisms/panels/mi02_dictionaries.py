"""MI2: what dictionaries find of the true features, beside what else has latents."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure

from ...claim import Verdict
from ...figures.edges import hold
from ...figures.style import GREEN, NULL, TRAINED, UNTRAINED
from ..mi02_dictionaries import FOUND
from ..mi02_found_features import Found

SOURCES = {
    "topk": ("TopK", TRAINED),
    "jumprelu": ("JumpReLU", TRAINED),
    "topk, ideal": ("TopK, ideal code", GREEN),
    "jumprelu, ideal": ("JumpReLU, ideal", GREEN),
    "truth": ("probed beliefs", GREEN),
    "principal": ("principal axes", NULL),
    "random": ("random", NULL),
    "untrained": ("untrained", UNTRAINED),
}
"""How latents are called, and their colours."""


def dictionaries(fig: SubFigure, verdict: Verdict, shown: Found) -> None:
    """MI2: best-match correlation of features and purity of latents, a dot for each network."""
    above, below = fig.subplots(2, 1, sharex=True)
    _each(above, shown.matched, "best match of\nfeatures (corr.)")
    _each(below, shown.purity, "purity\nof latents")
    below.set_xticks(
        range(len(SOURCES)),
        [name for name, _ in SOURCES.values()],
        rotation=40,
        ha="right",
        rotation_mode="anchor",
    )


def _each(ax: Axes, found: Mapping[str, np.ndarray], label: str) -> None:
    for i, (source, (_, colour)) in enumerate(SOURCES.items()):
        of = found[source]
        ax.plot(i + np.linspace(-0.2, 0.2, len(of)), of, "o", color=colour, markersize=3)
    ax.axhline(FOUND, color=NULL, linewidth=0.8, linestyle=":")
    ax.set_ylabel(label)
    hold(ax, y=(0.0, 1.05))
