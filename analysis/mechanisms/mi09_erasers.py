"""MI9: adversarial erasers disagree between restarts, mean projections do not."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import processes
import train

from ..claim import Claim, Criterion
from ..controls import learned_by
from ..instruments.contexts import Contexts, contexts
from ..instruments.erasers import adversarial, shared_directions
from ..instruments.evidence import unlearned_by
from ..instruments.forward import alone, member
from ..instruments.study import check
from ..instruments.untrained import untrained
from ..recipes import one_run
from .erased import RESTARTS, Erased, agreement, best_site, erased, measured

AGREE = 0.9
"""Mean squared cosine between what two restarts take out, at which they take out the same."""
HELD = 0.3
"""Least held-out R2 of beliefs where there is something to erase."""
NOTHING = 1e-6
"""R2 that is none but for rounding of the least squares that measure it."""
SOLVED = 0.01
"""Share of the variance of beliefs that is left to an adversary at most where the game is solved."""
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
        "directions of the belief": int(np.linalg.matrix_rank(truth.belief - truth.belief.mean(0), tol=1e-9)),
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
        "Adversarial erasers disagree between restarts, mean projections do not: of as many directions as "
        "the belief has, one takes out others each time it is begun anew."
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
            below=AGREE,
        ),
        Criterion(
            "overlap of what mean projections take out, on other histories",
            lambda e: e.restarts["mean"],
            above=AGREE,
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
            "overlap from the same starts, continued against ever stronger adversaries",
            lambda e: e.restarts["continued"],
            below=AGREE,
            rival="a search that ends before the optimum",
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
        "Adversarial erasers that take out the same from wherever they begin, or mean projections that other "
        "histories change."
    ),
    limits=(
        "Beliefs are erased at one site, where a probe reads them best, at every position. An adversarial "
        "eraser is an orthogonal projection of as many directions as the belief has, so that the optimum is "
        "unique and is the mean projection: what restarts disagree about can only be how far they came. Of "
        "more directions the rest would be free. The adversary answers with its best linear map, of a ridge "
        "of a millionth; the published one learns by gradients and is weaker. Nothing is drawn in mean "
        "projections, so that they are fitted on other halves of the histories, which is more than another "
        "start. LEACE takes out the same as mean projection by algebra, and reads otherwise. Contexts of up "
        f"to {DEPTH} tokens are looked at."
    ),
)
