"""MI9: adversarial erasers disagree with themselves where mean projections do not.

Two fits of an eraser may differ in where they begin or in the histories that they are given, and each is
asked by itself: over starts on the same histories, of which a mean projection has one, so that it agrees with
itself perfectly; and on two halves of the histories that have none in common, everything else being equal.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

import processes
import train

from ..claim import Claim, Criterion
from ..controls import learned_by
from ..instruments.contexts import Contexts, contexts
from ..instruments.evidence import unlearned_by
from ..instruments.forward import alone, member
from ..instruments.interventions.erasers import adversarial, shared_directions
from ..instruments.probing.study import check
from ..instruments.untrained import untrained
from ..recipes import one_run
from .mi09_erased import RESTARTS, Erased, agreement, best_site, directions, erased, measured

LESS = 0.1
"""Mean squared cosine by which an eraser agrees less with itself than mean projections do, at least, where it
disagrees: the same over starts, where these agree perfectly, as over histories.
"""
ROOM = 0.5
"""Least agreement of mean projections over histories: where they are nearer to agreeing no more than chance
does (their rank over the width, .03 to .06), one that agrees less by `LESS` cannot be told from it.
"""
HELD = 0.3
"""Least held-out R2 of beliefs where there is something to erase."""
NOTHING = 1e-6
"""R2 that is none but for rounding of the least squares that measure it."""
SOLVED = 0.01
"""Share of the variance of beliefs that is left to an adversary at most where the game is solved."""
EARLY = "a search that ends before the optimum"
DEPTH = 8
"""Tokens of the longest contexts that are looked at."""


def looked_at(process: processes.Process, n_ctx: int) -> Contexts:
    """The contexts on which beliefs are erased."""
    return contexts(process, min(n_ctx, DEPTH))


def erasing(runs: Mapping[str, train.Run]) -> Erased:
    """Erase beliefs from every network after the block at which they are read best, in every way."""
    (run,) = runs.values()
    config, recipe = run.recipe.model, run.recipe
    truth = looked_at(recipe.ground_truth(), config.n_ctx)
    params, fresh = run.params(), untrained(recipe)
    rows = [measured(config, params, i, truth, seed=i) for i in range(recipe.seeds)]
    new = []
    for i in range(recipe.seeds):
        _, _, found = best_site(config, alone(member(fresh, i)), truth)
        folds = np.arange(found.n_folds)
        rank = shared_directions(found, folds)
        starts = [adversarial(found, folds, rank, seed=i * RESTARTS + k) for k in range(RESTARTS)]
        new.append(agreement(starts))
    return erased(rows, truth, config.stream[1:], np.array(new), unlearned_by(run))


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    truth = looked_at(process, n_ctx)
    return {
        "directions of the belief": directions(truth),
        "overlap of restarts at the optimum of the game, which is unique": 1.0,
        "share of the worth of beliefs that erasing costs": 1.0,
        "R2 that LEACE leaves to a linear probe in sample": 0.0,
    }


def _refusal(process: processes.Source, n_ctx: int) -> str | None:
    if not isinstance(process, processes.Process):
        return "it is a question, with no beliefs to be erased"
    check(process, min(n_ctx, DEPTH))
    return None


MI9: Claim[Erased, Erased] = Claim(
    id="MI9",
    statement=(
        "Adversarial erasers disagree with themselves and mean projections do not: of as many directions as "
        "the belief has, one takes out others each time it is begun anew on the same histories, and on "
        "histories that have none in common it agrees less than mean projections do."
    ),
    source=(
        "comments on truth-like features and erasers, in words; erasers of Ravfogel et al. 2022 "
        "(arXiv:2201.12091) and 2020 (arXiv:2004.07667) and of Belrose et al. 2023 (arXiv:2306.03819); the "
        "statistics, and a probe that answers with its best, are this lab's operationalisation"
    ),
    tested_on=("mess3", "rrxor"),
    recipes=one_run,
    evidence=erasing,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "overlap of what adversarial erasers take out from other starts, on the same histories",
            lambda e: e.restarts["adversarial"],
            below=1 - LESS,
        ),
        Criterion(
            "overlap of what adversarial erasers take out on disjoint histories, minus that of mean "
            "projections",
            lambda e: e.beside_mean("adversarial"),
            below=-LESS,
        ),
    ),
    controls=(
        learned_by(lambda e: e.unlearned),
        Criterion(
            "R2 of beliefs before anything is erased",
            lambda e: e.before,
            above=HELD,
            means="so little is held of beliefs that there is nothing to erase",
        ),
        Criterion(
            "R2 that LEACE leaves to a linear probe in sample",
            lambda e: e.in_sample["leace"],
            above=-NOTHING,
            below=NOTHING,
            over="nearly all",
            means="erasers are not worked out as they are defined",
        ),
        Criterion(
            "share of beliefs that a continued search leaves to its adversary",
            lambda e: e.in_sample["continued"],
            below=SOLVED,
            over="nearly all",
            means="nobody has solved the game, and of its solution nothing is said",
        ),
        Criterion(
            "overlap of what mean projections take out on disjoint histories",
            lambda e: e.histories["mean"],
            above=ROOM,
            means="no eraser can agree so much less than mean projections, which hardly agree themselves",
        ),
        Criterion(
            "overlap from the same starts, continued against ever stronger adversaries",
            lambda e: e.restarts["continued"],
            below=1 - LESS,
            rival=EARLY,
        ),
        Criterion(
            "overlap on disjoint histories, continued, minus that of mean projections",
            lambda e: e.beside_mean("continued"),
            below=-LESS,
            rival=EARLY,
        ),
    ),
    literature={
        "language models": (
            "an adversarial eraser of rank one takes gender out of word vectors, where nullspace projections "
            "need many directions (Ravfogel et al. 2022)"
        )
    },
    drawn_from=Erased,
    would_change=(
        "Adversarial erasers that take out the same from wherever they begin, or on other histories as much "
        "the same as mean projections do."
    ),
    limits=(
        "Beliefs are erased at one site, where a probe reads them best, at every position. An adversarial "
        "eraser is an orthogonal projection of as many directions as the belief has, so that the optimum is "
        "unique and is the mean projection: what restarts disagree about can only be how far they came. Of "
        "more directions the rest would be free. The adversary answers with its best linear map, of a ridge "
        "of a millionth; the published one learns by gradients and is weaker. Histories are those of four "
        "tokens, dealt into folds: two halves have none in common, and two fits on them begin at the same "
        "start, so that nothing but the histories differs; a search that never left its start would agree "
        "with itself there, and over starts by chance. LEACE takes out the same as mean projection by "
        f"algebra, and reads otherwise. Contexts of up to {DEPTH} tokens are looked at."
    ),
    revision=2,
)
