"""Steering: a vector added to the stream moves what a network predicts to what it would predict if one
component of a mixture were likelier, which is known exactly.

The counterfactual of a shift s: on every context the log odds of the first component against all others are
higher by s, what is believed within components stays, and the next token follows from that
(`processes.Mixture.shifted`). One vector v stands for all shifts: it is added s times, so that -v steers to
the other side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize, minimize_scalar

import processes
import toy
import train

from ..contexts import Contexts
from ..decompositions.mixtures import POSSIBLE, the_mixture
from ..evidence import divergence, log_of
from ..forward import Added, alone, forward, log_distribution, member
from ..statistics import principal, systematic
from ..untrained import untrained
from .intervention import Site, subjects

SHIFT = 2.0
"""Nats by which log odds are shifted, to either side."""
SIGNS = (1.0, -1.0)
MOST = 1000
"""Contexts up to which all are looked at; of more, so many are drawn by their weights."""
STRENGTHS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Strengths that are tried at every site, in units of what would shift log odds that were linear in the
stream as much as is asked.
"""
STEPS = 30
"""Steps of L-BFGS that a learned vector may take."""
FARTHEST_SHIFT = 20.0
"""Nats within which the shift is looked for that an edit has made."""
QUIET = 1e-6
"""Variance, as a share of the largest, that every direction of a cloud is taken to have at least."""
RIM = 0.99
"""Share of a cloud within its rim."""
Slope = Callable[
    [Float[np.ndarray, "d"], Int[np.ndarray, "M"], Float[np.ndarray, "M V"], Float[np.ndarray, "M"]],
    tuple[float, Float[np.ndarray, "d"]],
]
"""(vector, contexts, exact distributions, weights) -> cross entropy of what is predicted once the vector is
added, and its gradient by the vector.
"""


class Steerable(NamedTuple):
    """A network at one place of its stream, and how its predictions change with what is added there."""

    site: Site
    slope: Slope
    everywhere: Callable[["Text", Float[np.ndarray, "d"]], Float[np.ndarray, "M V"]]
    """(text, vector) -> log P(next token) with the vector added at every position that was read, as is done
    with language models, and not at the last alone.
    """


def steerable(
    run: train.Run, contexts: Contexts, sites: Sequence[str], *, trained: bool = True
) -> list[list[Steerable]]:
    """The networks of a finished run, or as many untrained ones, each at the given sites of its stream."""
    config = run.recipe.model
    params = run.params() if trained else untrained(run.recipe)

    def made(at: Site, own: toy.Params) -> Steerable:
        return Steerable(at, slope(config, own, contexts, at.name), _everywhere(config, own, at.name))

    found = subjects(run, contexts, sites, trained=trained)
    return [[made(at, member(params, i)) for at in network] for i, network in enumerate(found)]


def slope(config: toy.Config, own: toy.Params, contexts: Contexts, site: str) -> Slope:
    """The slope of one network's cross entropy at a site, for `learned`."""
    program = _slope(config, site)

    def at(vector, rows, exact, weight):
        words, position = np.maximum(contexts.words[rows], 0), contexts.position[rows]
        given = (jnp.asarray(x, jnp.float32) for x in (exact, weight))
        loss, g = program(jnp.asarray(vector, jnp.float32), own, words, position, *given)
        return float(loss), np.asarray(g, np.float64)

    return at


def _everywhere(config: toy.Config, own: toy.Params, site: str) -> Callable[[Any, Any], Any]:
    def predict(text: Text, vector: np.ndarray) -> np.ndarray:
        t = text.contexts
        words, position = np.maximum(t.words[text.rows], 0), t.position[text.rows]
        edit = Added(site, np.asarray(vector, np.float32)[None], 0)
        return log_distribution(forward(config, alone(own), words, position=position, edit=edit)["logits"][0])

    return predict


@lru_cache(maxsize=32)
def _slope(config: toy.Config, site: str) -> Callable[..., Any]:
    network = toy.network(config)  # not by `forward`, which gives no gradients

    def loss(vector, own, words, position, exact, weight):
        at = (jnp.arange(len(words)), position)
        edit = {site: lambda stream: stream.at[at].add(vector)}
        logits = network.apply(own, words, edit=edit, sites=("logits",))["logits"][at]
        return -(weight * (exact * jax.nn.log_softmax(logits)).sum(-1)).sum()

    return train.jit(jax.value_and_grad(loss))


@dataclass(frozen=True, eq=False)
class Text:
    """Contexts on which steering is fitted, or judged."""

    contexts: Contexts
    rows: Int[np.ndarray, "M"]
    weight: Float[np.ndarray, "M"]  # sums to one

    def exact(self, shift: float) -> Float[np.ndarray, "M V"]:
        """The next-token distribution of the counterfactual."""
        t = self.contexts
        moved = the_mixture(t.process).shifted(t.belief[self.rows], 0, float(shift))
        return processes.predict(t.process, moved)

    def away(self, shift: float, log_prediction: Float[np.ndarray, "M V"]) -> float:
        """Mean KL(counterfactual || prediction), nats."""
        return float(self.weight @ divergence(self.exact(shift), log_prediction))

    def moved(self, log_prediction: Float[np.ndarray, "M V"]) -> float:
        """The shift under which text of these predictions is most probable: how far they have been moved."""
        q = np.exp(log_prediction)

        def cost(shift: float) -> float:
            return -float(self.weight @ (q * log_of(self.exact(shift))).sum(-1))

        bounds = (-FARTHEST_SHIFT, FARTHEST_SHIFT)
        start = bounds[0] + 0.5 * np.argmin([cost(s) for s in np.arange(*bounds, 0.5)])
        near = (max(start - 1, bounds[0]), min(start + 1, bounds[1]))
        return float(minimize_scalar(cost, bounds=near, method="bounded", options={"xatol": 1e-6}).x)

    def steered(self, site: Site, vector: Float[np.ndarray, "*M d"], shift: float = SHIFT) -> float:
        """The same, mean of both sides, once the vector is added, and for the other side taken away."""
        x = np.asarray(site.stream[self.rows], np.float64)
        return self.to_both_sides(lambda e: site.predict(x + e * vector, self.rows), shift)

    def to_both_sides(
        self, predict: Callable[[float], Float[np.ndarray, "M V"]], shift: float = SHIFT
    ) -> float:
        """Mean of `away` where the shift is to one side and to the other; `predict` is given the sign."""
        return float(np.mean([self.away(e * shift, predict(e)) for e in SIGNS]))


def halves(contexts: Contexts) -> tuple[Text, Text]:
    """Text to fit on and text to judge on: the held-out contexts of every other fold, and the rest."""
    return _text(contexts, 0), _text(contexts, 1)


def _text(contexts: Contexts, half: int) -> Text:
    rows = np.flatnonzero(contexts.half(half))
    weight = contexts.weight[rows] / contexts.weight[rows].sum()
    if len(rows) <= MOST:
        return Text(contexts, rows, weight)
    drawn = systematic(weight, MOST, np.random.default_rng(half).random())
    return Text(contexts, rows[drawn], np.full(MOST, 1 / MOST))


class Contrast(NamedTuple):
    """Two directions for one network at one site, in units of a nat of log odds."""

    means: Float[np.ndarray, "d"]
    """Mean over text of the first component minus that over text of the others, over the difference in mean
    log odds: contrastive activation addition (Rimsky et al. 2024).
    """
    covariance: Float[np.ndarray, "d"]
    """Cov(stream, log odds) / Var(log odds), where no component is excluded: by how much the stream moves
    with log odds.
    """


def contrast(stream: Float[np.ndarray, "N d"], text: Text) -> Contrast:
    """Both directions on the held-out contexts of the folds that a text is of."""
    t = text.contexts
    here = t.half(int(t.fold[text.rows[0]] % 2))
    x, w = np.asarray(stream[here], np.float64), t.weight[here]
    first = the_mixture(t.process).posterior(t.belief[here])[:, 0].clip(POSSIBLE, 1 - POSSIBLE)
    odds = np.log(first) - np.log1p(-first)
    of = [w * first / (w @ first), w * (1 - first) / (w @ (1 - first))]
    apart = (of[0] - of[1]) @ x
    both = w * ((first > POSSIBLE) & (first < 1 - POSSIBLE))
    both = both / both.sum()
    centred = odds - both @ odds
    return Contrast(apart / ((of[0] - of[1]) @ odds), (both * centred) @ x / (both @ centred**2))


def strength(site: Site, text: Text, direction: Float[np.ndarray, "d"], shift: float = SHIFT) -> float:
    """How often a direction is best added, near the best of `STRENGTHS` times the shift."""
    tried = [text.steered(site, s * shift * direction, shift) for s in STRENGTHS]
    k = int(np.argmin(tried))
    edges = (0.0, *STRENGTHS, 2 * STRENGTHS[-1])
    found = minimize_scalar(
        lambda s: text.steered(site, s * shift * direction, shift),
        bounds=(edges[k], edges[k + 2]),
        method="bounded",
        options={"maxiter": 12, "xatol": 1e-2},
    )
    return shift * float(found.x if found.fun < tried[k] else STRENGTHS[k])


def learned(
    at: Steerable, text: Text, start: Float[np.ndarray, "d"], shift: float = SHIFT
) -> Float[np.ndarray, "d"]:
    """The vector as long as `start` that comes nearest to the counterfactuals of both sides, by its slope."""
    norm = np.linalg.norm(start)
    targets = [text.exact(e * shift) for e in SIGNS]

    def cost(u: np.ndarray) -> tuple[float, np.ndarray]:
        size = np.linalg.norm(u)
        axis = u / size
        each = [
            at.slope(e * norm * axis, text.rows, p, text.weight) for e, p in zip(SIGNS, targets, strict=True)
        ]
        g = np.mean([e * of for e, (_, of) in zip(SIGNS, each, strict=True)], axis=0)
        return float(np.mean([of for of, _ in each])), norm / size * (g - axis * (axis @ g))

    found = minimize(cost, start / norm, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    return norm * found / np.linalg.norm(found)


@dataclass(frozen=True, eq=False)
class Cloud:
    """Where a network's stream lies on text: to tell what has left it."""

    mean: Float[np.ndarray, "d"]
    into: Float[np.ndarray, "d d"]  # to coordinates in which the cloud is round
    rim: float  # Mahalanobis distance within which `RIM` of the text lies

    def outside(self, x: Float[np.ndarray, "M d"], weight: Float[np.ndarray, "M"]) -> float:
        """The share of points beyond the rim."""
        return float(weight @ (np.linalg.norm((x - self.mean) @ self.into, axis=1) > self.rim))


def cloud(x: Float[np.ndarray, "M d"], weight: Float[np.ndarray, "M"]) -> Cloud:
    """The cloud of points (M, d), `QUIET` directions at least so wide."""
    x = np.asarray(x, np.float64)
    mean, values, basis = principal(x, weight)
    into = basis / np.sqrt(values.clip(0) + QUIET * max(values.max(), np.finfo(float).tiny))
    distance = np.linalg.norm((x - mean) @ into, axis=1)
    order = np.argsort(distance, kind="stable")
    within = np.searchsorted(np.cumsum(weight[order]), RIM).clip(max=len(x) - 1)
    return Cloud(mean, into, float(distance[order][within]))
