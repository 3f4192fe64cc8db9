"""BG4: networks tell apart histories that predict the same next token but different futures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float, Int

import processes
from processes.structure.belief_distribution import alike
from processes.values.notes import noted

from ..claim import Claim, Criterion, Published
from ..controls import beyond_rival, learned
from ..instruments.contexts import HISTORY, Contexts, contexts, shuffled_beliefs
from ..instruments.probing.baselines import baseline_points
from ..instruments.probing.study import CONCATENATED, Study
from ..instruments.statistics import group_means, levels, rank_correlation_given
from ..recipes import one_run
from .features import all_layers
from .next_token import unless_determined
from .wording import SHAI

EQUAL = 1e-9
"""Distributions and beliefs closer than this (largest coordinate) are the same."""
KNOWN = ("token_window", "markov_1", "markov_2", "markov_3")
"""What else tells distances, by a name in `BASELINES`."""
MOST_PAIRS = 500_000
"""Pairs of contexts that are compared, at most, where sequences are sampled."""


@noted(8)
def pairs(truth: Contexts) -> tuple[Int[np.ndarray, "M"], Int[np.ndarray, "M"]]:
    """Pairs (i, j) of contexts of one length and one fold with equal next-token distributions and different
    beliefs.

    One fold, so that both are probed by the same map: points of two maps differ even where the features
    agree. Where all such pairs are equally far apart, those with equal beliefs are taken in as well, so that
    there are two distances to tell apart (this lab's operationalisation for Nemo and the random insertion
    process, where no rank correlation exists otherwise). Of sampled sequences at most `MOST_PAIRS` pairs, at
    random: a pair then counts as often as it was drawn.
    """
    different = _pairs(truth, least=EQUAL)
    several = not len(different[0]) or levels(_distances(truth.belief, *different)).any()
    return different if several else _pairs(truth, least=-1.0)


def _pairs(truth: Contexts, least: float) -> tuple[np.ndarray, np.ndarray]:
    first, second = [], []
    for length, fold in product(range(HISTORY + 1, truth.n_ctx + 1), range(truth.fold.max() + 1)):
        here = np.flatnonzero((truth.length == length) & (truth.fold == fold))
        label = alike(truth.next_token[here], EQUAL)
        for c in np.unique(label):
            group = here[label == c]
            i, j = np.triu_indices(len(group), 1)
            differ = np.abs(truth.belief[group[i]] - truth.belief[group[j]]).max(1) > least
            first.append(group[i[differ]])
            second.append(group[j[differ]])
    i, j = np.concatenate(first), np.concatenate(second)
    if truth.sampled is not None and len(i) > MOST_PAIRS:
        some = np.sort(np.random.default_rng(0).choice(len(i), MOST_PAIRS, replace=False))
        i, j = i[some], j[some]
    return i, j


def _distances(points: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[i] - points[j], axis=1)


@noted(8)
def _known(truth: Contexts) -> Float[np.ndarray, "k M"]:
    """Distances between pairs as a window of tokens and memories of one to three tokens have them."""
    i, j = pairs(truth)
    return np.array([_distances(baseline_points(truth, name), i, j) for name in KNOWN])


def _given_others(study: Study, points: Sequence[np.ndarray], belief: np.ndarray) -> Float[np.ndarray, "n"]:
    """Rank correlation, over pairs, of distances between points and between beliefs, given what else tells of
    these.
    """
    t = study.contexts
    i, j = pairs(t)
    weight, true = t.weight[i] * t.weight[j], _distances(belief, i, j)
    found = [rank_correlation_given(_distances(p, i, j), true, _known(t), weight) for p in points]
    return np.array(found)


def _tracking(study: Study, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
    """How well the points of each network track the beliefs beyond what tokens tell."""

    def compute() -> np.ndarray:
        return _given_others(study, study.points(CONCATENATED, trained=trained), study.contexts.belief)

    return study.once(("tracking", trained), compute)


def _beyond_untrained(study: Study) -> Float[np.ndarray, "seeds"]:
    return _tracking(study) - _tracking(study, trained=False).max()


def _beyond_shuffled(study: Study) -> Float[np.ndarray, "seeds"]:
    """Tracking of beliefs minus tracking of beliefs shuffled among contexts of equal length."""
    belief = shuffled_beliefs(study.contexts, np.random.default_rng(0))
    return _tracking(study) - _given_others(study, study.points(CONCATENATED), belief)


def _centroids(study: Study, what: str, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
    """R2 of the distances between centroids, over belief states, of points probed in sample from all layers,
    with the distances between what they stand for: beliefs, or next-token distributions (Shai et al. 2024).
    """
    t = study.contexts
    label = alike(t.belief, EQUAL)
    i, j = np.triu_indices(label.max() + 1, 1)

    def apart(x: np.ndarray) -> np.ndarray:
        return _distances(group_means(x, label, t.weight), i, j)

    true = apart(t.belief if what == "belief" else t.next_token)
    root = np.sqrt(t.weight)[:, None]
    out = []
    for network in study.trained if trained else study.untrained:
        x = np.column_stack([study.features_of(network, CONCATENATED), np.ones(len(t.weight))])
        points = x @ np.linalg.lstsq(x * root, t.belief * root, rcond=1e-9)[0]
        out.append(np.corrcoef(apart(points), true)[0, 1] ** 2)
    return np.array(out)


@dataclass(frozen=True, eq=False)
class Distances:
    """Mean distances between the points of a pair, for every distance between beliefs."""

    distance: Float[np.ndarray, "D"]  # between beliefs
    mass: Float[np.ndarray, "D"]  # share of the weight of all pairs
    trained: Float[np.ndarray, "seeds D"]
    untrained: Float[np.ndarray, "seeds D"]
    token_window: Float[np.ndarray, "D"]


def distances(study: Study) -> Distances:
    """Distances between points as probed from every network, and from the token window."""
    t = study.contexts
    i, j = pairs(t)
    index, weight = levels(_distances(t.belief, i, j)), t.weight[i] * t.weight[j]
    mass = np.bincount(index, weights=weight)

    def mean(points: np.ndarray) -> np.ndarray:
        return np.bincount(index, weights=weight * _distances(points, i, j)) / mass

    return Distances(
        mean(t.belief),
        mass / mass.sum(),
        np.array([mean(p) for p in study.points(CONCATENATED)]),
        np.array([mean(p) for p in study.points(CONCATENATED, trained=False)]),
        mean(study.baseline_points("token_window")),
    )


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    """Why a process cannot separate beliefs from next-token distributions, if so."""
    if (reason := unless_determined(process, n_ctx)) is not None:
        return reason
    t = contexts(process, n_ctx)
    i, j = pairs(t)
    if not len(i):
        return (
            f"no two histories of up to {n_ctx} tokens that are held out together have equal next-token "
            "distributions and different beliefs"
        )
    weight, true = t.weight[i] * t.weight[j], _distances(t.belief, i, j)
    if np.isnan(rank_correlation_given(true, true, _known(t), weight)):
        return "a window of tokens and memories of up to three determine how far such beliefs are apart"
    return None


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "pairs of histories": len(pairs(contexts(process, n_ctx))[0]),
        "rank correlation": "positive",
    }


BG4: Claim[Study, Distances] = Claim(
    id="BG4",
    statement=(
        "Beliefs are represented beyond next-token distributions: where these are equal, probed distances "
        "track belief distances."
    ),
    source=SHAI,
    tested_on=("rrxor", "nemo", "random_insertion"),
    runs=2,
    recipes=one_run,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "rank correlation of probed and true distances, given what tokens tell",
            _tracking,
            above=0.0,
        ),
    ),
    controls=(
        learned(),
        Criterion(
            "above every untrained network",
            _beyond_untrained,
            above=0.0,
            means="the architecture alone, untrained, has these distances",
        ),
        Criterion(
            "above shuffled beliefs",
            _beyond_shuffled,
            above=0.0,
            means="any beliefs would give these distances, whichever history they are of",
        ),
        *(beyond_rival(all_layers, name) for name in KNOWN),
    ),
    shown=distances,
    drawn_from=Distances,
    published=tuple(
        Published(
            f"in sample: R2 of distances between centroids with those of {told}",
            f"{theirs} on RRXOR (Shai et al. 2024)",
            partial(_centroids, what=what),
            partial(_centroids, what=what, trained=False),
        )
        for what, told, theirs in (
            ("belief", "beliefs", ".95"),
            ("next token", "next-token distributions", ".31"),
        )
    ),
    would_change="Distances that follow those of beliefs no better than a window and short memories explain.",
    limits=(
        "Taken out of both distances are those by a window of all tokens and by memories of one, two and "
        "three tokens, all at once, by a regression of ranks. Networks that hold only what a short memory "
        "believes keep distances of their own, so what networks add to each is asked beside. Histories are "
        "held out by their first four tokens, so a process that is synchronised by then (zero-one-random) "
        "cannot be tested. The next-token distribution tells no distance here by construction."
    ),
    revision=4,
)
