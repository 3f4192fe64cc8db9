"""Networks of several widths, each trained on ledgers of several sizes, and how they fail.

Operationalisations of this lab, where the theory gave words: a constraint is *declared on* iff the network
gives its symbol less than half of what it would get were it allowed, q(x) < 1 / (2 |A|) with A the allowed
symbols; accuracy is balanced over constraints that are on and off within a word, so that chance is 1/2 and a
bottleneck of k / d is at Phi(sqrt(d / (k - d))). Relative load is K / B, with B of `bottleneck`.

A word is *violated* if the network leaves forbidden symbols more than half of what the base, which knows no
constraint, leaves them. Then it is `generic` if the prediction is near the base, KL(base || q) < load / 2,
and else a `collapse` (no constraint, no base). If it is not violated, the prediction is a `loophole` where
the allowed symbols fare badly all the same, KL(exact || q) > load / 2, and else `fine`. Half of what is at
stake, on both scales: load is KL(exact || base), what there is to lose by not knowing the constraints.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import least_squares
from scipy.special import expit, logit

import processes
import toy
import train
from processes.constraints import Ledger

from ..instruments.evidence import divergence
from ..instruments.forward import cast_up, forward, log_distribution
from ..instruments.untrained import untrained
from . import bottleneck

KINDS = ("fine", "generic", "loophole", "collapse")
WORDS = 2048
"""Drawn words on which a network is judged, the same for all networks of a ledger."""
CRITICAL = 0.9
"""Balanced accuracy at the critical load: a fifth of what there is above chance is lost (fixed before any
run).
"""
LEAST_ERROR = 0.01
"""Smallest standard error of a predicted accuracy that is believed, in likelihoods of held-out curves."""


class Judged(NamedTuple):
    """One network on one ledger."""

    accuracy: float  # balanced, of "this constraint is on"
    shuffled: float  # the same against the constraints of other words
    violation: float  # mass on forbidden symbols
    divergence: float  # KL(exact || q), nats
    kinds: Float[np.ndarray, "4"]  # share of words of each kind in `KINDS`


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
    kinds: Float[np.ndarray, "W L seeds 4"]
    untrained_accuracy: Float[np.ndarray, "W U seeds"]  # at the largest load, or the U largest
    untrained_kinds: Float[np.ndarray, "W U seeds 4"]

    @property
    def relative(self) -> Float[np.ndarray, "W L"]:
        """K / B."""
        return self.K / self.bandwidth[:, None]

    @cached_property
    def fits(self) -> Float[np.ndarray, "W seeds 2"]:
        """Middle and sharpness of each network's curve over log K (`fitted`)."""
        return np.array(
            [[fitted(np.log(K), y) for y in rows.T] for K, rows in zip(self.K, self.accuracy, strict=True)]
        )

    @property
    def null(self) -> Float[np.ndarray, "W L"]:
        """Accuracy of the linear bottleneck at the same K and B."""
        return bottleneck.accuracy(self.K, self.bandwidth[:, None])


def load_grid(runs: Mapping[str, train.Run]) -> LoadGrid:
    """Judge all networks of runs on ledgers, whose widths and sizes form a grid."""
    at = {(run.recipe.model.d_model, _ledger(run).K): run for run in runs.values()}
    widths = sorted({d for d, _ in at})
    rows: dict[str, list] = {name: [] for name in ("K", "bandwidth", "trained", "untrained")}
    for d in widths:
        Ks = sorted(K for width, K in at if width == d)
        cells = [at[d, K] for K in Ks]
        rows["K"].append(Ks)
        rows["bandwidth"].append(np.mean([free_dimensions(run) for run in cells]))
        rows["trained"].append([judged_networks(run, run.params()) for run in cells])
        rows["untrained"].append([judged_networks(cells[-1], untrained(cells[-1].recipe))])

    def field(which: str, name: str) -> np.ndarray:
        return np.array([[[getattr(j, name) for j in cell] for cell in row] for row in rows[which]])

    return LoadGrid(
        np.array(widths),
        np.array(rows["K"]),
        np.array(rows["bandwidth"], np.float64),
        *(field("trained", name) for name in ("accuracy", "shuffled", "violation", "divergence", "kinds")),
        *(field("untrained", name) for name in ("accuracy", "kinds")),
    )


def _ledger(run: train.Run) -> Ledger:
    found = run.recipe.source()
    assert isinstance(found, Ledger)
    return found


def judged_networks(run: train.Run, params: toy.Params) -> list[Judged]:
    """Every network of a stack, on the same drawn words."""
    made = _ledger(run)
    on = made.draw(WORDS, np.random.default_rng(0))
    logits = forward(run.recipe.model, params, made.controls(on), position="last")["logits"]
    return [judged(made, on, log_q) for log_q in map(log_distribution, logits)]


def free_dimensions(run: train.Run) -> float:
    """Bandwidth B that each network has beside the base task, mean over networks: the base task is the
    context in which nothing is on.
    """
    made, config = _ledger(run), run.recipe.model
    controls = made.controls(np.zeros((1, made.K), bool))
    site = config.stream[-1]
    stream = forward(config, run.params(), controls, (site,), position="last")[site]
    return float(np.mean([bottleneck.bandwidth(cast_up(own), np.ones(1)) for own in stream]))


def judged(made: Ledger, on: Bool[np.ndarray, "n K"], log_q: Float[np.ndarray, "n vocab"]) -> Judged:
    """How well log predictions of the body obey the constraints that are on, and which kinds of failure they
    are.
    """
    allowed, q = made.allowed(on), np.exp(log_q[:, : made.V])
    declared = q @ made.forbids.T < 0.5 * made.forbids.sum(1) / allowed.sum(1)[:, None]
    kinds = kind(made, on, log_q)
    return Judged(
        balanced(declared, on),
        balanced(declared, np.roll(on, 1, axis=0)),
        float((q * ~allowed).sum(1).mean()),
        float(divergence(made.body(on), log_q[:, : made.V]).mean()),
        np.array([(kinds == k).mean() for k in range(4)]),
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


def kind(
    made: Ledger, on: Bool[np.ndarray, "n K"], log_q: Float[np.ndarray, "n vocab"]
) -> Int[np.ndarray, "m"]:
    """Number in `KINDS` of each word on which a constraint with some load is on; the others say nothing."""
    some = (~made.allowed(on))[:, made.base > 0].any(1)  # a load of nothing may come out as 1e-16
    on, log_q, load = on[some], log_q[some, : made.V], made.load(on[some])
    q, allowed, exact = np.exp(log_q), made.allowed(on), made.body(on)
    violated = (q * ~allowed).sum(1) > 0.5 * -np.expm1(-load)
    from_base, from_exact = (
        divergence(np.broadcast_to(made.base, log_q.shape), log_q),
        divergence(exact, log_q),
    )
    return np.where(violated, np.where(from_base < load / 2, 1, 3), np.where(from_exact > load / 2, 2, 0))


# The shape of curves of accuracy (..., L) against the logarithm of a load (..., L), one network or null each.


def fitted(x: Float[np.ndarray, "L"], accuracy: Float[np.ndarray, "L"]) -> tuple[float, float]:
    """Middle m and sharpness s of 1/2 + 1/2 expit(-s (x - m)), by least squares; its steepest slope is s / 8
    per unit of x.
    """
    m, s = np.meshgrid(np.linspace(x[0] - 1, x[-1] + 1, 24), np.geomspace(0.3, 60, 16), indexing="ij")
    squares = ((0.5 + 0.5 * expit(-s[..., None] * (x - m[..., None])) - accuracy) ** 2).sum(-1)
    k = np.unravel_index(
        int(np.argmax(squares <= squares.min() + 1e-12)), squares.shape
    )  # the first of those that fit a flat curve alike
    start = np.array([m[k], np.log(s[k])])
    bounds = ([x[0] - 2, np.log(0.1)], [x[-1] + 2, np.log(200.0)])
    found = least_squares(
        lambda v: 0.5 + 0.5 * expit(-np.exp(v[1]) * (x - v[0])) - accuracy, start, bounds=bounds
    ).x
    return float(found[0]), float(np.exp(found[1]))


def sharpness(grid: LoadGrid) -> Float[np.ndarray, "W seeds"]:
    """Sharpness of the transition of each network, per unit of log K."""
    return grid.fits[..., 1]


def null_sharpness(grid: LoadGrid) -> Float[np.ndarray, "W"]:
    """The same of the linear bottleneck, on the same loads."""
    return np.array([fitted(np.log(K), y)[1] for K, y in zip(grid.K, grid.null, strict=True)])


def critical(grid: LoadGrid) -> Float[np.ndarray, "W seeds"]:
    """Number of constraints at which the fitted accuracy is `CRITICAL`."""
    return np.exp(grid.fits[..., 0] - logit(2 * CRITICAL - 1) / grid.fits[..., 1])


def held_out(x: Float[np.ndarray, "W L"], y: Float[np.ndarray, "W L seeds"]) -> Float[np.ndarray, "seeds"]:
    """Gaussian log-likelihood, nats a point, of each width's curve as predicted by the curves of the others
    at the same x.

    The prediction is the mean over the other widths of their curves, interpolated linearly and constant
    beyond their ends; its error is what predicting these widths from one another shows (at least
    `LEAST_ERROR`), so that no width is used to judge itself.
    """
    W = len(x)
    scores = []
    for w in range(W):
        others = [v for v in range(W) if v != w]
        inner = [y[v] - _predicted(x, y, [u for u in others if u != v], x[v]) for v in others]
        error = np.maximum(np.sqrt(np.mean(np.square(inner), axis=(0, 1))), LEAST_ERROR)
        miss = y[w] - _predicted(x, y, others, x[w])
        scores.append((-np.log(error) - 0.5 * np.log(2 * np.pi) - miss**2 / (2 * error**2)).mean(0))
    return np.asarray(np.mean(scores, axis=0))


def _predicted(x: np.ndarray, y: np.ndarray, widths: list[int], at: np.ndarray) -> np.ndarray:
    return np.mean([[np.interp(at, x[v], curve) for curve in y[v].T] for v in widths], axis=0).T


def spread_at_transition(grid: LoadGrid) -> Float[np.ndarray, "seeds"]:
    """How much farther from the mean of the others each network is at the measured load nearest to the
    critical one than at the other loads.
    """
    y = grid.accuracy
    n = y.shape[-1]
    apart = np.abs(y - (y.sum(-1, keepdims=True) - y) / (n - 1))
    nearest = np.abs(np.log(grid.K) - np.log(critical(grid)).mean(1, keepdims=True)).argmin(1)
    rows = np.arange(len(y))
    there = apart[rows, nearest]
    return np.asarray((there - (apart.sum(1) - there) / (y.shape[1] - 1)).mean(0))


def onset(x: Float[np.ndarray, "L"], rate: Float[np.ndarray, "L"], level: float) -> float:
    """Where a rate first exceeds a level, linear in log x between the loads measured; the first load if it
    does there, the last if never.
    """
    above = rate > level
    if not above.any():
        return float(x[-1])
    k = int(above.argmax())
    if k == 0:
        return float(x[0])
    share = (level - rate[k - 1]) / (rate[k] - rate[k - 1])
    return float(np.exp(np.log(x[k - 1]) + share * np.log(x[k] / x[k - 1])))


def refusal(process: processes.Source, Ks: list[list[int]]) -> str | None:
    """Why a grid of these sizes cannot be made of a process, if so."""
    if not isinstance(process, Ledger):
        return (
            "it is no ledger, and the joint process of so many constraints could not be written; use "
            "ledger(K=128, g=4, p=0.5)"
        )
    if not 0 < process.p < 1:
        return (
            f"its constraints are on with probability {process.p:g}, so nothing has to be remembered; use "
            "p=0.5"
        )
    if any(len(set(row)) < len(row) for row in Ks):
        return (
            f"its slots announce {process.g} constraints, too coarse for ledgers of {Ks[0]}; use g=4 or less"
        )
    return None
