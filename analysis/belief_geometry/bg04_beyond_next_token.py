"""BG4: networks tell apart histories that predict the same next token but different futures."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float, Int

import processes
from processes.structure.belief_distribution import alike
from processes.values.notes import noted

from ..claim import Claim, Criterion
from ..instruments.contexts import HISTORY, Contexts, contexts, shuffled_beliefs
from ..instruments.statistics import levels, rank_correlation, separation
from ..instruments.study import CONCATENATED, Study
from ..recipes import one_run
from .next_token import unless_determined
from .wording import SHAI

EQUAL = 1e-9
"""Laws and beliefs closer than this (largest coordinate) are the same."""
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


def _correlation(points: np.ndarray, belief: np.ndarray, truth: Contexts) -> float:
    """Weighted rank correlation, over pairs, of distances between points and distances between beliefs.

    Spearman's where there are several distances between beliefs. Where there are two its largest value
    depends on how many other distances tie, so the rank-biserial correlation takes its place, which is 1 for
    all that tell the two apart.
    """
    i, j = pairs(truth)
    probed, true = (_distances(x, i, j) for x in (points, belief))
    weight = truth.weight[i] * truth.weight[j]
    level = levels(true)
    if level.max(initial=0) == 1:
        return separation(probed, level == 1, weight)
    return float(rank_correlation(probed, true, weight))


def _distances(points: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[i] - points[j], axis=1)


def _tracking(study: Study, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
    """How well the points of each network track the beliefs."""
    t = study.contexts
    return np.array([_correlation(p, t.belief, t) for p in study.points(CONCATENATED, trained=trained)])


def _beyond_untrained(study: Study) -> Float[np.ndarray, "seeds"]:
    return _tracking(study) - _tracking(study, trained=False).max()


def _beyond_baseline(study: Study, name: str) -> Float[np.ndarray, "seeds"]:
    t = study.contexts
    return _tracking(study) - _correlation(study.baseline_points(name), t.belief, t)


def _beyond_shuffled(study: Study) -> Float[np.ndarray, "seeds"]:
    """Tracking of beliefs minus tracking of beliefs shuffled among contexts of equal length."""
    t = study.contexts
    belief = shuffled_beliefs(t, np.random.default_rng(0))
    return _tracking(study) - np.array([_correlation(p, belief, t) for p in study.points(CONCATENATED)])


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
    i, _ = pairs(contexts(process, n_ctx))
    if not len(i):
        return (
            f"no two histories of up to {n_ctx} tokens that are held out together have equal next-token laws "
            "and different beliefs"
        )
    return None


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "pairs of histories": len(pairs(contexts(process, n_ctx))[0]),
        "rank correlation": "positive",
    }


BG4: Claim[Study, Distances] = Claim(
    id="BG4",
    statement=(
        "Beliefs are represented beyond next-token laws: where these are equal, probed distances track "
        "belief distances."
    ),
    source=SHAI,
    tested_on=("rrxor", "nemo", "random_insertion"),
    recipes=one_run,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(Criterion("rank correlation of probed and true distances", _tracking, above=0.0),),
    controls=(
        Criterion("above every untrained network", _beyond_untrained, above=0.0, every_seed=True),
        Criterion("above the token window", partial(_beyond_baseline, name="token_window"), above=0.0),
        *(
            Criterion(
                f"above the beliefs of a Markov-{k} model",
                partial(_beyond_baseline, name=f"markov_{k}"),
                above=0.0,
            )
            for k in (1, 2, 3)
        ),
        Criterion("above shuffled beliefs", _beyond_shuffled, above=0.0, every_seed=True),
    ),
    shown=distances,
    drawn_from=Distances,
    literature={
        "rrxor": (
            "R2 of pairwise distances .95 for beliefs, .31 for next-token laws (Shai et al. 2024, in sample, "
            "other statistic)"
        )
    },
    limits=(
        "Histories are held out by their first four tokens, so a process that is synchronised by then "
        "(zero-one-random) cannot be tested. The next-token law predicts no distance here by construction, "
        "so it is no control. A short memory tracks these distances well."
    ),
    revision=2,
)
