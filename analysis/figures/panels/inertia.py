"""Inertia, torque and energy drawn: attention mass against response, torque against damage, and both energy terms along depth."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import SubFigure

from ..layers import DOTTED
from ..style import BLACK, NULL, TRAINED, UNTRAINED, VERMILION

TERMS = (("kinetic", TRAINED, "s", (0, (4, 2))), ("potential", VERMILION, "^", (0, (1, 1.5))), ("sum", BLACK, "o", "solid"))


def energy(fig: SubFigure, values: dict[str, Any], shown: Mapping[str, np.ndarray]) -> None:
    """Kinetic and potential term and their sum along depth, in balanced units, trained and untrained."""
    axes = fig.subplots(1, 2, sharey=True)
    for ax, which in zip(axes, ("trained", "untrained"), strict=True):
        moved, height = shown[f"{which} kinetic"], shown[f"{which} potential"]
        sites = np.arange(height.shape[1])
        between = sites[:-1] + 0.5
        curves = {"kinetic": (between, moved), "potential": (sites, height), "sum": (between, moved + (height[:, 1:] + height[:, :-1]) / 2)}
        for name, colour, marker, line in TERMS:
            x, y = curves[name]
            ax.plot(x, y.T, color=colour, linewidth=0.4, alpha=0.4)
            ax.plot(x, y.mean(0), color=colour, linestyle=line, marker=marker, markersize=3, label=name)
        balanced, own = shown[f"{which} variation"].mean(0)
        ax.set_title(f"{which}: varies by {balanced:.2f}\n(own units: {own:.2f})", fontsize=7)
        ax.set_xticks(sites, ["e", *map(str, sites[1:])])
        ax.tick_params(labelsize=6.5)
        ax.set_xlabel("after block (e: embedding)", fontsize=7)
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel("energy in balanced units (lab's choice), nats", fontsize=7)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=6.5)


PANELS = {"CL7": energy}
