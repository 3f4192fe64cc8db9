"""Kinds of failure under constraints, and in which order they appear as the load rises."""

from collections.abc import Callable

import numpy as np

from ..claim import Claim, Criterion
from . import ledger_grid as lg
from .cl1_phase_transition import THEORY, prediction, recipes, refusal, shown
from .ledger_grid import KINDS, LoadGrid, load_grid

LEVEL = 0.1
"""Share of words at which a kind of failure has appeared."""


def lead(kinds: Callable[[LoadGrid], np.ndarray], grid: LoadGrid) -> np.ndarray:
    """log of the load at which collapse appears over that at which the first other kind does, mean over
    widths.
    """
    share = kinds(grid)  # (W, L, seeds, 4)
    out = []
    for x, rows in zip(grid.relative, share, strict=True):
        at = np.array(
            [
                [lg.onset(x, rows[:, s, KINDS.index(k)], LEVEL) for k in ("generic", "loophole", "collapse")]
                for s in range(rows.shape[1])
            ]
        )
        out.append(np.log(at[:, 2] / at[:, :2].min(1)))
    return np.mean(out, axis=0)


def exchanged(grid: LoadGrid) -> np.ndarray:
    """Shares if failures came in the same mixture at every load: then the commonest kind appears first for no
    other reason.
    """
    failed = 1 - grid.kinds[..., :1]
    total = grid.kinds[..., 1:].sum(1, keepdims=True)
    mixture = total / np.maximum(total.sum(-1, keepdims=True), 1e-12)
    return np.concatenate([1 - failed, failed * mixture], axis=-1)


def _own(grid: LoadGrid) -> np.ndarray:
    return grid.kinds


CL8 = Claim(
    id="CL8",
    statement="Pathologies come in kinds: some other failure appears at a smaller load than collapse.",
    source=THEORY,
    tested_on=("ledger(K=128, g=4, p=0.5)",),
    recipes=recipes,
    evidence=load_grid,
    prediction=prediction,
    refusal=refusal,
    criteria=(
        Criterion(
            "log of the load where collapse appears over the first other", lambda g: lead(_own, g), above=0.0
        ),
    ),
    controls=(
        Criterion("share of fine words at the least load", lambda g: g.kinds[:, 0, :, 0].mean(0), above=0.5),
        Criterion(
            "share of fine words of untrained networks",
            lambda g: g.untrained_kinds[..., 0].mean((0, 1)),
            below=LEVEL,
        ),
        Criterion(
            "the same log ratio minus that of one mixture at all loads",
            lambda g: lead(_own, g) - lead(exchanged, g),
            above=0.0,
        ),
    ),
    shown=lambda g: shown(g) | {"lead_exchanged": lead(exchanged, g)},
    limits=(
        "The kinds are this lab's operationalisation. A word is violated if forbidden symbols keep more than "
        "half of the mass that the base gives"
        " them; generic, then, if KL(base || q) is below half of the load, and else a collapse. Where it is "
        "met, it is a loophole if KL(exact || "
        f"q) exceeds half of the load. A kind has appeared when {LEVEL:.0%} of words are of it; one that "
        "never does within the loads measured "
        "counts as appearing at the last. The body is one symbol, so a failure that needs several (a loop, a "
        "constant answer) has no room here."
    ),
)
