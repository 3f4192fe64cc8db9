"""Networks of several widths, each trained on ledgers of several sizes: what CL1 and CL4 are measured on.

Operationalisations of this lab, where the theory gave words: a constraint is *declared on* iff the network
gives its symbol less than half of what it would get were it allowed, q(x) < 1 / (2 |A|) with A the allowed
symbols; accuracy is balanced over constraints that are on and off within a word, so that chance is 1/2 and a
bottleneck of k / d is at Phi(sqrt(d / (k - d))) where flags are on half of the time. Relative load is K / B,
with B of `bandwidth`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

import toy
import train
from processes.constraints import Ledger

from ..instruments.decompositions.dimensions import dimensions
from ..instruments.evidence import divergence
from ..instruments.forward import cast_up, forward, log_distribution
from ..instruments.statistics import slope
from ..instruments.untrained import untrained
from . import bottleneck
from .ledger_design import Cell
from .load_curves import critical, fitted

WORDS = 2048
"""Drawn words on which a network is judged, the same for all networks of a ledger."""


@runtime_checkable
class Left(Protocol):
    """What is judged of a network, and what it has left to learn."""

    @property
    def divergence(self) -> float:
        """KL(exact || q), nats."""


class LedgerScore(NamedTuple):
    """One network on one ledger."""

    accuracy: float  # balanced, of "this constraint is on"
    shuffled: float  # the same against the constraints of other words
    violation: float  # mass on forbidden symbols
    divergence: float  # KL(exact || q), nats


@dataclass(frozen=True, eq=False)
class LoadGrid:
    """W widths by L loads by networks."""

    width: Int[np.ndarray, "W"]
    K: Int[np.ndarray, "W L"]
    bandwidth: Float[np.ndarray, "W"]
    accuracy: Float[np.ndarray, "W L seeds"]
    shuffled: Float[np.ndarray, "W L seeds"]
    violation: Float[np.ndarray, "W L seeds"]
    divergence: Float[np.ndarray, "W L seeds"]
    null: Float[np.ndarray, "W L"]  # accuracy of the linear bottleneck at the same K and B
    still: Float[
        np.ndarray, "W seeds"
    ]  # share of KL(exact || q) that twice as many steps take away, at one load
    untrained_accuracy: Float[np.ndarray, "W U seeds"]  # at the largest load, or the U largest

    @property
    def relative(self) -> Float[np.ndarray, "W L"]:
        """K / B."""
        return self.K / self.bandwidth[:, None]

    @cached_property
    def fits(self) -> Float[np.ndarray, "W seeds 2"]:
        """Middle and sharpness of each network's curve over log K (`load_curves.fitted`)."""
        return np.array(
            [[fitted(np.log(K), y) for y in rows.T] for K, rows in zip(self.K, self.accuracy, strict=True)]
        )

    @property
    def sharpness(self) -> Float[np.ndarray, "W seeds"]:
        """Sharpness of the transition of each network, per unit of log K."""
        return self.fits[..., 1]

    @cached_property
    def null_sharpness(self) -> Float[np.ndarray, "W"]:
        """The same of the linear bottleneck, on the same loads."""
        return np.array([fitted(np.log(K), y)[1] for K, y in zip(self.K, self.null, strict=True)])

    @property
    def critical(self) -> Float[np.ndarray, "W seeds"]:
        """Number of constraints at which the fitted accuracy is `CRITICAL`."""
        return critical(self.fits)

    def critical_slope(self) -> Float[np.ndarray, "seeds"]:
        """Slope of log critical K on log B."""
        return slope(np.log(self.critical).T, np.log(self.bandwidth))

    def accuracy_at(self, load: int) -> Float[np.ndarray, "seeds"]:
        """Accuracy at a load, by its number among those measured, mean over widths."""
        return np.asarray(self.accuracy[:, load].mean(0))


def load_grid(runs: Mapping[Cell, train.Run]) -> LoadGrid:
    """Judge all networks of runs on ledgers, whose widths and sizes form a grid."""
    rows: dict[str, list] = {name: [] for name in ("K", "bandwidth", "null", "trained", "still", "untrained")}
    grid = by_width(runs)
    for _, Ks, cells, at, after in grid:
        rows["K"].append(Ks)
        rows["bandwidth"].append(np.mean([free_dimensions(run) for run in cells]))
        p = ledger_of(cells[0]).p
        rows["null"].append(bottleneck.accuracy(np.array(Ks), rows["bandwidth"][-1], p))
        rows["trained"].append([judged_networks(run, run.params()) for run in cells])
        longer = judged_networks(after, after.params())
        rows["still"].append(still_to_win(rows["trained"][-1][at], longer))
        rows["untrained"].append([judged_networks(cells[-1], untrained(cells[-1].recipe))])

    def field(which: str, name: str) -> np.ndarray:
        return np.array([[[getattr(j, name) for j in cell] for cell in row] for row in rows[which]])

    measured = {name: field("trained", name) for name in ("accuracy", "shuffled", "violation", "divergence")}
    return LoadGrid(
        width=np.array([row.d_model for row in grid]),
        K=np.array(rows["K"]),
        bandwidth=np.array(rows["bandwidth"], np.float64),
        **measured,
        null=np.array(rows["null"]),
        still=np.array(rows["still"]),
        untrained_accuracy=field("untrained", "accuracy"),
    )


class Row(NamedTuple):
    """The runs of one width, by the number of constraints."""

    d_model: int
    K: list[int]
    runs: list[train.Run]
    at: int  # which of them is there trained longer as well
    longer: train.Run


def by_width(runs: Mapping[Cell, train.Run]) -> list[Row]:
    """The rows of a grid of runs, narrowest first."""
    rows = []
    for d in sorted({cell.d_model for cell in runs}):
        Ks = sorted(cell.K for cell in runs if cell.d_model == d and not cell.longer)
        (after,) = (cell for cell in runs if cell.d_model == d and cell.longer)
        rows.append(Row(d, Ks, [runs[Cell(d, K)] for K in Ks], Ks.index(after.K), runs[after]))
    return rows


def still_to_win(before: Sequence[Left], after: Sequence[Left]) -> list[float]:
    """Share of what each network has left, KL(exact || q), that the same network trained longer has not."""
    return [1 - b.divergence / a.divergence for a, b in zip(before, after, strict=True)]


def ledger_of(run: train.Run) -> Ledger:
    """The ledger that a run has learned."""
    found = run.recipe.source()
    assert isinstance(found, Ledger)
    return found


def judged_networks(run: train.Run, params: toy.Params) -> list[LedgerScore]:
    """Every network of a stack, on the same drawn words."""
    made = ledger_of(run)
    on = made.draw(WORDS, np.random.default_rng(0))
    logits = forward(run.recipe.model, params, made.controls(on), position="last")["logits"]
    return [judged(made, on, log_q) for log_q in map(log_distribution, logits)]


def free_dimensions(run: train.Run) -> float:
    """Bandwidth B that each network has beside the base task, mean over networks: the base task is the
    context in which nothing is on.
    """
    made, config = ledger_of(run), run.recipe.model
    controls = made.controls(np.zeros((1, made.K), bool))
    site = config.stream[-1]
    stream = forward(config, run.params(), controls, (site,), position="last")[site]
    return float(np.mean([bandwidth(cast_up(own), np.ones(1)) for own in stream]))


def bandwidth(activations: Float[np.ndarray, "N d"], weight: Float[np.ndarray, "N"]) -> int:
    """Available bandwidth B = d_model - dimensions that the base task uses, from activations (N, d_model) on
    the base task alone.

    The theory named the quantity and gave no formula; this is the lab's operationalisation. Variance is about
    zero, because a direction that is always on (as the one that holds the base's logits where no constraint
    is on) is taken as well.
    """
    return activations.shape[1] - dimensions(activations, weight, centred=False)


def judged(made: Ledger, on: Bool[np.ndarray, "n K"], log_q: Float[np.ndarray, "n vocab"]) -> LedgerScore:
    """How well log predictions of the body obey the constraints that are on."""
    allowed, q = made.allowed(on), np.exp(log_q[:, : made.V])
    declared = q @ made.forbids.T < 0.5 * made.forbids.sum(1) / allowed.sum(1)[:, None]
    return LedgerScore(
        balanced(declared, on),
        balanced(declared, np.roll(on, 1, axis=0)),
        float((q * ~allowed).sum(1).mean()),
        float(divergence(made.body(on), log_q[:, : made.V]).mean()),
    )


def balanced(declared: Bool[np.ndarray, "n K"], on: Bool[np.ndarray, "n K"]) -> float:
    """Mean over words of the mean of two shares told right: of the constraints that are on and of those that
    are off.

    Within a word, because a prediction that is the same for all constraints is right half of the time then,
    whatever makes it vary from word to word; words that have only one of the two say nothing.
    """
    n_on, n_off = on.sum(1), (~on).sum(1)
    both = (n_on > 0) & (n_off > 0)
    share = (declared & on).sum(1)[both] / n_on[both] + (~declared & ~on).sum(1)[both] / n_off[both]
    return float(share.mean() / 2)
