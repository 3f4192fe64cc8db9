"""How predictions fail over a grid of widths and loads: what CL8 is measured on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

import toy
import train
from processes.constraints import Ledger

from ..instruments.evidence import divergence
from ..instruments.forward import forward, log_distribution
from ..instruments.untrained import untrained
from .cl8_failure_kinds import KINDS, exact_next_token, kind
from .ledger_design import Cell
from .ledger_grid import by_width, ledger_of, still_to_win

WORDS = 1024
"""Drawn words on which a network is judged, at every symbol of their bodies; the same for all networks of a
ledger.
"""


class Failing(NamedTuple):
    """One network on one ledger, mean over the symbols of bodies."""

    kinds: Float[np.ndarray, "kinds"]  # share of predictions of each kind in `KINDS`
    divergence: float  # KL(exact || q), nats


@dataclass(frozen=True, eq=False)
class Failures:
    """W widths by L loads by networks."""

    width: Int[np.ndarray, "W"]
    K: Int[np.ndarray, "W L"]
    kinds: Float[np.ndarray, "W L seeds kinds"]
    still: Float[
        np.ndarray, "W seeds"
    ]  # share of KL(exact || q) that twice as many steps take away, at one load
    untrained: Float[np.ndarray, "W seeds kinds"]  # at the largest load

    @property
    def relative(self) -> Float[np.ndarray, "W L"]:
        """Constraints per dimension of the stream."""
        return self.K / self.width[:, None]

    def fine(self, load: int) -> Float[np.ndarray, "seeds"]:
        """Share of fine predictions at a load, by its number among those measured, mean over widths."""
        return np.asarray(self.kinds[:, load, :, 0].mean(0))


def failures(runs: Mapping[Cell, train.Run]) -> Failures:
    """Judge all networks of runs on ledgers, whose widths and sizes form a grid."""
    grid, kinds, still, fresh = by_width(runs), [], [], []
    for _, _, cells, at, after in grid:
        found = [judged(run, run.params()) for run in cells]
        kinds.append([[one.kinds for one in cell] for cell in found])
        still.append(still_to_win(found[at], judged(after, after.params())))
        fresh.append([one.kinds for one in judged(cells[-1], untrained(cells[-1].recipe))])
    widths, Ks = np.array([row.d_model for row in grid]), np.array([row.K for row in grid])
    return Failures(widths, Ks, np.array(kinds), np.array(still), np.array(fresh))


def judged(run: train.Run, params: toy.Params) -> list[Failing]:
    """Every network of a stack, on the same drawn words."""
    made, rng = ledger_of(run), np.random.default_rng(0)
    on = made.draw(WORDS, rng)
    body = made.bodies(on, rng)
    read = np.hstack([made.controls(on), body[:, :-1]])
    at = [
        log_distribution(
            forward(run.recipe.model, params, read, position=np.full(len(read), made.slots - 1 + t))["logits"]
        )
        for t in range(made.n)
    ]
    return [failing(made, on, body, [log_q[i] for log_q in at]) for i in range(len(at[0]))]


def failing(
    made: Ledger,
    on: Bool[np.ndarray, "n K"],
    body: Int[np.ndarray, "n L"],
    log_q: list[Float[np.ndarray, "n vocab"]],
) -> Failing:
    """How log predictions of each symbol of bodies, given those before it, fail; positions count alike."""
    shares, left = [], []
    for t, here in enumerate(log_q):
        said = body[:, :t]
        found = kind(made, on, said, here)
        shares.append([(found == k).mean() for k in range(len(KINDS))])
        left.append(divergence(exact_next_token(made, on, said), here[:, : made.V]).mean())
    return Failing(np.mean(shares, axis=0), float(np.mean(left)))
