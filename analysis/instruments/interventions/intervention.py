"""Interventions: what a network predicts after a context when its residual stream at that context's last
token is another.

The estimand, at every site: the stream at the last position alone is replaced, and only the prediction made
there is read. Earlier positions run unedited, so their keys, values and states are those of the real context.
After the last block nothing of the past is read any more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int

import toy
import train

from ..contexts import Contexts
from ..evidence import observe
from ..forward import Replaced, alone, forward, log_distribution, member
from ..probing.probe import Probe
from ..untrained import untrained

READABLE = 0.01
"""Directions of the belief in which the probe's coefficients are smaller than this share of the largest are
not written.
"""


@dataclass(frozen=True, eq=False)
class Site:
    """One network at one place of its residual stream: what stands there in every context, and what would
    follow from something else.
    """

    name: str
    stream: Float[np.ndarray, "N d"]  # of every context, as the network computes it: float32
    predict: Callable[[Float[np.ndarray, "M d"], Int[np.ndarray, "M"]], Float64[np.ndarray, "M V"]]
    """(x, indices of contexts) -> log P(next token): the stream is x after the last token of these contexts.
    """


def subjects(
    run: train.Run, contexts: Contexts, sites: Sequence[str], *, trained: bool = True
) -> list[list[Site]]:
    """The networks of a finished run, or as many untrained ones, each at the given sites of its residual
    stream.

    Raises `toy.ModelError` for a site that is not on the residual stream.
    """
    config = run.recipe.model
    for site in sites:
        if site not in config.stream:
            raise toy.ModelError(
                f"{site!r} is not on the residual stream, so nothing can be written there; choose one of "
                f"{', '.join(config.stream)}"
            )
    params = run.params() if trained else untrained(run.recipe)
    return [
        [
            Site(site, seen.activations[site], _predict(config, alone(member(params, i)), contexts, site))
            for site in sites
        ]
        for i, seen in enumerate(observe(config, params, contexts, sites))
    ]


def _predict(
    config: toy.Config, params: toy.Params, contexts: Contexts, site: str
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """What one network (a stack of one) predicts from what is written at a site."""

    def predict(x: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        # What pads a short word comes after the position that is read, so nothing sees it there.
        words, position = np.maximum(contexts.words[chosen], 0), contexts.position[chosen]
        if site == config.stream[-1]:  # the past is not read after the last block, so one position is enough
            words, position = words[:, :1], np.zeros_like(position)
        edit = Replaced(site, np.asarray(x, np.float32))
        return log_distribution(forward(config, params, words, position=position, edit=edit)["logits"][0])

    return predict


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
    return as_long(rng.normal(size=change.shape), change)


def as_long(direction: Float[np.ndarray, "M d"], like: Float[np.ndarray, "M d"]) -> Float[np.ndarray, "M d"]:
    """Vectors in these directions, each of the length of another."""
    return direction * (np.linalg.norm(like, axis=1) / np.linalg.norm(direction, axis=1))[:, None]
