"""What is measured of steering towards one component of a mixture: how far each way of doing it moves the
predictions of a network to the exact counterfactual.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import KDTree

from ..instruments.behaviour.recalibration import recalibrated
from ..instruments.contexts import Contexts
from ..instruments.decompositions.mixtures import the_mixture
from ..instruments.evidence import TINY
from ..instruments.interventions.intervention import Site, random_like, written
from ..instruments.interventions.steering import (
    SHIFT,
    Steerable,
    Text,
    cloud,
    contrast,
    halves,
    learned,
    strength,
)
from ..instruments.probing.probe import moments, probe

RANDOM = 8
"""Random directions, over which shares are averaged."""
SHIFTS = np.array([-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0])
"""Nats of log odds for which the vector is added in proportion."""
LEFT_THE_CLOUD = 0.5
"""Share of steered activations beyond the rim of the cloud at which it counts as left."""
Kind = Literal["none", "contrastive", "covariance", "learned", "random", "written", "logits", "swap"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""Nothing; the difference of means; the direction along which the stream varies with log odds, the learned
vector and random ones, all as long as that; the counterfactual belief, written for every context by the
change that is likeliest where activations are (as BG13 does); the best affine map of the logits; the whole
stream of that context of the same length whose exact next-token distribution is nearest to the
counterfactual.
"""


@dataclass(frozen=True, eq=False)
class Steered:
    """Mean KL(counterfactual || prediction), nats, of both sides, on text on which nothing was fitted."""

    sampled: int | None  # sequences drawn, where contexts are too many to enumerate
    sites: tuple[str, ...]
    chosen: Int[np.ndarray, "seeds"]  # the site at which means do best on the text that was fitted on
    left: Mapping[Kind, Float[np.ndarray, "seeds"]]  # at the chosen site
    length: Float[np.ndarray, "seeds"]  # of the vector, over the root of the variance of the stream
    by_site: Float[np.ndarray, "seeds L"]  # share of means at each site
    everywhere: Float[np.ndarray, "seeds"]  # share of means where they are added at every position
    away: Float[np.ndarray, "seeds D"]  # as `left`, for each of `SHIFTS`, one side alone
    unsteered: Float[np.ndarray, "seeds D"]
    moved: Float[np.ndarray, "seeds D"]  # nats of log odds by which predictions have been moved
    outside: Float[np.ndarray, "seeds D"]  # share of steered activations beyond the rim of the cloud
    moved_random: Float[np.ndarray, "seeds D"]  # as `moved`, by random vectors as long: means over these
    outside_random: Float[np.ndarray, "seeds D"]
    untrained: Float[np.ndarray, "seeds"]  # share of means in untrained networks, where they do best
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    def share(self, kind: Kind = "contrastive") -> Float[np.ndarray, "seeds"]:
        """Share of the way to the counterfactual: 1 where it is reached, 0 as without any change."""
        return 1 - self.left[kind] / np.maximum(self.left["none"], TINY)

    def beyond_random(self) -> Float[np.ndarray, "seeds"]:
        """Share of means minus that of random directions."""
        return self.share() - self.share("random")

    def beyond_logits(self) -> Float[np.ndarray, "seeds"]:
        """Share of means minus that of the best affine map of the logits."""
        return self.share() - self.share("logits")

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """Share of means minus that in every untrained network."""
        return self.share() - self.untrained.max()

    def rises(self) -> Float[np.ndarray, "seeds"]:
        """By how much predictions are moved for each nat that is asked for, from one of `SHIFTS` to the next:
        the least, as far as the cloud is not left, and from -1 to 1 in any case.
        """
        steps = np.diff(self.moved, axis=1) / np.diff(SHIFTS)
        inside = (self.outside <= LEFT_THE_CLOUD) | (np.abs(SHIFTS) <= 1)
        centre = int(np.argmin(np.abs(SHIFTS)))
        there = np.concatenate(
            [
                np.logical_and.accumulate(inside[:, :centre][:, ::-1], axis=1)[:, ::-1],
                np.logical_and.accumulate(inside[:, centre + 1 :], axis=1),
            ],
            axis=1,
        )
        return np.asarray(np.where(there, steps, np.inf).min(1))


@dataclass(frozen=True, eq=False)
class Swept:
    """One network, at the site where means do best on the text that is fitted on."""

    at: Steerable
    chosen: int
    vector: Float[np.ndarray, "d"]  # for `SHIFT`
    shares: Float[np.ndarray, "L"]  # on the text that judges


def swept(network: Sequence[Steerable], fit: Text, judge: Text) -> Swept:
    """Means as long as does best at every site; a network is given at all of them."""
    vectors = []
    for at in network:
        means = contrast(at.site.stream, fit).means
        vectors.append(strength(at.site, fit, means) * means)
    on_fit, shares = (
        np.array([_share(at.site, text, v) for at, v in zip(network, vectors, strict=True)])
        for text in (fit, judge)
    )
    k = int(np.argmax(on_fit))
    return Swept(network[k], k, vectors[k], shares)


def _share(site: Site, text: Text, vector: np.ndarray) -> float:
    return 1 - text.steered(site, vector) / text.steered(site, np.zeros_like(vector))


def measured(network: Sequence[Steerable], truth: Contexts, *, seed: int) -> dict[str, Any]:
    """All fields of `Steered` that are one network's own, given at every site of its stream."""
    fit, judge = halves(truth)
    found = swept(network, fit, judge)
    site, v = found.at.site, found.vector
    x = np.asarray(site.stream[judge.rows], np.float64)
    along = contrast(site.stream, fit).covariance
    along = along * np.linalg.norm(v) / np.linalg.norm(along)
    predictions = [site.predict(x + s / SHIFT * v, judge.rows) for s in SHIFTS]
    others = _random(site, fit, v, np.random.default_rng(seed))
    inside = cloud(x, judge.weight)

    def outside(u: np.ndarray) -> list[float]:
        return [inside.outside(x + s / SHIFT * u, judge.weight) for s in SHIFTS]

    def moved(u: np.ndarray) -> list[float]:
        return [judge.moved(site.predict(x + s / SHIFT * u, judge.rows)) for s in SHIFTS]

    plain = site.predict(x, judge.rows)
    return {
        "chosen": found.chosen,
        "left": {
            "none": judge.steered(site, 0 * v),
            "contrastive": judge.steered(site, v),
            "covariance": judge.steered(site, along),
            "learned": judge.steered(site, learned(found.at, fit, v)),
            "random": float(np.mean([judge.steered(site, u) for u in others])),
            "written": _written(site, judge),
            "logits": _mapped(site, fit, judge),
            "swap": _swapped(site, judge),
        },
        "length": np.linalg.norm(v) / np.sqrt(judge.weight @ ((x - judge.weight @ x) ** 2).sum(1)),
        "by_site": found.shares,
        "away": [judge.away(s, p) for s, p in zip(SHIFTS, predictions, strict=True)],
        "unsteered": [judge.away(s, plain) for s in SHIFTS],
        "moved": [judge.moved(p) for p in predictions],
        "outside": outside(v),
        "moved_random": np.mean([moved(u) for u in others], axis=0),
        "outside_random": np.mean([outside(u) for u in others], axis=0),
        "everywhere": 1
        - judge.to_both_sides(lambda e: found.at.everywhere(judge, e * v)) / judge.steered(site, 0 * v),
    }


def _random(site: Site, fit: Text, v: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Random vectors as long as v, each with the sign that does better where it is fitted."""
    drawn = random_like(np.broadcast_to(v, (RANDOM, len(v))), rng)
    return [u if fit.steered(site, u) <= fit.steered(site, -u) else -u for u in drawn]


def _written(site: Site, judge: Text) -> float:
    """Where the counterfactual belief of every context is written along the activations' covariance."""
    t, rows = judge.contexts, judge.rows
    every = moments(site.stream, t.belief, t)
    covariance = [every.feature_moments(every.others(f))[1] for f in range(every.n_folds)]
    x, reader, mixture = np.asarray(site.stream[rows], np.float64), probe(every), the_mixture(t.process)

    def predict(sign: float) -> np.ndarray:
        belief = mixture.shifted(t.belief[rows], 0, sign * SHIFT)
        return site.predict(written(x, belief, reader, t.fold[rows], covariance), rows)

    return judge.to_both_sides(predict)


def _swapped(site: Site, judge: Text) -> float:
    """Where the whole stream is that of the context of that length whose exact next-token distribution is
    nearest (Hellinger).
    """
    t, rows = judge.contexts, judge.rows

    def predict(sign: float) -> np.ndarray:
        wanted, other = np.sqrt(judge.exact(sign * SHIFT).clip(0)), np.empty_like(rows)
        for length in np.unique(t.length[rows]):
            here, there = t.length[rows] == length, np.flatnonzero(t.length == length)
            # Of distributions that are equal but for rounding the processor is not to choose.
            tree = KDTree(np.round(np.sqrt(t.next_token[there].clip(0)), 9))
            other[here] = there[tree.query(np.round(wanted[here], 9))[1]]
        return site.predict(np.asarray(site.stream[other], np.float64), rows)

    return judge.to_both_sides(predict)


def _mapped(site: Site, fit: Text, judge: Text) -> float:
    """Where logits pass the affine map that is best on the text that is fitted on, one for each side."""
    rows, n = np.concatenate([fit.rows, judge.rows]), len(fit.rows)
    plain = site.predict(np.asarray(site.stream[rows], np.float64), rows)
    weight = np.concatenate([fit.weight, np.zeros(len(judge.rows))])

    def predict(sign: float) -> np.ndarray:
        exact = np.concatenate([fit.exact(sign * SHIFT), judge.exact(sign * SHIFT)])
        return recalibrated(plain, exact, weight)[n:]

    return judge.to_both_sides(predict)


def steered(
    rows: Sequence[Mapping[str, Any]],
    truth: Contexts,
    sites: tuple[str, ...],
    untrained: Float[np.ndarray, "seeds"],
    unlearned: Float[np.ndarray, "seeds"],
) -> Steered:
    """What was `measured` of every network, as one record."""
    of = {name: np.array([row[name] for row in rows]) for name in rows[0] if name != "left"}
    left = {kind: np.array([row["left"][kind] for row in rows]) for kind in KINDS}
    return Steered(
        sampled=truth.sampled, sites=sites, left=left, untrained=untrained, unlearned=unlearned, **of
    )
