"""Networks tell apart histories that predict the same next token but different futures."""

from collections.abc import Callable
from functools import lru_cache, partial
from itertools import product

import numpy as np

import processes
from processes.structure.belief_law import alike
from processes.structure.realisation import INDEPENDENT

from ..claim import Claim, Criterion
from ..instruments.contexts import HISTORY, Contexts, contexts, shuffled_beliefs
from ..instruments.statistics import levels, rank_correlation, separation
from ..instruments.study import CONCATENATED, Study
from ..recipes import one_run
from .bg01_affine_image import SHAI

EQUAL = 1e-9
"""Laws and beliefs closer than this (largest coordinate) are the same."""
MOST_PAIRS = 500_000
"""Pairs of contexts of drawn words that are compared."""


@lru_cache(maxsize=8)
def pairs(truth: Contexts) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (i, j) of contexts of one length and one fold with equal next-token laws and different beliefs.

    One fold, so that both are probed by the same map: points of two maps differ even where the features
    agree. Where all such pairs are equally far apart, those with equal beliefs are taken in as well, so that
    there are two distances to tell apart (this lab's operationalisation for Nemo and the random insertion
    process, where no rank correlation exists otherwise). Of drawn words at most `MOST_PAIRS` pairs, at
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


def refusal(process: processes.Process, n_ctx: int) -> str | None:
    """Why a process cannot separate beliefs from next-token laws, if so."""
    if determined(process):
        return DETERMINED_REASON
    t = contexts(process, n_ctx)
    i, j = pairs(t)
    if not len(i):
        return (
            f"no two histories of up to {n_ctx} tokens that are held out together have equal next-token laws "
            "and different beliefs"
        )
    return None


DETERMINED_REASON = (
    "its next-token law determines the belief, so no two histories agree in one and differ in the other"
)


def determined(process: processes.Process) -> bool:
    """Whether beliefs are a linear function of next-token laws: whether x -> T[x] w and w span all functions
    of the state.
    """
    return bool(
        np.linalg.matrix_rank(np.vstack([process.T @ process.w, process.w]), rtol=INDEPENDENT)
        == process.n_states
    )


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
    return rank_correlation(probed, true, weight)


def _distances(points: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[i] - points[j], axis=1)


def _tracking(study: Study, *, trained: bool = True) -> np.ndarray:
    return np.array(
        [
            _correlation(p, study.contexts.belief, study.contexts)
            for p in study.points(CONCATENATED, trained=trained)
        ]
    )


def _by_distance(study: Study) -> dict[str, np.ndarray]:
    """For every distance between beliefs, its weight and the mean distance between probed points, for every
    network.
    """
    i, j = pairs(study.contexts)
    index, weight = (
        levels(_distances(study.contexts.belief, i, j)),
        study.contexts.weight[i] * study.contexts.weight[j],
    )
    mass = np.bincount(index, weights=weight)

    def mean(points: np.ndarray) -> np.ndarray:
        return np.bincount(index, weights=weight * _distances(points, i, j)) / mass

    networks = {
        which: np.array([mean(p) for p in study.points(CONCATENATED, trained=which == "trained")])
        for which in ("trained", "untrained")
    }
    return networks | {
        "distance": mean(study.contexts.belief),
        "mass": mass / mass.sum(),
        "token_window": mean(study.baseline_points("token_window")),
    }


def _markov(study: Study, k: int) -> np.ndarray:
    return study.baseline_points(f"markov_{k}")


def _beyond_points(of: Callable[[Study], np.ndarray]) -> Callable[[Study], np.ndarray]:
    return lambda s: _tracking(s) - _correlation(of(s), s.contexts.belief, s.contexts)


def _permuted_truth(study: Study) -> np.ndarray:
    """Tracking of beliefs minus tracking of beliefs shuffled among contexts of equal length."""
    belief = shuffled_beliefs(study.contexts, np.random.default_rng(0))
    return _tracking(study) - np.array(
        [_correlation(p, belief, study.contexts) for p in study.points(CONCATENATED)]
    )


BG4 = Claim(
    id="BG4",
    statement=(
        "Beliefs are represented beyond next-token laws: where these are equal, probed distances track "
        "belief distances."
    ),
    source=SHAI,
    tested_on=("rrxor", "nemo", "random_insertion"),
    recipes=one_run,
    prediction=lambda process, n_ctx: {
        "pairs of histories": len(pairs(contexts(process, n_ctx))[0]),
        "rank correlation": "positive",
    },
    refusal=refusal,
    criteria=(Criterion("rank correlation of probed and true distances", _tracking, above=0.0),),
    controls=(
        Criterion(
            "above every untrained network",
            lambda s: _tracking(s) - _tracking(s, trained=False).max(),
            above=0.0,
            every_seed=True,
        ),
        Criterion(
            "above the token window", _beyond_points(lambda s: s.baseline_points("token_window")), above=0.0
        ),
        *(
            Criterion(
                f"above the beliefs of a Markov-{k} model", _beyond_points(partial(_markov, k=k)), above=0.0
            )
            for k in (1, 2, 3)
        ),
        Criterion("above shuffled beliefs", _permuted_truth, above=0.0, every_seed=True),
    ),
    shown=lambda s: _by_distance(s),
    literature={
        "rrxor": "R2 of pairwise distances .95 for beliefs, .31 for next-token laws (Shai et al. 2024, in "
        "sample, "
        "other statistic)"
    },
    limits="Histories are held out by their first four tokens, so a process that is synchronised by then "
    "(zero-one-random) cannot be tested. "
    "The next-token law predicts no distance here by construction, so it is no control. A short memory "
    "tracks these distances well.",
    revision=2,
)
