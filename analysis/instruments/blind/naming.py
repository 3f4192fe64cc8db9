"""Which process a network was trained on, told from its activations alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

import processes
from toy.checks import fitted

from .law import BeliefLaw, belief_law, exchanges
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
DRAWN = 50
"""Random processes that are tried, where beliefs lie in no plane."""
SAME = 1e-3
"""Laws of beliefs nearer than this are one up to affine maps: what is left is where the search settles."""


@dataclass(frozen=True, eq=False)
class Named:
    """A candidate, and how near a cloud comes to its beliefs."""

    match: Match
    gaussian: float  # distance of a Gaussian cloud, of whatever covariance, from the same beliefs

    @property
    def process(self) -> processes.Process:
        """The candidate."""
        return self.match.law.process

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
    """Exchanges of the states of the nearest that leave its law of beliefs the same, the identity among them.
    """

    @property
    def nearest(self) -> Named:
        """The first."""
        return self.candidates[0]

    @property
    def told(self) -> bool:
        """Whether the nearest is nearer than a Gaussian cloud would be, which has no structure."""
        return self.nearest.distance < self.nearest.gaussian

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        rows = [
            {
                "process": named.process.name,
                "dimension": named.match.law.dimension,
                "distance": named.distance if np.isfinite(named.distance) else None,
                "gaussian": named.gaussian,
            }
            for named in self.candidates
        ]
        return {"candidates": rows, "same": list(self.same), "symmetries": self.symmetries, "told": self.told}


def identify(
    activations: Any,
    among: Sequence[processes.Process | str] = CANDIDATES,
    *,
    n_ctx: int,
    weight: Any = None,
) -> Identification:
    """Which of some processes a network was trained on, by its activations (N, d) at one site, one row for
    each context, in any order, without inputs and labels.

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
    return identified(seen, [belief_law(process, n_ctx) for process in found.values()])


def identified(cloud: Cloud, laws: Sequence[BeliefLaw]) -> Identification:
    """The same of a cloud, by laws of beliefs of different processes."""
    named = [Named(match(cloud.first(law.dimension), law), gaussian(law)) for law in laws]
    named.sort(key=lambda candidate: candidate.distance)
    nearest = named[0].match.law
    same = tuple(law.process.name for law in like_candidates(nearest, laws))
    return Identification(tuple(named), same, len(exchanges(nearest)))


def gaussian(law: BeliefLaw) -> float:
    """Distance of a Gaussian from a law, exactly: along every direction it is one and the same."""
    quantile = law.fine.quantile
    normal = ndtri((np.arange(len(quantile)) + 0.5) / len(quantile))
    return float(np.sqrt(((quantile - normal[:, None]) ** 2).mean()))


def like_candidates(law: BeliefLaw, laws: Sequence[BeliefLaw]) -> list[BeliefLaw]:
    """Those whose beliefs are an affine image of this law's: no activations could tell them from it."""
    others = [other for other in laws if other is not law and other.dimension == law.dimension]
    return [other for other in others if between(law, other) < SAME]


def candidates_for(process: processes.Process, n_ctx: int) -> list[BeliefLaw]:
    """Laws of ten processes of one dimension, the given one first: those of `CANDIDATES` where beliefs lie in
    a plane, else random HMMs of its alphabet, number of states and entropy rate (`processes.decoy`).

    Raises `processes.ProcessError` where so many are not found.
    """
    laws = [belief_law(process, n_ctx)]
    if laws[0].dimension == 2:
        others = (processes.named(name) for name in CANDIDATES)
    else:
        others = (processes.decoy(process, seed=seed) for seed in range(DRAWN))
    for other in others:
        if other.digest == process.digest or len(laws) == len(CANDIDATES):
            continue
        try:
            law = belief_law(other, n_ctx)
        except processes.ProcessError:  # its belief never changes, or there are too many
            continue
        if law.dimension == laws[0].dimension:
            laws.append(law)
    if len(laws) < len(CANDIDATES):
        raise processes.ProcessError(
            f"only {len(laws) - 1} processes were found whose beliefs have as many dimensions as those of "
            f"{process.name}, {laws[0].dimension}; choose another"
        )
    return laws
