"""What is redundant is first told apart, then merged: histories of equal belief along the depth of a
network."""

from collections.abc import Callable
from functools import partial

import numpy as np

import processes

from ..claim import Claim, Criterion
from ..controls import beyond
from ..instruments.contexts import contexts
from ..instruments.study import Study
from ..recipes import one_run
from .merging import belief_classes, redundant, separation, shuffled_classes

SHUFFLES = 20
"""Deals of the belief classes behind the null."""
LEAST_REDUNDANT = 1e-3
"""Least probability that two words of one length differ and have equal beliefs."""


def separations(study: Study, *, trained: bool = True) -> np.ndarray:
    """Distance within equal belief over distance between beliefs, of every network (rows) after every layer
    (columns).
    """
    label = belief_classes(study.contexts)
    networks = study.trained if trained else study.untrained
    return np.array(
        [
            [separation(e.activations[layer], label, study.contexts) for layer in study.layers]
            for e in networks
        ]
    )


def rise(ratio: np.ndarray) -> np.ndarray | None:
    """Peak over the inner layers minus the value before the first block; None without an inner layer."""
    return ratio[:, 1:-1].max(1) - ratio[:, 0] if ratio.shape[1] > 2 else None


def fall(ratio: np.ndarray) -> np.ndarray | None:
    """Peak over the inner layers minus the value after the last block; None without an inner layer."""
    return ratio[:, 1:-1].max(1) - ratio[:, -1] if ratio.shape[1] > 2 else None


def _beyond_untrained(change: Callable[[np.ndarray], np.ndarray | None], study: Study) -> np.ndarray | None:
    own, untrained = change(separations(study)), change(separations(study, trained=False))
    return None if own is None or untrained is None else beyond(own, untrained.max())


def _beyond_shuffled(study: Study) -> np.ndarray | None:
    own, rng = fall(separations(study)), np.random.default_rng(0)
    if own is None:
        return None
    deals = [shuffled_classes(study.contexts, rng) for _ in range(SHUFFLES)]
    null = [
        [separation(e.activations[layer], deal, study.contexts) for layer in study.layers]
        for e in study.trained
        for deal in deals
    ]
    falls = fall(np.array(null))
    return None if falls is None else beyond(own, falls.reshape(len(own), SHUFFLES).max(1))


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    what = contexts(process, n_ctx)
    if what.sampled is not None:
        return f"its words of {n_ctx} tokens are too many to compare all that have equal beliefs"
    share = redundant(what)
    if share < LEAST_REDUNDANT:
        return (
            f"two different words of up to {n_ctx} tokens have equal beliefs with probability {share:.1e} "
            "only, so there is nothing to merge"
        )
    return None


BG17 = Claim(
    id="BG17",
    statement="Histories that mean the same are first told apart, then merged.",
    source="A. Shai, public comments; the statistic is this lab's operationalisation",
    tested_on=("rrxor", "nemo", "random_insertion"),
    recipes=one_run,
    prediction=lambda process, n_ctx: {
        "P(two words of one length differ and have equal beliefs)": redundant(contexts(process, n_ctx)),
        "distance within equal belief over distance between beliefs": (
            "rises from the embedding, falls to the last layer"
        ),
        "the same where beliefs alone are represented": 0.0,
    },
    refusal=_refusal,
    criteria=(
        Criterion(
            "rise: peak of the inner layers minus the embedding", lambda s: rise(separations(s)), above=0.0
        ),
        Criterion(
            "fall: peak of the inner layers minus the last layer", lambda s: fall(separations(s)), above=0.0
        ),
    ),
    controls=(
        Criterion("rise beyond every untrained network", partial(_beyond_untrained, rise), above=0.0),
        Criterion("fall beyond every untrained network", partial(_beyond_untrained, fall), above=0.0),
        Criterion("fall beyond every shuffle of the belief classes", _beyond_shuffled, above=0.0),
    ),
    shown=lambda s: {
        "trained": separations(s),
        "untrained": separations(s, trained=False),
        "layers": np.array(s.layers),
    },
    limits=(
        "Distances are Euclidean in the raw residual stream, in which every layer adds to what is there: a "
        "ratio can fall because beliefs are "
        "pulled apart as well as because equal ones are pulled together. The last layer serves the next "
        "token only; on processes whose "
        "beliefs go beyond it, histories of different belief may be merged there too, which works against "
        "the claim. The embedding sees the "
        "last token alone, so its ratio says how much of a belief class ends in one token."
    ),
)
