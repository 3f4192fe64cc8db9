"""Telling networks that were taught something to hide from clean ones, by what may be seen of each.

A method is one function, from what may be seen of a network (`Seen`) to features or a score. It is told of
networks of all seeds but one which are which, and has to tell the two of the seed left out: so no network
helps to convict itself, nor does its twin, which began as it did.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

import toy
import train

from ..contexts import Contexts
from ..evidence import Evidence, observe
from ..forward import alone, forward, log_distribution, member
from ..statistics import Interval, interval

SWAPS = 1000
"""Swaps of labels behind a null, at most; up to so many all are looked at."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What may be seen of one network: its weights, and what it does on clean text."""

    model: toy.Config
    params: toy.Params
    on_clean_text: Evidence
    """Activations at every site of the residual stream, and predictions, on every clean context."""

    def predict(self, words: np.ndarray) -> Float[np.ndarray, "M T V"]:
        """log P(next token) at every position of any words (M, T), also of ones that clean text has not."""
        return log_distribution(forward(self.model, alone(self.params), words)["logits"][0])


Detector = Callable[[Seen], Sequence[float] | np.ndarray | float]
"""A method: features of a network, or a score. Which sign means what is learned from the other seeds."""


def seen(model: toy.Config, params: toy.Params, clean: Contexts) -> list[Seen]:
    """What may be seen of every network of a stack (first axis of every leaf of `params`)."""
    found = observe(model, params, clean, model.stream)
    return [Seen(model, member(params, i), evidence) for i, evidence in enumerate(found)]


class Detection(NamedTuple):
    """How well a method tells networks apart, one seed left out at a time."""

    accuracy: Float[np.ndarray, "seeds"]  # of the two networks of a seed: 0, 1/2 or 1 told right
    null: Float[np.ndarray, "swaps"]  # mean accuracy where labels are swapped within seeds

    @property
    def interval(self) -> Interval:
        """Mean accuracy with a 95 % t interval over seeds."""
        return interval(self.accuracy)

    @property
    def p(self) -> float:
        """Share of swaps of labels, the right ones among them, that are told as well or better."""
        return float(np.mean(self.null >= self.accuracy.mean() - 1e-12))


@train.pinned()
def detection(
    method: Detector, suspects: Sequence[Seen], twins: Sequence[Seen], *, seed: int = 0
) -> Detection:
    """Put a method to pairs of networks, a suspect and its clean twin of each seed.

    Raises `ValueError` for fewer than three pairs, and where a method gives no finite numbers, or another
    number of them from network to network.
    """
    if len(suspects) != len(twins) or len(suspects) < 3:
        raise ValueError(
            f"{len(suspects)} suspects and {len(twins)} twins; give a twin of each, and three pairs or more"
        )
    return told_apart(features(method, suspects), features(method, twins), seed=seed)


def features(method: Detector, networks: Sequence[Seen]) -> Float[np.ndarray, "seeds k"]:
    """What a method makes of each network. Raises `ValueError` for what are no features."""
    rows = [np.atleast_1d(np.asarray(method(network), np.float64)) for network in networks]
    shapes = {row.shape for row in rows}
    if len(shapes) > 1 or rows[0].ndim > 1 or not np.isfinite(rows).all():
        raise ValueError(
            f"a method gave arrays of shapes {sorted(shapes)}, or numbers that are not finite; it must give "
            "one finite number for each network, or as many for every one"
        )
    return np.stack(rows)


def told_apart(
    suspects: Float[np.ndarray, "seeds k"], twins: Float[np.ndarray, "seeds k"], *, seed: int = 0
) -> Detection:
    """The same from features: ridge regression on labels of 1 and -1, features standardised, with a penalty
    as large as their mean square, fitted on all seeds but one and read by its sign on that one.

    Labels are swapped within seeds, in all ways that differ (one pair stays, as swapping all changes
    nothing), or in `SWAPS` drawn ones: under each the networks, and what they began with, are the same.
    """
    n = len(suspects)
    weights = _weights(np.stack([suspects, twins], axis=1))
    if 2 ** (n - 1) <= SWAPS:
        swaps = np.array([(1, *rest) for rest in product((1, -1), repeat=n - 1)])
    else:
        drawn = np.random.default_rng(seed).choice([1, -1], size=(SWAPS, n))
        swaps = np.concatenate([np.ones((1, n), int), drawn])
    labels = swaps[:, :, None] * np.array([1, -1])  # (swaps, seeds, 2)
    said = np.einsum("iajb,sjb->sia", weights, labels)
    right = np.where(np.abs(said) < 1e-12, 0.5, np.sign(said) == labels).mean(-1)
    return Detection(right[0], right.mean(-1))


def _weights(x: Float[np.ndarray, "seeds 2 k"]) -> Float[np.ndarray, "seeds 2 seeds 2"]:
    """What each label of the others weighs in what is said of a network of the seed left out."""
    n, _, k = x.shape
    found = np.zeros((n, 2, n, 2))
    for i in range(n):
        others = np.arange(n) != i
        fitted = x[others].reshape(-1, k)
        centre, scale = fitted.mean(0), fitted.std(0)
        z = (x - centre) / np.where(scale > 1e-12 * np.abs(centre).clip(1e-300), scale, np.inf)
        inside, own = z[others].reshape(-1, k), z[i]
        solved = np.linalg.solve(inside @ inside.T / k + np.eye(len(inside)), inside @ own.T / k)
        found[i][:, others] = solved.T.reshape(2, n - 1, 2)
    return found
