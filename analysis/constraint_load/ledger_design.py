"""Grids of ledgers that networks of several widths are trained on: CL1 and CL4 share one, CL8 has its own.

Of a ledger that is named, all but the number of constraints is kept, which is what varies. At one load,
nearest to where accuracy falls, the same networks are trained twice as long as well: what that still wins
says how far from the floor of their width they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import processes
import toy
from processes.constraints import Ledger
from train import Optimiser, Recipe

from ..claim import DEFAULT, Criterion, E, Setting, Values
from . import bottleneck
from .load_curves import CRITICAL

THEORY = "A theory of constraint load (words); formulas are this lab's operationalisation"
LEDGERS = ("ledger(K=128, g=4, p=0.5)", "ledger(K=128, g=4, p=0.125)")
"""Where CL1 is tested by default, flags that are on half of the time and sparse ones; K is what varies."""
LONGER = 1.5
"""The load at which networks are trained twice as long, too."""
RATE, VECTOR_RATE = 2e-2, 1.0
"""Step size of Muon, and that of embeddings and vectors over it; with less than the same, all that a network
must remember waits for them.
"""
SETTLED = 0.2
"""Largest share of what is left to learn that twice as many steps may take away. In the first pilots it was
6 to 21 % of what 3000 steps of 32 words left on bodies of one symbol, 6 to 8 % of what 1500 left on bodies of
four.
"""


class Cell(NamedTuple):
    """The role of the networks of one width on one ledger."""

    d_model: int
    K: int
    longer: bool = False  # trained twice as long

    def __str__(self) -> str:
        return f"d_model {self.d_model}, K {self.K}{', twice as long' if self.longer else ''}"


class Grid(NamedTuple):
    """Widths and steps, by the size of a trial, and constraints per dimension of the stream."""

    widths: Mapping[str, tuple[int, ...]]
    steps: Mapping[str, int]
    loads: tuple[float, ...]
    words: int = 32
    """Drawn in a step."""
    momentum: float | None = None
    """Of Muon; None for optax's."""

    def sizes(self, process: processes.Source, setting: Setting) -> dict[int, list[int]]:
        """Numbers of constraints, by width, as multiples of what a slot announces."""
        return {d: [_count(process, load * d) for load in self.loads] for d in self.widths[setting.size]}

    def recipes(self, process: str, setting: Setting) -> Mapping[Cell, Recipe]:
        """One-layer transformers on ledgers like the one named; none where it is refused."""
        asked = processes.source(process)
        if self.refusal(asked, 0, setting):
            return {}
        assert isinstance(asked, Ledger)
        found: dict[Cell, Recipe] = {}
        for d, Ks in self.sizes(asked, setting).items():
            steps = self.steps[setting.size]
            found |= {Cell(d, K): self._recipe(asked, d, K, steps, setting.seeds) for K in Ks}
            there = Cell(d, _count(asked, LONGER * d))
            found[there._replace(longer=True)] = replace(found[there], steps=2 * found[there].steps)
        return found

    def refusal(self, process: processes.Source, n_ctx: int, setting: Setting = DEFAULT) -> str | None:
        """Why no grid can be made of it, if so."""
        if not isinstance(process, Ledger):
            return (
                "it is no ledger, and the joint process of so many constraints could not be written; use "
                f"{LEDGERS[0]}"
            )
        if not 0 < process.p < 1:
            return (
                f"its constraints are on with probability {process.p:g}, so nothing has to be remembered; "
                "use p=0.5"
            )
        Ks = list(self.sizes(process, setting).values())
        if any(len(set(row)) < len(row) for row in Ks):
            return (
                f"its slots announce {process.g} constraints, too coarse for ledgers of {Ks[0]}; use "
                "a smaller g"
            )
        return None

    def _recipe(self, like: Ledger, d: int, K: int, steps: int, seeds: int) -> Recipe:
        body = f", n={like.n}, stay={like.stay!r}" if like.n > 1 else ""
        spec = f"ledger(K={K}, g={like.g}, p={like.p!r}{body})"
        made = processes.source(spec)
        optimiser = Optimiser("muon", RATE, 20, "cosine", vector_rate=VECTOR_RATE, momentum=self.momentum)
        return Recipe(
            spec,
            toy.TransformerConfig(
                made.vocab,
                n_ctx=K // like.g + like.n - 1,
                n_layers=1,
                n_heads=1,
                d_model=d,
                d_head=d,
                d_mlp=4 * d,
            ),
            "expected",
            optimiser,
            steps,
            batch=self.words,
            seeds=seeds,
            checkpoints=2,
        )


CURVES = Grid(
    {"small": (8, 16, 32), "default": (8, 16, 32, 64), "large": (8, 16, 32, 64, 128)},
    {"small": 600, "default": 4000, "large": 8000},
    (0.5, 1.0, 1.5, 2.0, 3.0),
    words=128,
    momentum=0.8,
)
"""Of CL1. In pilots (width 64, 96 constraints, two networks) 4000 steps of 128 words by so much momentum left
KL .19, of which twice the steps took away .15 and .16; of 32 words .22, and .14 to .19 of it went, a share
that grows with the steps: of what 8000 left .20 to .23.
"""
COUNTS = CURVES._replace(widths={size: widths[:4] for size, widths in CURVES.widths.items()})
"""Of CL4: the same up to a width of 64."""
ONSETS = Grid(
    {"small": (8, 16), "default": (8, 16, 32), "large": (16, 32, 64)},
    {"small": 600, "default": 1500, "large": 4000},
    (0.5, 1.0, 1.25, 1.5, 1.75, 2.0, 3.0),
)
"""Of CL8: finer between one and two constraints a dimension, where failures of some kind begin."""


def settled(still: Callable[[E], Values]) -> Criterion[E]:
    """Whether networks are at the floor of their width, as the best that they reach in twice the steps has
    it.
    """
    name = f"share of KL that twice the steps take away, {LONGER:g} constraints a dimension, worst width"
    means = "networks fall short because their training was cut short, not because of their width"
    return Criterion(name, still, below=SETTLED, over="nearly all", means=means)


def _count(process: processes.Source, about: float) -> int:
    g = process.g if isinstance(process, Ledger) else 1
    return g * max(1, round(about / g))


def prediction(process: processes.Source, n_ctx: int) -> Mapping[str, Any]:
    """Of the linear bottleneck, the null that a transition has to beat."""
    p = process.p if isinstance(process, Ledger) else 0.5
    return {
        "critical K / B of a linear bottleneck": bottleneck.load_at(CRITICAL, p),
        "1 / nu of a linear bottleneck": 0.0,
        "slope of log critical K on log B": 1.0,
    }
