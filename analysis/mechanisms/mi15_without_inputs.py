"""MI15: the geometry of beliefs, and the process itself, are told by activations alone, without inputs."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import processes
import train

from ..claim import Claim, Criterion
from ..controls import DETERMINED, LEFT, RIVALS, learned_by
from ..instruments.blind.beliefs import belief_distribution, exchanges
from ..instruments.blind.naming import candidates_for, gaussian
from ..instruments.contexts import contexts
from ..instruments.evidence import observe
from ..instruments.probing.study import check
from ..instruments.untrained import untrained
from ..recipes import one_run
from .mi15_laid_clouds import EXPLAINS, SOUGHT, WithoutInputs, of_activations

SHARE = 0.95
"""Of what a probe with labels reads, that a match without them must read."""


def without_inputs(runs: Mapping[str, train.Run]) -> WithoutInputs:
    """Lay the last stream of trained and untrained networks on the beliefs of all candidates."""
    (run,) = runs.values()
    config, process = run.recipe.model, run.recipe.ground_truth()
    t, site = contexts(process, config.n_ctx), config.stream[-1]
    trained, fresh = (observe(config, p, t, (site,)) for p in (run.params(), untrained(run.recipe)))
    distributions = candidates_for(process, config.n_ctx)
    seeds = run.recipe.first_seed + np.arange(run.recipe.seeds)
    return of_activations(t, distributions, trained, fresh, seeds, site)


def _rival(name: str) -> Criterion[WithoutInputs]:
    def discriminates(w: WithoutInputs) -> bool:
        return w.rivals[name] <= DETERMINED

    words = RIVALS[name]
    return Criterion(
        f"mapped points: partial R2 given {words}",
        lambda w: w.partial[name],
        above=LEFT,
        rival=words,
        only_if=discriminates,
    )


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    exact = belief_distribution(process, n_ctx)
    return {
        "dimension of beliefs": exact.dimension,
        "beliefs": len(exact.weight),
        "symmetries": len(exchanges(exact)),
        "distance of a Gaussian cloud": gaussian(exact),
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    check(process, n_ctx)
    if belief_distribution(process, n_ctx).dimension != 2:
        candidates_for(process, n_ctx)  # random ones, which may not be found
    return None


MI15: Claim[WithoutInputs, WithoutInputs] = Claim(
    id="MI15",
    statement=(
        "Meaning without inputs: from activations alone, in no order, the geometry of beliefs is recovered, "
        "up to the symmetries of their distribution, and the process is named among ten."
    ),
    source="public comments on truth-like features and meaning; formula: this lab's operationalisation",
    tested_on=("mess3", "mess3(x=0.15, a=0.6)", "random_insertion", "nemo", "rrxor"),
    recipes=one_run,
    evidence=without_inputs,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "R2 of the blind match over that of a probe with labels",
            WithoutInputs.share,
            above=SHARE,
            over="most",
        ),
        Criterion(
            "log distance, nearest wrong process over the right one",
            WithoutInputs.margin,
            above=0.0,
            over="most",
        ),
        Criterion("R2 of the blind match above every untrained network's", WithoutInputs.gained, above=0.0),
    ),
    controls=(
        learned_by(lambda w: w.unlearned),
        Criterion(
            "the same share where beliefs are known to be the plane",
            WithoutInputs.known_share,
            above=SHARE,
            over="nearly all",
            means="the match does not find what is there",
        ),
        Criterion(
            "log distance, a Gaussian cloud over one known to hold beliefs",
            WithoutInputs.beyond_gaussian,
            above=0.0,
            means="a cloud without structure lies on the beliefs as well",
        ),
        Criterion(
            "log distance, activations shuffled by coordinate over a cloud known to hold beliefs",
            WithoutInputs.beyond_shuffled,
            above=0.0,
            means="any cloud of such activations lies on the beliefs as well",
        ),
        *map(_rival, EXPLAINS),
    ),
    drawn_from=WithoutInputs,
    would_change=(
        "Networks at the floor whose largest principal axes hold beliefs, for a probe with labels, and whose "
        "cloud lies nearer to the beliefs of another process or turned against its own."
    ),
    limits=(
        "The number of dimensions, the length of contexts and a list of candidates with the right one in "
        "it are given; so are exact distributions, where an experimenter has samples. The plane is that of "
        "the largest principal axes: where networks hold beliefs in smaller ones, the claim is refuted by "
        f"that, and the figure says what seeking the plane among {SOUGHT} axes comes to. Which state is "
        "which is known up to exchanges under which the distribution is the same (on RRXOR four, of which "
        "no renaming of symbols makes one), and processes whose beliefs are affine images of each other "
        "are one here."
    ),
)
