"""How beliefs unfold in one network: what a probe finds of them at each layer and position, at several steps
of its training.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

import toy

from ..contexts import Contexts
from ..evidence import Evidence, observe
from ..forward import alone
from .probe import Probe, moments, probe


@dataclass(frozen=True, eq=False)
class Unfolding:
    """One network at K steps of its training, read at L layers, at T positions."""

    step: Int[np.ndarray, "K"]
    excess: Float[np.ndarray, "K T"]
    """KL to the exact predictor at each position, nats."""
    r2: Float[np.ndarray, "K L T"]
    """Held-out share of the variance of beliefs at a position that is explained; NaN where no context of that
    position is scored, or beliefs are the same in all of them.
    """
    r2_of_shown: Float[np.ndarray, "P"]
    """Held-out R2, over all positions, of the features that `points` are probed from: at every step, or none
    where nothing is probed.
    """
    rows: Int[np.ndarray, "n"]
    """The contexts of `points`."""
    points: Float[np.ndarray, "P n S"]
    """Beliefs as probed at each step, held out by history."""


def unfolding(
    config: toy.Config,
    params: Callable[[int], toy.Params],
    steps: Sequence[int],
    contexts: Contexts,
    shown: Sequence[str],
    rows: Int[np.ndarray, "n"],
) -> Unfolding:
    """Observe a network on all contexts at every step, and probe it there: each layer by itself, and the
    layers in `shown` side by side for the points of the contexts in `rows`.

    `params` gives the parameters of the one network after a step. Without `shown` nothing is probed.
    """
    layers = config.stream if shown else ()
    excess, r2, of_shown, points = [], [], [], []
    for step in steps:
        (seen,) = observe(config, alone(params(step)), contexts, layers)
        excess.append(seen.excess_by_position)
        r2.append([by_position(contexts, _probed(seen, contexts, (layer,))[1]) for layer in layers])
        if shown:
            found, probed = _probed(seen, contexts, shown)
            of_shown.append(found.r2)
            points.append(probed[rows])
    n_ctx, states = contexts.n_ctx, contexts.belief.shape[1]
    return Unfolding(
        np.array(steps),
        np.stack(excess),
        np.array(r2).reshape(len(steps), len(layers), n_ctx),
        np.array(of_shown),
        np.asarray(rows),
        np.array(points).reshape(len(points), len(rows), states),
    )


def _probed(seen: Evidence, contexts: Contexts, layers: Sequence[str]) -> tuple[Probe, np.ndarray]:
    """A probe of layers side by side, and the beliefs that it finds (N, S)."""
    features = np.concatenate([seen.activations[layer] for layer in layers], axis=1)
    found = probe(moments(features, contexts.belief, contexts))
    return found, found.predict(features, contexts.fold)


def by_position(contexts: Contexts, points: Float[np.ndarray, "N S"]) -> Float[np.ndarray, "T"]:
    """1 - sum w |y - y_hat|^2 / sum w |y - mean y|^2 over the scored contexts of each position, mean y being
    that of the position; NaN where there is none, or nothing varies.
    """
    scored = contexts.fold >= 0
    position, weight = contexts.position[scored], contexts.weight[scored]
    belief, probed = contexts.belief[scored], points[scored]

    def total(value: np.ndarray) -> np.ndarray:
        return np.bincount(position, weights=weight * value, minlength=contexts.n_ctx)

    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.stack([total(column) for column in belief.T], 1) / total(np.ones(len(weight)))[:, None]
        spread = total(((belief - mean[position]) ** 2).sum(1))
        explained = 1 - total(((belief - probed) ** 2).sum(1)) / spread
    return np.where(spread > 1e-12, explained, np.nan)
