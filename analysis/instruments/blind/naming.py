"""On the beliefs of which process a cloud of activations lies nearest, and whether that names it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

import processes
from toy.checks import fitted

from .beliefs import BeliefDistribution, belief_distribution, exchanges
from .match import Match, between, match
from .plane import Cloud, cloud

CANDIDATES = (
    "mess3",
    "mess3(x=0.1, a=0.85)",
    "mess3(x=0.05, a=0.7)",
    "mess3(x=0.1, a=0.6)",
    "mess3(x=0.15, a=0.6)",
    "zero_one_random",
    "random_insertion",
    "nemo",
    "moon",
    "bloch_walk",
)
"""Ten processes whose beliefs lie in a plane, five of them alike."""
HELD = 0.5
"""Of a Gaussian's distance: a cloud that holds beliefs in its largest axes lies nearer. Planted in noise, of
any of the ten, it has .31 at most.
"""
MARGIN = 3.0
"""So many times as far the runner-up must be where a process is named. Planted clouds in little noise have
3.9 or more; of the 32 networks of MI15's verdicts, for all of which a wrong process was nearest, the right
one was up to 2.7 times as far.
"""
DRAWN = 50
"""Random processes that are tried, where beliefs lie in no plane."""
SAME = 1e-3
"""Distributions of beliefs nearer than this are one up to affine maps: what is left is where the search
settles."""


@dataclass(frozen=True, eq=False)
class Named:
    """A candidate, and how near a cloud comes to its beliefs."""

    match: Match
    gaussian: float  # distance of a Gaussian cloud, of whatever covariance, from the same beliefs

    @property
    def process(self) -> processes.Process:
        """The candidate."""
        return self.match.exact.process

    @property
    def distance(self) -> float:
        """Of the cloud from its beliefs, in standard deviations of beliefs along a direction."""
        return self.match.distance


@dataclass(frozen=True, eq=False)
class Identification:
    """Candidates, nearest first, and what could not be told of the nearest, whatever the activations."""

    candidates: tuple[Named, ...]
    same: tuple[str, ...]
    """Other candidates whose beliefs are an affine image of those of the nearest."""
    symmetries: int
    """Exchanges of the states of the nearest that leave its distribution of beliefs the same, the identity
    among them.
    """

    @property
    def nearest(self) -> Named:
        """The first."""
        return self.candidates[0]

    @property
    def runner_up(self) -> Named | None:
        """The next that activations could tell from the nearest, of as many dimensions; None where there is
        none.
        """
        D = self.nearest.match.exact.dimension
        others = (c for c in self.candidates[1:] if c.match.exact.dimension == D)
        return next((c for c in others if c.process.name not in self.same), None)

    @property
    def margin(self) -> float:
        """How many times as far as the nearest the runner-up is; infinite where there is none."""
        other = self.runner_up
        return np.inf if other is None else float(other.distance / self.nearest.distance)

    @property
    def structured(self) -> bool:
        """Whether the nearest is nearer, by `HELD`, than a Gaussian would be, which has no structure."""
        return self.nearest.distance < HELD * self.nearest.gaussian

    @property
    def told(self) -> bool:
        """Whether the nearest may be called the process: the cloud has its structure, and no other candidate
        lies within `MARGIN` of it.
        """
        return self.structured and self.margin > MARGIN

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        rows = [
            {
                "process": named.process.name,
                "dimension": named.match.exact.dimension,
                "distance": named.distance if np.isfinite(named.distance) else None,
                "gaussian": named.gaussian,
            }
            for named in self.candidates
        ]
        return {
            "candidates": rows,
            "same": list(self.same),
            "symmetries": self.symmetries,
            "margin": self.margin if np.isfinite(self.margin) else None,
            "told": self.told,
        }


def identify(
    activations: Any,
    among: Sequence[processes.Process | str] = CANDIDATES,
    *,
    n_ctx: int,
    weight: Any = None,
) -> Identification:
    """On the beliefs of which of some processes activations (N, d) of a network at one site lie nearest, one
    row for each context, in any order, without inputs and labels; and whether that names the process.

    `n_ctx` is the number of tokens that it reads: contexts of 1 to so many should be among the rows, each
    length as often as any other. Rows are equally likely unless `weight` (N,) says otherwise. Beliefs are
    laid on as many of the largest principal axes as they have dimensions: where a network holds them in
    smaller ones, nothing right is found. Raises `toy.ModelError` for what are no activations or no
    candidates, `processes.ProcessError` for a candidate without beliefs to find.
    """
    among = fitted("among", tuple[processes.Process | str, ...], among)
    n_ctx = fitted("n_ctx", int, n_ctx)
    seen = cloud(activations, weight)
    found = {p.digest: p for p in (processes.named(a) if isinstance(a, str) else a for a in among)}
    if not found:
        raise processes.ProcessError("among is empty; name one process or more")
    return identified(seen, [belief_distribution(process, n_ctx) for process in found.values()])


def identified(cloud: Cloud, distributions: Sequence[BeliefDistribution]) -> Identification:
    """The same of a cloud, by distributions of beliefs of different processes."""
    named = [Named(match(cloud.first(exact.dimension), exact), gaussian(exact)) for exact in distributions]
    named.sort(key=lambda candidate: candidate.distance)
    nearest = named[0].match.exact
    same = tuple(exact.process.name for exact in like_candidates(nearest, distributions))
    return Identification(tuple(named), same, len(exchanges(nearest)))


def gaussian(exact: BeliefDistribution) -> float:
    """Distance of a Gaussian from a distribution, exactly: along every direction it is one and the same."""
    quantile = exact.fine.quantile
    normal = ndtri((np.arange(len(quantile)) + 0.5) / len(quantile))
    return float(np.sqrt(((quantile - normal[:, None]) ** 2).mean()))


def like_candidates(
    exact: BeliefDistribution, distributions: Sequence[BeliefDistribution]
) -> list[BeliefDistribution]:
    """Those whose beliefs are an affine image of this one's: no activations could tell them from it."""
    others = [other for other in distributions if other is not exact and other.dimension == exact.dimension]
    return [other for other in others if between(exact, other) < SAME]


def candidates_for(process: processes.Process, n_ctx: int) -> list[BeliefDistribution]:
    """Distributions of ten processes of one dimension, the given one first: those of `CANDIDATES` where
    beliefs lie in a plane, else random HMMs of its alphabet, number of states and entropy rate
    (`processes.decoy`).

    Raises `processes.ProcessError` where so many are not found.
    """
    distributions = [belief_distribution(process, n_ctx)]
    if distributions[0].dimension == 2:
        others = (processes.named(name) for name in CANDIDATES)
    else:
        others = (processes.decoy(process, seed=seed) for seed in range(DRAWN))
    for other in others:
        if other.digest == process.digest or len(distributions) == len(CANDIDATES):
            continue
        try:
            exact = belief_distribution(other, n_ctx)
        except processes.ProcessError:  # its belief never changes, or there are too many
            continue
        if exact.dimension == distributions[0].dimension:
            distributions.append(exact)
    if len(distributions) < len(CANDIDATES):
        raise processes.ProcessError(
            f"only {len(distributions) - 1} processes were found whose beliefs have as many dimensions as "
            f"those of {process.name}, {distributions[0].dimension}; choose another"
        )
    return distributions
