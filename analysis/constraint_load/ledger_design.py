"""The ledgers that networks of several widths are trained on for CL1, CL4 and CL8: one grid of runs for all
three.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from scipy.special import ndtri

import processes
import toy
from processes.constraints import Ledger
from train import Optimiser, Recipe

from ..claim import DEFAULT, Setting
from .load_curves import CRITICAL

THEORY = "A theory of constraint load (words); formulas are this lab's operationalisation"
LEDGERS = ("ledger(K=128, g=4, p=0.5)",)
"""Where the claims on such grids are tested by default; K is what varies."""
LOADS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
"""Constraints per dimension of the stream."""
WIDTHS = {"small": (8, 16, 32), "default": (8, 16, 32, 64), "large": (16, 32, 64, 128)}
STEPS = {"small": 600, "default": 2000, "large": 4000}


class Cell(NamedTuple):
    """The role of the networks of one width on one ledger."""

    d_model: int
    K: int

    def __str__(self) -> str:
        return f"d_model {self.d_model}, K {self.K}"


def sizes(process: processes.Source, setting: Setting) -> dict[int, list[int]]:
    """Numbers of constraints, by width: `LOADS` of it, as multiples of what a slot announces."""
    g = process.g if isinstance(process, Ledger) else 1
    return {d: [g * max(1, round(load * d / g)) for load in LOADS] for d in WIDTHS[setting.size]}


def recipes(process: str, setting: Setting) -> Mapping[Cell, Recipe]:
    """One-layer transformers on ledgers with the g and p of the one named; K is what varies."""
    asked = processes.source(process)
    if refusal(asked, 0, setting):
        return {}  # refused before it is trained
    assert isinstance(asked, Ledger)
    return {Cell(d, K): _recipe(asked, d, K, setting) for d, Ks in sizes(asked, setting).items() for K in Ks}


def _recipe(like: Ledger, d: int, K: int, setting: Setting) -> Recipe:
    spec = f"ledger(K={K}, g={like.g}, p={like.p:g})"
    return Recipe(
        spec,
        toy.TransformerConfig(
            processes.source(spec).vocab,
            n_ctx=K // like.g,
            n_layers=1,
            n_heads=1,
            d_model=d,
            d_head=d,
            d_mlp=4 * d,
        ),
        "expected",
        Optimiser("adam", learning_rate=1e-2, warmup=20, schedule="cosine"),
        STEPS[setting.size],
        batch=32,
        seeds=setting.seeds,
        checkpoints=2,
    )


def refusal(process: processes.Source, n_ctx: int, setting: Setting = DEFAULT) -> str | None:
    """Why no grid can be made of it, if so."""
    if not isinstance(process, Ledger):
        return (
            "it is no ledger, and the joint process of so many constraints could not be written; use "
            f"{LEDGERS[0]}"
        )
    if not 0 < process.p < 1:
        return (
            f"its constraints are on with probability {process.p:g}, so nothing has to be remembered; use "
            "p=0.5"
        )
    Ks = list(sizes(process, setting).values())
    if any(len(set(row)) < len(row) for row in Ks):
        return (
            f"its slots announce {process.g} constraints, too coarse for ledgers of {Ks[0]}; use g=4 or less"
        )
    return None


def prediction(process: processes.Source, n_ctx: int) -> Mapping[str, Any]:
    """Of the linear bottleneck, the null that a transition has to beat."""
    return {
        "critical K / B of a linear bottleneck": float(1 + 1 / ndtri(CRITICAL) ** 2),
        "1 / nu of a linear bottleneck": 0.0,
        "slope of log critical K on log B": 1.0,
    }
