"""BG14: erase the belief and the prediction goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float

import processes
import train

from ..claim import Claim, Criterion
from ..controls import learned_by
from ..instruments.contexts import Contexts, contexts
from ..instruments.contexts import worth as worth_of_all
from ..instruments.erasure import Eraser, leace, random_eraser
from ..instruments.evidence import divergence, observe, unlearned
from ..instruments.intervention import Site, subjects
from ..instruments.probe import moments
from ..recipes import one_run
from .wording import AFTER_THE_LAST_BLOCK

Kind = Literal["nothing", "belief", "law", "random", "everything"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What is erased: nothing; the belief; the exact next-token distribution alone; a random subspace of the
belief's rank; all but the mean.
"""
RANDOM = 8
"""Random subspaces, of which the costliest counts."""
LEAST_WORTH = 0.005
"""Where beliefs are worth less (nats per token), there is hardly anything to lose."""
HALF = 0.5
"""Share of what beliefs are worth that erasing them costs at least."""


def worth(truth: Contexts) -> float:
    """What beliefs are worth on the held-out contexts, nats per token."""
    scored = truth.fold >= 0
    return worth_of_all(truth.next_token[scored], truth.weight[scored] / truth.weight[scored].sum())


def excess_when_erased(site: Site, truth: Contexts, *, seed: int) -> Float[np.ndarray, "K"]:
    """KL to the exact predictor, nats per token, on the held-out contexts, after each of the erasures in
    `KINDS` at this site.

    Contexts of each fold pass the eraser fitted on the other folds. Of `RANDOM` random subspaces the
    costliest is given.
    """
    belief, next_token = (moments(site.stream, labels, truth) for labels in (truth.belief, truth.next_token))
    others = [belief.others(f) for f in range(belief.n_folds)]
    scored, rng, d = np.flatnonzero(truth.fold >= 0), np.random.default_rng(seed), site.stream.shape[1]
    x, fold, exact = np.asarray(site.stream[scored], np.float64), truth.fold[scored], truth.next_token[scored]
    weight = truth.weight[scored] / truth.weight[scored].sum()

    def excess(erasers: list[Eraser]) -> float:
        out = np.empty_like(x)
        for f, eraser in enumerate(erasers):
            out[fold == f] = eraser(x[fold == f])
        return float(weight @ divergence(exact, site.predict(out, scored)))

    beliefs = [leace(belief, folds) for folds in others]
    mean = [belief.feature_law(folds)[0] for folds in others]
    kinds = (
        [Eraser(np.zeros((d, d)), m) for m in mean],
        beliefs,
        [leace(next_token, folds) for folds in others],
        *(
            [random_eraser(belief, folds, e.rank, rng) for folds, e in zip(others, beliefs, strict=True)]
            for _ in range(RANDOM)
        ),
        [Eraser(np.eye(d), m) for m in mean],
    )
    nothing, own, next_token_alone, *random, everything = map(excess, kinds)
    return np.array([nothing, own, next_token_alone, max(random), everything])


@dataclass(frozen=True, eq=False)
class Erasing:
    """KL to the exact predictor, nats per token, after each of the erasures (`KINDS`) after the last block,
    on histories that no eraser has seen.
    """

    sampled: int | None  # sequences drawn, where contexts are too many to enumerate
    worth: float  # of beliefs, on the same histories
    trained: Float[np.ndarray, "seeds K"]
    untrained: Float[np.ndarray, "seeds K"]
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    def cost(self, kind: Kind, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
        """What an erasure costs, as a share of what beliefs are worth."""
        values = self.trained if trained else self.untrained
        return (values[:, KINDS.index(kind)] - values[:, KINDS.index("nothing")]) / self.worth

    def cost_of_belief(self) -> Float[np.ndarray, "seeds"]:
        """What erasing the belief costs."""
        return self.cost("belief")

    def beyond_random(self) -> Float[np.ndarray, "seeds"]:
        """The same minus the cost of the costliest random subspace."""
        return self.cost("belief") - self.cost("random")

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """The same minus every untrained network's."""
        return self.cost("belief") - self.cost("belief", trained=False).max()


def erasing(runs: Mapping[str, train.Run]) -> Erasing:
    """Beliefs, random subspaces and everything erased after the last block of every trained network, and of
    untrained ones.
    """
    (run,) = runs.values()
    t, last = contexts(run.recipe.ground_truth(), run.recipe.model.n_ctx), run.recipe.model.stream[-1:]

    def measured(trained: bool) -> np.ndarray:
        networks = subjects(run, t, last, trained=trained)
        return np.stack([excess_when_erased(site, t, seed=s) for s, (site,) in enumerate(networks)])

    left = unlearned(observe(run.recipe.model, run.params(), t, ()))
    return Erasing(t.sampled, worth(t), measured(True), measured(False), left)


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "worth of beliefs on held-out histories, nats per token": worth(contexts(process, n_ctx)),
        "share of it lost when beliefs are erased": 1.0,
        "share lost when a random subspace is erased": 0.0,
    }


def _worthless(process: processes.Process, n_ctx: int) -> str | None:
    value = worth(contexts(process, n_ctx))
    if value < LEAST_WORTH:
        return (
            f"its beliefs are worth {value:.1e} nats per token beyond the marginal law, so erasing them can "
            "cost hardly anything"
        )
    return None


BG14: Claim[Erasing, Erasing] = Claim(
    id="BG14",
    statement="Erase the belief and the prediction goes: it costs at least half of what beliefs are worth.",
    source=(
        "causal extension of Shai et al. 2024 (arXiv:2405.15943), eraser of Belrose et al. 2023; the "
        "statistic is this lab's operationalisation"
    ),
    tested_on=("mess3", "rrxor", "nemo"),
    recipes=one_run,
    prediction=_prediction,
    refusal=_worthless,
    evidence=erasing,
    criteria=(
        Criterion("cost of erasing the belief, as a share of its worth", Erasing.cost_of_belief, above=HALF),
        Criterion("the same beyond the costliest random subspace", Erasing.beyond_random, above=0.0),
    ),
    controls=(
        learned_by(lambda e: e.unlearned),
        Criterion("erasing everything costs nearly all of it", lambda e: e.cost("everything"), above=0.9),
        Criterion("erasing a random subspace costs less than half", lambda e: e.cost("random"), below=HALF),
        Criterion(
            "beyond every untrained network",
            Erasing.beyond_untrained,
            above=0.0,
        ),
    ),
    drawn_from=Erasing,
    would_change=(
        "Networks that predict as well as before, or nearly, when no linear probe finds the belief any more."
    ),
    revision=2,
    limits=AFTER_THE_LAST_BLOCK
    + (
        "The eraser leaves nothing for a linear probe of the histories it was fitted on; what a nonlinear "
        "reader, or a linear one on new histories, still finds is not bounded. An erased stream is one the "
        "network has never met, so a cost above 1 means that it errs with confidence."
    ),
)
