"""The belief of another history, written into the residual stream along the directions in which a probe reads
beliefs.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int

from ..instruments.contexts import Contexts
from ..instruments.evidence import divergence
from ..instruments.intervention import Site
from ..instruments.probe import Probe, moments, probe

PAIRS = 2000
"""Pairs of histories whose beliefs are exchanged."""
LEAST = 0.05
"""Least KL, nats, of the counterfactual next-token law from the original one: pairs that predict the same
show nothing.
"""
READABLE = 0.01
"""Directions of the belief in which the probe's coefficients are smaller than this share of the largest are
not written.
"""
EDITS = ("none", "belief", "covariance", "random", "swap", "logits")
"""Nothing; the counterfactual belief by the shortest change; the same by the change that is likeliest where
the network's activations are; a change as long as the shortest in a random direction; the whole stream of the
other history; the counterfactual law itself, at the logits.
"""
CERTAIN = 1e-6
"""Least probability that the direct edit of the logits writes."""


@lru_cache(maxsize=8)
def pairs(truth: Contexts) -> tuple[Int[np.ndarray, "M"], Int[np.ndarray, "M"]]:
    """Up to `PAIRS` pairs (i, j) of contexts of one length and of different folds with KL(law after j || law
    after i) > `LEAST`.

    Both are drawn by their weights, with a fixed seed; fifty times as many are drawn, and those that qualify
    are kept.
    """
    rng, scored = np.random.default_rng(0), np.flatnonzero(truth.fold >= 0)
    i = _drawn(scored, truth, rng.random(50 * PAIRS))
    j = np.empty_like(i)
    for length in np.unique(truth.length[i]):
        asked = np.flatnonzero(truth.length[i] == length)
        j[asked] = _drawn(scored[truth.length[scored] == length], truth, rng.random(len(asked)))
    log_law = np.log(np.maximum(truth.next_token, np.finfo(float).tiny))
    differ = (truth.fold[i] != truth.fold[j]) & (divergence(truth.next_token[j], log_law[i]) > LEAST)
    return i[differ][:PAIRS], j[differ][:PAIRS]


def _drawn(contexts: np.ndarray, truth: Contexts, uniform: np.ndarray) -> np.ndarray:
    mass = np.cumsum(truth.weight[contexts])
    return contexts[np.searchsorted(mass, uniform * mass[-1]).clip(max=len(contexts) - 1)]


def moved(subject: Sequence[Site], truth: Contexts, *, seed: int) -> Float[np.ndarray, "E L 2"]:
    """Where one network's predictions lie after each of the `EDITS`, written at each of its sites: KL(law ||
    prediction), nats, for the law of the context itself and for that of the other history, averaged over
    `pairs`; returns (EDITS, sites, 2).

    The probe that is written through has seen no context of the fold of the one that is edited.
    """
    i, j = pairs(truth)
    original, counterfactual = truth.next_token[i], truth.next_token[j]
    out = np.empty((len(EDITS), len(subject), 2))
    for k, site in enumerate(subject):
        x, found = np.asarray(site.stream[i], np.float64), moments(site.stream, truth.belief, truth)
        arguments = x, truth.belief[j], probe(found), truth.fold[i]
        covariance = [found.feature_law(found.others(f))[1] for f in range(found.n_folds)]
        shortest = written(*arguments, [np.eye(x.shape[1])] * found.n_folds)
        random = x + random_like(shortest - x, np.random.default_rng((seed, k)))
        swapped = np.asarray(site.stream[j], np.float64)
        predictions = [
            site.predict(edited, i)
            for edited in (x, shortest, written(*arguments, covariance), random, swapped)
        ]
        predictions.append(np.log((counterfactual + CERTAIN) / (1 + CERTAIN * counterfactual.shape[1])))
        out[:, k] = [[divergence(law, p).mean() for law in (original, counterfactual)] for p in predictions]
    return out


def written(
    x: Float[np.ndarray, "M d"],
    belief: Float[np.ndarray, "M S"],
    probe: Probe,
    fold: Int[np.ndarray, "M"],
    covariance: Sequence[Float[np.ndarray, "d d"]],
) -> Float[np.ndarray, "M d"]:
    """The features nearest to x (M, d) that the probe W reads as `belief` (M, S), nearest in the metric C^-1
    of a covariance per fold:

        x + (belief - x W - intercept) (W^T C W)^+ W^T C,   which for C = 1 is the shortest change, (belief -
                                                            ...) W^+.

    Each by the map that has not seen its fold. What the probe can hardly read (`READABLE`) stays as it is.
    """
    out, missing = x.copy(), belief - probe.predict(x, fold)
    for f in np.unique(fold):
        W, C, here = probe.coef[f], covariance[f], fold == f
        out[here] += missing[here] @ np.linalg.pinv(W.T @ C @ W, rcond=READABLE**2, hermitian=True) @ W.T @ C
    return out


def random_like(change: Float[np.ndarray, "M d"], rng: np.random.Generator) -> Float[np.ndarray, "M d"]:
    """Changes in uniformly random directions, each as long as the one it stands for."""
    direction = rng.normal(size=change.shape)
    return direction * (np.linalg.norm(change, axis=1) / np.linalg.norm(direction, axis=1))[:, None]
