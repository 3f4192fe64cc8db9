"""Clouds of activations laid on exact distributions of beliefs without labels, and scored with them
afterwards: what MI15 measures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from processes.algebra.span import random_frame

from ..instruments.blind import BeliefDistribution, Cloud, Match, cloud, explained, match, symmetric_beliefs
from ..instruments.blind.naming import gaussian, like_candidates
from ..instruments.contexts import Contexts
from ..instruments.evidence import Evidence, unlearned
from ..instruments.probing.baselines import BASELINES, baseline
from ..instruments.probing.partial import beside, partial_r2
from ..instruments.probing.probe import moments, probe

OFF = 0.1
"""Noise of clouds that are known to hold beliefs, in standard deviations of beliefs along each direction."""
SOUGHT = 6
"""Axes in which the plane is sought, where it need not be that of the largest."""
SHOWN = 4000
"""Contexts that are kept for the figure."""
LEAST = 1e-3
"""Of a probe's R2: shares of nothing are not taken."""
EXPLAINS = ("token_window", "next_token", "markov_3")
"""What else might be matched to beliefs, by its name in `BASELINES`."""


class Laid(NamedTuple):
    """One cloud on the distribution of beliefs."""

    distance: float
    r2: float  # up to the symmetries of the distribution


@dataclass(frozen=True, eq=False)
class WithoutInputs:
    """Clouds of activations of the last stream laid on distributions of beliefs without labels; scored with
    them afterwards.
    """

    candidates: tuple[str, ...]  # the process itself first
    same: tuple[bool, ...]  # whose beliefs are an affine image of the process's
    symmetries: int
    gaussian: float  # distance of a Gaussian cloud from the beliefs of the process
    distance: Float[np.ndarray, "C seeds"]  # from the beliefs of each candidate
    r2: Float[np.ndarray, "seeds"]  # of the blind match, up to symmetries
    supervised: Float[np.ndarray, "seeds"]  # of a probe with labels, whole stream, held out
    in_plane: Float[np.ndarray, "seeds"]  # the same from the plane that was matched
    sought_distance: Float[np.ndarray, "seeds"]  # the plane sought among `SOUGHT` axes
    sought_r2: Float[np.ndarray, "seeds"]
    untrained_distance: Float[np.ndarray, "seeds"]
    untrained_r2: Float[np.ndarray, "seeds"]
    shuffled_distance: Float[np.ndarray, "seeds"]  # every coordinate permuted by itself
    known_distance: Float[np.ndarray, "seeds"]  # random images of beliefs in noise
    known_r2: Float[np.ndarray, "seeds"]
    known_supervised: Float[np.ndarray, "seeds"]
    partial: Mapping[str, Float[np.ndarray, "seeds"]]  # of the mapped points, given each rival
    rivals: Mapping[str, float]  # R2 of each rival
    unlearned: Float[np.ndarray, "seeds"]
    exact: Float[np.ndarray, "N S"]  # beliefs, exchanged as the match of the median network has them
    mapped: Float[np.ndarray, "N S"]  # its activations on the same contexts, as the match lays them
    weight: Float[np.ndarray, "N"]

    def share(self) -> Float[np.ndarray, "seeds"]:
        """R2 of the blind match over that of a probe with labels; 0 where that reads nothing."""
        return np.where(self.supervised > LEAST, self.r2 / np.maximum(self.supervised, LEAST), 0.0)

    def margin(self) -> Float[np.ndarray, "seeds"]:
        """Logarithm of the distance from the nearest wrong candidate over that from the right one: positive
        where the process is named.
        """
        wrong = self.distance[~np.array(self.same)].min(0)
        return np.asarray(np.log(wrong / self.distance[0]))

    def gained(self) -> Float[np.ndarray, "seeds"]:
        """R2 of the blind match minus that of the best untrained network."""
        return self.r2 - self.untrained_r2.max()

    def known_share(self) -> Float[np.ndarray, "seeds"]:
        """The share where beliefs are known to lie in the plane."""
        return self.known_r2 / self.known_supervised

    def beyond_gaussian(self) -> Float[np.ndarray, "seeds"]:
        """Logarithm of a Gaussian's distance over that of a cloud known to hold beliefs."""
        return np.log(self.gaussian / self.known_distance)

    def beyond_shuffled(self) -> Float[np.ndarray, "seeds"]:
        """The same of the network's own activations, every coordinate permuted by itself."""
        return np.log(self.shuffled_distance / self.known_distance)


def r2_of(points: np.ndarray, belief: np.ndarray, t: Contexts) -> float:
    """R2 of points as beliefs over the contexts that probes are scored on."""
    here = t.fold >= 0
    return explained(points[here], belief[here], t.weight[here])


def laid(found: Match, alike: Sequence[np.ndarray], t: Contexts) -> Laid:
    """Score a match by labels: the best of the symmetries of its distribution."""
    return Laid(found.distance, max(r2_of(found.belief, belief, t) for belief in alike))


def of_activations(
    t: Contexts,
    distributions: Sequence[BeliefDistribution],
    trained: Sequence[Evidence],
    fresh: Sequence[Evidence],
    seeds: np.ndarray,
    site: str,
) -> WithoutInputs:
    """The same of networks that were observed, by candidates of which the first is right."""
    alike, D, right = symmetric_beliefs(distributions[0], t), distributions[0].dimension, distributions[0]
    rows, matches = [], []
    for network, other, seed in zip(trained, fresh, seeds, strict=True):
        rng, x = np.random.default_rng(int(seed)), network.activations[site]
        whole = cloud(x, t.weight)
        each = [match(whole.first(D), exact) for exact in distributions]
        known = cloud(_known(t, right, x.shape[1], rng), t.weight)
        sought, found = match(whole.first(max(SOUGHT, D)), right), match(known.first(D), right)
        plain = match(cloud(other.activations[site], t.weight).first(D), right)
        matches.append(each[0])
        rows.append(
            {
                "distance": [m.distance for m in each],
                "r2": laid(each[0], alike, t).r2,
                "supervised": probe(moments(x, t.belief, t)).r2,
                "in_plane": _probed(whole.first(D), t),
                "sought_distance": sought.distance,
                "sought_r2": laid(sought, alike, t).r2,
                "untrained_distance": plain.distance,
                "untrained_r2": laid(plain, alike, t).r2,
                "shuffled_distance": match(cloud(_shuffled(x, rng), t.weight).first(D), right).distance,
                "known_distance": found.distance,
                "known_r2": laid(found, alike, t).r2,
                "known_supervised": _probed(known.first(D), t),
            }
        )
    values = {name: np.array([row[name] for row in rows]).T for name in rows[0]}
    rivals, partials = _beyond(matches, t)
    like = like_candidates(right, distributions)
    return WithoutInputs(
        candidates=tuple(exact.process.name for exact in distributions),
        same=tuple(exact is right or exact in like for exact in distributions),
        symmetries=len(alike),
        gaussian=gaussian(right),
        **values,
        partial=partials,
        rivals=rivals,
        unlearned=unlearned(trained),
        **_shown(matches, values["r2"], alike, t),
    )


def _probed(plane: Cloud, t: Contexts) -> float:
    return probe(moments(plane.whitened, t.belief, t)).r2


def _known(t: Contexts, exact: BeliefDistribution, width: int, rng: np.random.Generator) -> np.ndarray:
    """A random affine image of beliefs in `width` dimensions, that spreads alike along each direction, in
    noise.
    """
    image = random_frame(width, exact.dimension, rng)
    held = (t.belief - exact.mean) @ np.linalg.pinv(exact.back) @ image.T
    return held + OFF * rng.normal(size=held.shape)


def _shuffled(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.stack([column[rng.permutation(len(column))] for column in x.T], axis=1)


def _beyond(matches: Sequence[Match], t: Contexts) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Held-out R2 of each rival, and partial R2 of each network's mapped points given it."""
    known = {name: baseline(t, name).r2 for name in EXPLAINS}
    partials = {}
    for name, r2 in known.items():
        extra = BASELINES[name](t)
        both = [probe(moments(beside(m.belief, extra, t), t.belief, t)).r2 for m in matches]
        partials[name] = partial_r2(np.array(both), r2)
    return known, partials


def _shown(
    matches: Sequence[Match], r2: np.ndarray, alike: Sequence[np.ndarray], t: Contexts
) -> dict[str, np.ndarray]:
    """The match of the median network, on some of the contexts."""
    mapped = matches[int(np.argsort(r2, kind="stable")[len(r2) // 2])].belief
    exact = max(alike, key=lambda belief: r2_of(mapped, belief, t))
    some = np.sort(np.random.default_rng(0).permutation(len(mapped))[:SHOWN])
    return {"exact": exact[some], "mapped": mapped[some], "weight": t.weight[some]}
