"""How the posterior over the components of a mixture narrows: exact, and as networks hold it."""

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from ...figures.edges import hold
from ...figures.letters import shortened
from ...figures.record import Record
from ...figures.style import BLACK, TRAINED, UNTRAINED, figure, label

LEAST, MOST = 1.0, 60.0
"""Areas of dots, square points: of a context without weight, and of the heaviest of its length."""


def posterior(record: Record) -> Figure:
    """Posterior of the first component by the number of tokens read, a dot for each context: exact, probed
    from the median trained network, from the median untrained one. Area: probability of the context.
    """
    e, layer = record.evidence, record.final if record.shows_final else record.layer("concatenated")
    points = "final" if record.shows_final else "concatenated"
    exact, share = e["posterior"][:, 0], np.sqrt(e["weight"] / e["weight"].max())
    held = e["fold"] >= 0
    fig, axes = figure(7.0, 2.7, columns=3)
    label(axes)
    which = {name: Record.typical(layer[name]["r2"]) for name in ("trained", "untrained")}
    panels = [(exact, np.ones(len(held), bool), BLACK, "exact posterior of\n" + _first(record))]
    for name, colour in (("trained", TRAINED), ("untrained", UNTRAINED)):
        probed = e[f"{name}_points_{points}"][which[name]].astype(np.float64) @ _of_first(record)
        r2 = layer[name]["r2"][which[name]]
        panels.append((probed, held, colour, f"{record.network(name)}\nR² of all beliefs {r2:.3f}"))
    for ax, (values, there, colour, title) in zip(axes, panels, strict=True):
        ax.scatter(
            (e["length"] + 0.5 * (exact - 0.5))[there],
            values[there],
            s=(LEAST + (MOST - LEAST) * share**2)[there],
            color=colour,
            alpha=0.35,
            linewidths=0,
            rasterized=True,
        )
        ax.set(xlabel="tokens read", xlim=(0.4, float(e["length"].max()) + 0.6))
        hold(ax, y=(-0.15, 1.15))
        ax.set_title(title)
    axes[0].set_ylabel("posterior")
    return fig


def _first(record: Record) -> str:
    """What the first component is called."""
    return shortened(record.report["components"][0])


def _of_first(record: Record) -> Float[np.ndarray, "S"]:
    """What of a belief is the posterior of the first component."""
    return np.asarray(record.evidence["of_component"][:, 0])
