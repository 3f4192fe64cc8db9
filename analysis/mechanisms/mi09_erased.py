"""What is measured of erasers of beliefs: how far two of them agree on what to take out, what can still be
read afterwards, and what it costs the prediction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

import toy

from ..instruments.behaviour.recalibration import recalibrated
from ..instruments.contexts import Contexts, worth
from ..instruments.evidence import Evidence, divergence, observe
from ..instruments.forward import Mapped, alone, member
from ..instruments.interventions.erasers import (
    adversarial,
    inlp,
    left_to_read,
    mean_projection,
    read_along,
    shared_directions,
    taken_out,
)
from ..instruments.interventions.erasure import Eraser, leace
from ..instruments.probing.nonlinear import nonlinear_r2
from ..instruments.probing.probe import moments, probe
from ..instruments.probing.ridge import Moments
from ..instruments.statistics import mean_overlap, overlap

Kind = Literal["leace", "mean", "inlp", "adversarial", "continued"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""LEACE; mean projection; iterated nullspace projection; adversarial erasers of the rank of the belief, from
random starts, and from the same starts continued against ever stronger adversaries.
"""
STARTED: tuple[Kind, ...] = ("adversarial", "continued")
"""Those that begin somewhere; what others take out follows from the histories."""
RESTARTS = 4
DIVISIONS = 4
"""Random divisions of the histories in two that have none in common."""


@dataclass(frozen=True, eq=False)
class Erased:
    """Beliefs erased from the stream after the block at which a probe reads them best."""

    sampled: int | None  # sequences drawn, where contexts are too many to enumerate
    rank: int  # directions of the belief
    worth: float  # of beliefs, nats per token
    sites: tuple[str, ...]
    chosen: Int[np.ndarray, "seeds"]
    # Mean overlap of what two fits take out: from other starts on the same histories, of those that have one;
    restarts: Mapping[Kind, Float[np.ndarray, "seeds"]]
    # and on disjoint halves of the histories, from the same start.
    histories: Mapping[Kind, Float[np.ndarray, "seeds"]]
    between: Float[np.ndarray, "seeds K K"]  # overlap of what two erasers take out, fitted on all histories
    alike: Mapping[Kind, Float[np.ndarray, "seeds"]]  # of what is read, with the other networks'
    taken: Mapping[Kind, Float[np.ndarray, "seeds"]]  # directions
    linear: Mapping[Kind, Float[np.ndarray, "seeds"]]  # held-out R2 of a linear probe afterwards
    nonlinear: Mapping[Kind, Float[np.ndarray, "seeds"]]  # of a small multilayer perceptron
    cost: Mapping[Kind, Float[np.ndarray, "seeds"]]  # KL that erasing adds, over what beliefs are worth
    told: Mapping[Kind, Float[np.ndarray, "seeds"]]  # the same after the best affine map of the logits
    in_sample: Mapping[Kind, Float[np.ndarray, "seeds"]]  # R2 that a linear probe reads where it was fitted
    before: Float[np.ndarray, "seeds"]  # held-out R2 of a linear probe, nothing erased
    before_nonlinear: Float[np.ndarray, "seeds"]
    untrained: Float[np.ndarray, "seeds"]  # overlap of adversarial restarts in untrained networks
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    def beside_mean(self, kind: Kind) -> Float[np.ndarray, "seeds"]:
        """Overlap of what an eraser takes out on disjoint histories, minus that of mean projections."""
        return self.histories[kind] - self.histories["mean"]


def best_site(config: toy.Config, network: toy.Params, truth: Contexts) -> tuple[int, Evidence, Moments]:
    """After which block a probe reads the belief best, what a network (a stack of one) does, and the moments
    there.
    """
    sites = config.stream[1:]
    (seen,) = observe(config, network, truth, sites)
    found = [moments(seen.activations[site], truth.belief, truth) for site in sites]
    k = int(np.argmax([probe(m).r2 for m in found]))
    return k, seen, found[k]


@dataclass(frozen=True, eq=False)
class Fitted:
    """The erasers of one network."""

    made: Mapping[Kind, Eraser]  # on all scored histories; of several starts that which leaves least
    restarts: Mapping[Kind, float]  # how far starts agree on the same histories, of those that have one
    histories: Mapping[Kind, float]  # how far fits on disjoint histories do, which have all else in common


def erasers(found: Moments, *, seed: int) -> Fitted:
    """Erasers of every kind, and how far two of a kind agree."""
    folds = np.arange(found.n_folds)
    rank = shared_directions(found, folds)
    fixed = {"leace": leace, "mean": mean_projection, "inlp": inlp}

    def fit(kind: Kind, on: Int[np.ndarray, "n"], start: int) -> Eraser:
        if kind in fixed:
            return fixed[kind](found, on)
        begin = seed * RESTARTS + start
        return adversarial(found, on, rank, seed=begin, continued=kind == "continued")

    starts = {kind: [fit(kind, folds, k) for k in range(RESTARTS)] for kind in STARTED}
    halves = divisions(found.n_folds, np.random.default_rng(seed))
    apart = {
        kind: np.mean([agreement([fit(kind, half, k) for half in both]) for k, both in enumerate(halves)])
        for kind in KINDS
    }
    return Fitted(
        {
            kind: min(starts[kind], key=lambda e: left_to_read(found, folds, e))
            if kind in STARTED
            else fit(kind, folds, 0)
            for kind in KINDS
        },
        {kind: agreement(of) for kind, of in starts.items()},
        {kind: float(of) for kind, of in apart.items()},
    )


def divisions(
    n: int, rng: np.random.Generator
) -> list[tuple[Int[np.ndarray, "half"], Int[np.ndarray, "rest"]]]:
    """`DIVISIONS` times n folds in two halves that have none in common; of an odd number one has one more."""
    dealt = [rng.permutation(n) for _ in range(DIVISIONS)]
    return [(np.sort(d[: n // 2]), np.sort(d[n // 2 :])) for d in dealt]


def directions(truth: Contexts) -> int:
    """Dimensions in which beliefs vary over contexts."""
    return int(np.linalg.matrix_rank(truth.belief - truth.belief.mean(0), tol=1e-9))


def agreement(fits: Sequence[Eraser]) -> float:
    """Mean overlap of what two of several erasers take out."""
    return mean_overlap([taken_out(e) for e in fits])


@dataclass(frozen=True, eq=False)
class Measured:
    """One network: its own fields of `Erased` by name, and what each eraser reads of the contexts."""

    own: Mapping[str, Any]
    read: Mapping[Kind, Float[np.ndarray, "N k"]]


def measured(config: toy.Config, params: toy.Params, i: int, truth: Contexts, *, seed: int) -> Measured:
    """Erase the belief from one network of a stack, in every way."""
    network = alone(member(params, i))
    k, seen, found = best_site(config, network, truth)
    site, folds = config.stream[1:][k], np.arange(found.n_folds)
    x = np.asarray(seen.activations[site], np.float64)
    scored = np.where(truth.fold >= 0, truth.weight, 0.0)
    fitted = erasers(found, seed=seed)
    made = fitted.made
    after = {kind: _kept(e, x) for kind, e in made.items()}
    read = nonlinear_r2([x, *after.values()], truth.belief, truth, seed=seed)
    of_beliefs = worth(truth.next_token[scored > 0], scored[scored > 0] / scored.sum())
    costs = {kind: _cost(config, network, truth, site, e, seen, scored) for kind, e in made.items()}
    out = {kind: taken_out(e) for kind, e in made.items()}
    own = {
        "chosen": k,
        "restarts": fitted.restarts,
        "histories": fitted.histories,
        "between": [[overlap(out[a], out[b]) for b in KINDS] for a in KINDS],
        "taken": {kind: float(e.rank) for kind, e in made.items()},
        "linear": {kind: _linear(z, truth) for kind, z in after.items()},
        "nonlinear": dict(zip(KINDS, read[1:], strict=True)),
        "cost": {kind: both[0] / of_beliefs for kind, both in costs.items()},
        "told": {kind: both[1] / of_beliefs for kind, both in costs.items()},
        "in_sample": {kind: left_to_read(found, folds, e) for kind, e in made.items()},
        "before": probe(found).r2,
        "before_nonlinear": read[0],
    }
    return Measured(own, {kind: read_along(e, x, scored) for kind, e in made.items()})


def _kept(eraser: Eraser, x: Float[np.ndarray, "N d"]) -> Float[np.ndarray, "N d"]:
    """Erased features about the mean; where all directions are taken out zero, and no rounding that a probe
    would magnify.
    """
    d = x.shape[1]
    return np.zeros_like(x) if eraser.rank == d else (x - eraser.mean) @ (np.eye(d) - eraser.removal).T


def _linear(z: Float[np.ndarray, "N d"], truth: Contexts) -> float:
    return probe(moments(z, truth.belief, truth)).r2 if z.any() else 0.0


def _cost(
    config: toy.Config,
    network: toy.Params,
    truth: Contexts,
    site: str,
    eraser: Eraser,
    seen: Evidence,
    scored: Float[np.ndarray, "N"],
) -> tuple[float, float]:
    """KL that erasing adds at a site, nats per token, as it is and after the best affine map of logits."""
    edit = Mapped(
        (site,), np.asarray(eraser.removal[None], np.float32), np.asarray(eraser.mean[None], np.float32)
    )
    (edited,) = observe(config, network, truth, (), edit=edit)
    w, exact = scored / scored.sum(), truth.next_token
    mended = recalibrated(edited.log_prediction, exact, scored)
    before = w @ seen.divergence
    return float(w @ edited.divergence - before), float(w @ divergence(exact, mended) - before)


def erased(
    rows: Sequence[Measured],
    truth: Contexts,
    sites: tuple[str, ...],
    untrained: Float[np.ndarray, "seeds"],
    unlearned: Float[np.ndarray, "seeds"],
) -> Erased:
    """What was `measured` of every network, as one record."""
    scored = truth.fold >= 0
    own: dict[str, Any] = {}
    for name, first in rows[0].own.items():
        values = [row.own[name] for row in rows]
        by_kind = isinstance(first, Mapping)
        own[name] = {k: np.array([v[k] for v in values]) for k in first} if by_kind else np.array(values)
    return Erased(
        sampled=truth.sampled,
        rank=directions(truth),
        worth=worth(truth.next_token[scored], truth.weight[scored] / truth.weight[scored].sum()),
        sites=sites,
        alike={kind: _alike([row.read[kind] for row in rows]) for kind in KINDS},
        untrained=untrained,
        unlearned=unlearned,
        **own,
    )


def _alike(read: Sequence[Float[np.ndarray, "N k"]]) -> Float[np.ndarray, "seeds"]:
    """Of every network, the mean overlap of what is read of contexts with the others'; NaN of one alone, and
    where nothing was taken out.
    """
    both = np.array([[overlap(a, b) for b in read] for a in read])
    np.fill_diagonal(both, np.nan)
    there = np.isfinite(both)
    return np.where(there, both, 0.0).sum(1) / np.where(there.any(1), there.sum(1), np.nan)
