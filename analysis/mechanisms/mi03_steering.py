"""MI3: steering towards one component of a mixture is a shift of log odds.

A vector is added to the residual stream at the last token of a context: mean activations on text of the first
component minus those on text of the others. What networks should predict then is known exactly: the log odds
of the components are shifted, what is believed within components stays.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

import processes
import train

from ..claim import Claim, Criterion, Published
from ..controls import LEFT, learned_by
from ..instruments.contexts import contexts
from ..instruments.decompositions.mixtures import mixture_of
from ..instruments.evidence import log_of, unlearned_by
from ..instruments.interventions.steering import SHIFT, halves, steerable
from ..recipes import one_run
from .mi03_steered import Steered, measured, steered, swept

MOST_OF_IT = 0.5
"""Share of the way to the counterfactual that counts as being moved there."""
LEAST = 0.005
"""Nats that the counterfactual has to be from what is predicted without steering."""


def steering(runs: Mapping[str, train.Run]) -> Steered:
    """Steer every trained network, and untrained ones along the difference of their means."""
    (run,) = runs.values()
    sites, t = run.recipe.model.stream, contexts(run.recipe.ground_truth(), run.recipe.model.n_ctx)
    rows = [measured(network, t, seed=i) for i, network in enumerate(steerable(run, t, sites))]
    fresh = [
        float(swept(network, *halves(t)).shares.max()) for network in steerable(run, t, sites, trained=False)
    ]
    return steered(rows, t, sites, np.array(fresh), unlearned_by(run))


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "KL of the counterfactual from the original, nats": _apart(process, n_ctx),
        "share of the way to the counterfactual": 1.0,
        "nats by which predictions are moved for each that is asked for": 1.0,
    }


def _apart(process: processes.Process, n_ctx: int) -> float:
    """How far the exact counterfactuals are from the exact predictions."""
    judge = halves(contexts(process, n_ctx))[1]
    plain = log_of(judge.exact(0.0))
    return judge.to_both_sides(lambda sign: plain)


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if mixture_of(process) is None:
        return "it is not a mixture of several components; write one, as mixture(rrxor, even)"
    apart = _apart(process, n_ctx)
    if apart < LEAST:
        return (
            f"log odds that are shifted by {SHIFT:g} nats move its predictions by {apart:.1e} nats, and the "
            f"claim asks for {LEAST:g}; use components that contexts leave undecided, as those of "
            "mixture(leak(even, 0.1), leak(golden_mean, 0.1))"
        )
    return None


MI3: Claim[Steered, Steered] = Claim(
    id="MI3",
    statement=(
        "Steering shifts log odds: the difference of mean activations between two sources, added to the "
        "stream, moves predictions most of the way to where likelier odds of one source would put them."
    ),
    source=(
        "Rimsky et al. 2024 (arXiv:2312.06681) and Turner et al. 2023 (arXiv:2308.10248) on language models; "
        "the exact counterfactual and the share are this lab's operationalisation"
    ),
    tested_on=(
        "mixture(leak(even, 0.1), leak(golden_mean, 0.1))",
        "mixture(rrxor, even)",
        "mixture(mess3, mess3(x=0.15, a=0.6))",
    ),
    recipes=one_run,
    evidence=steering,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "share of the way to the counterfactual, minus that of random vectors as long",
            Steered.beyond_random,
            above=MOST_OF_IT,
        ),
        Criterion(
            "moved log odds rise with strength until the cloud is left: least slope", Steered.rises, above=0.0
        ),
    ),
    controls=(
        learned_by(lambda s: s.unlearned),
        Criterion(
            "share of the way with the stream of the context whose law is nearest",
            lambda s: s.share("swap"),
            above=MOST_OF_IT,
            means="no change of the stream at this site moves predictions there",
        ),
        Criterion(
            "beyond the best affine map of the logits",
            Steered.beyond_logits,
            above=LEFT,
            rival="a bias and a temperature of the logits",
        ),
        Criterion(
            "beyond every untrained network",
            Steered.beyond_untrained,
            above=0.0,
            rival="the architecture alone",
        ),
    ),
    published=(
        Published(
            "share of the way, the vector added at every position",
            "behaviour moves with the sign and size of the vector (Rimsky et al. 2024), in words",
            lambda s: s.everywhere,
        ),
    ),
    drawn_from=Steered,
    literature={
        "steering": (
            "activation additions move sentiment and topic (Turner et al. 2023); contrastive ones most "
            "multiple-choice behaviours, most in the middle of the depth (Rimsky et al. 2024)"
        )
    },
    would_change=(
        "Networks at the floor in which the difference of means moves predictions less than half of the way, "
        "or no farther than random vectors, where their odds are shifted."
    ),
    limits=(
        "The vector is added at the last position alone, after the block at which it does best on the "
        "histories that its strength is fitted on, and judged on others; what it does at every position is "
        "told beside the verdict. One vector serves both sides. Sources are known, so that the means are "
        "exact: contrastive pairs of language models have them only by label. Where one source is excluded "
        "nothing should move, and what moves there counts against the vector. The learned vector is the best "
        "that L-BFGS finds from the difference of means, of equal length."
    ),
)
