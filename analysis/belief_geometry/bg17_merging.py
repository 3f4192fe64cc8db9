"""BG17: what is redundant is first told apart, then merged: histories of equal belief along the depth of a
network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

import processes
from processes.structure.belief_distribution import alike
from processes.values.notes import noted

from ..claim import Claim, Criterion
from ..controls import learned
from ..instruments.contexts import Contexts, contexts
from ..instruments.evidence import Evidence
from ..instruments.probing.study import Study
from ..recipes import one_run

EQUAL = 1e-9
"""Beliefs that are closer than this in every coordinate are equal."""
SHUFFLES = 20
"""Permutations of the belief classes behind the null."""
LEAST_REDUNDANT = 1e-3
"""Least probability that two sequences of one length differ and have equal beliefs."""


@noted(8)
def belief_classes(truth: Contexts) -> Int[np.ndarray, "N"]:
    """A number for each context, shared by the contexts of its length with equal belief."""
    return alike(np.column_stack([truth.length, truth.belief]), EQUAL)


def shuffled_classes(truth: Contexts, rng: np.random.Generator) -> Int[np.ndarray, "N"]:
    """The belief classes, permuted among the contexts of each length."""
    label = belief_classes(truth).copy()
    for length in np.unique(truth.length):
        level = np.flatnonzero(truth.length == length)
        label[level] = label[rng.permutation(level)]
    return label


def redundant(truth: Contexts) -> float:
    """P(two sequences have equal beliefs and differ), both drawn at one position by their probabilities; mean
    over positions.
    """
    return float(_pairs(truth, belief_classes(truth)) / truth.n_ctx)


def separation(x: Float[np.ndarray, "N d"], label: Int[np.ndarray, "N"], truth: Contexts) -> float:
    """Root mean square distance of histories of equal label over that of histories of different ones.

    Over all pairs of different contexts of one length, weighted by the product of their probabilities,
    lengths pooled:

        D_equal^2 = sum_{i != j, label_i = label_j} p_i p_j |x_i - x_j|^2 / sum_{i != j, label_i = label_j}
            p_i p_j,   D_other likewise.

    0: histories that mean the same are one point. 1: they lie as far apart as any. NaN where there are no
    pairs of a kind.
    """
    equal, every = (_pairs(truth, group) for group in (label, truth.length))
    if not equal or every - equal < 1e-12:
        return float("nan")
    within, total = (_squares(x, truth, group) for group in (label, truth.length))
    return float(np.sqrt(max(within, 0.0) / equal / ((total - within) / (every - equal))))


def _squares(x: np.ndarray, truth: Contexts, group: np.ndarray) -> float:
    """sum_{i, j in one group} p_i p_j |x_i - x_j|^2 by the moments of each group: 2 (sum p)(sum p |x|^2) - 2
    |sum p x|^2.
    """
    p, index = truth.weight * truth.n_ctx, np.unique(group, return_inverse=True)[1].reshape(-1)
    x = np.asarray(x, np.float64)
    x = x - np.average(x, axis=0, weights=p)
    first = np.stack([np.bincount(index, p * column) for column in x.T])
    return float(2 * (np.bincount(index, p) @ np.bincount(index, p * (x * x).sum(1)) - (first**2).sum()))


def _pairs(truth: Contexts, group: np.ndarray) -> float:
    """sum_{i != j in one group} p_i p_j."""
    p, index = truth.weight * truth.n_ctx, np.unique(group, return_inverse=True)[1].reshape(-1)
    several = np.bincount(index) > 1  # a group of one has no pairs, whatever the rounding
    return float((np.bincount(index, p) ** 2 - np.bincount(index, p * p))[several].sum())


@dataclass(frozen=True, eq=False)
class Separations:
    """Distance within equal belief over distance between beliefs, of every network after every layer."""

    layers: tuple[str, ...]
    trained: Float[np.ndarray, "seeds layers"]
    untrained: Float[np.ndarray, "seeds layers"]


def separations(study: Study) -> Separations:
    """How far apart every network keeps histories that mean the same."""
    return Separations(study.layers, _ratios(study, trained=True), _ratios(study, trained=False))


def _ratios(study: Study, *, trained: bool) -> Float[np.ndarray, "seeds layers"]:
    def compute() -> np.ndarray:
        label = belief_classes(study.contexts)
        networks = study.trained if trained else study.untrained
        return np.array([_ratio(study, network, label) for network in networks])

    return study.once(("separations", trained), compute)


def _ratio(study: Study, network: Evidence, label: np.ndarray) -> list[float]:
    return [separation(network.activations[layer], label, study.contexts) for layer in study.layers]


def _rise(ratio: Float[np.ndarray, "n layers"]) -> Float[np.ndarray, "n"]:
    """Peak over the inner layers minus the value before the first block."""
    return ratio[:, 1:-1].max(1) - ratio[:, 0]


def _fall(ratio: Float[np.ndarray, "n layers"]) -> Float[np.ndarray, "n"]:
    """Peak over the inner layers minus the value after the last block."""
    return ratio[:, 1:-1].max(1) - ratio[:, -1]


def rise(study: Study) -> Float[np.ndarray, "seeds"]:
    """By how much trained networks tell apart what the embedding does not."""
    return _rise(_ratios(study, trained=True))


def fall(study: Study) -> Float[np.ndarray, "seeds"]:
    """By how much trained networks merge again what they told apart."""
    return _fall(_ratios(study, trained=True))


def _rise_beyond_untrained(study: Study) -> Float[np.ndarray, "seeds"]:
    return rise(study) - _rise(_ratios(study, trained=False)).max()


def _fall_beyond_untrained(study: Study) -> Float[np.ndarray, "seeds"]:
    return fall(study) - _fall(_ratios(study, trained=False)).max()


def _fall_beyond_shuffled(study: Study) -> Float[np.ndarray, "seeds"]:
    rng = np.random.default_rng(0)
    labels = [shuffled_classes(study.contexts, rng) for _ in range(SHUFFLES)]
    null = np.array([_ratio(study, network, label) for network in study.trained for label in labels])
    return fall(study) - _fall(null).reshape(len(study.trained), SHUFFLES).max(1)


def _inner_layers(study: Study) -> bool:
    """Without one there is no peak."""
    return len(study.layers) > 2


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "P(two words of one length differ and have equal beliefs)": redundant(contexts(process, n_ctx)),
        "distance within equal belief over distance between beliefs": (
            "rises from the embedding, falls to the last layer"
        ),
        "the same where beliefs alone are represented": 0.0,
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    t = contexts(process, n_ctx)
    if t.sampled is not None:
        return f"its words of {n_ctx} tokens are too many to compare all that have equal beliefs"
    share = redundant(t)
    if share < LEAST_REDUNDANT:
        return (
            f"two different words of up to {n_ctx} tokens have equal beliefs with probability {share:.1e} "
            "only, so there is nothing to merge"
        )
    return None


BG17: Claim[Study, Separations] = Claim(
    id="BG17",
    statement="Histories that mean the same are first told apart, then merged.",
    source="A. Shai, public comments; the statistic is this lab's operationalisation",
    tested_on=("rrxor", "nemo", "random_insertion"),
    recipes=one_run,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "rise to the inner layers, beyond every untrained network",
            _rise_beyond_untrained,
            above=0.0,
            only_if=_inner_layers,
        ),
        Criterion(
            "fall to the last layer, beyond every untrained network",
            _fall_beyond_untrained,
            above=0.0,
            only_if=_inner_layers,
        ),
    ),
    controls=(
        learned(),
        Criterion(
            "rise: peak of the inner layers minus the embedding",
            rise,
            above=0.0,
            rival="no rise at all",
            only_if=_inner_layers,
        ),
        Criterion(
            "fall: peak of the inner layers minus the last layer",
            fall,
            above=0.0,
            rival="no fall at all",
            only_if=_inner_layers,
        ),
        Criterion(
            "fall beyond every shuffle of the belief classes",
            _fall_beyond_shuffled,
            above=0.0,
            rival="any classes of contexts",
            only_if=_inner_layers,
        ),
    ),
    would_change=(
        "Histories of equal belief that lie as far apart at every layer as an untrained network has them."
    ),
    revision=2,
    shown=separations,
    drawn_from=Separations,
    limits=(
        "Distances are Euclidean in the raw residual stream, in which every layer adds to what is there: a "
        "ratio can fall because beliefs are pulled apart as well as because equal ones are pulled together. "
        "The last layer serves the next token only; on processes whose beliefs go beyond it, histories of "
        "different belief may be merged there too, which works against the claim. The embedding sees the "
        "last token alone, so its ratio says how much of a belief class ends in one token."
    ),
)
