"""The belief is not only there but used: write another one and the prediction follows, erase it and the
prediction goes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

import processes
import train

from ..claim import Claim, Criterion
from ..controls import beyond
from ..instruments.contexts import Contexts, contexts
from ..instruments.erasure import KINDS, excess_when_erased, worth
from ..instruments.intervention import subjects
from ..recipes import one_run
from .counterfactual import EDITS, LEAST, PAIRS, moved, pairs

FEW_PAIRS = 200
"""Fewer pairs than this are no sample of histories."""
LEAST_WORTH = 1e-3
"""Where beliefs are worth less (nats per token), there is hardly anything to lose."""


@dataclass(frozen=True, eq=False)
class Writing:
    """KL(law || edited prediction), nats, mean over pairs: by edit (`EDITS`), site, and whether the law is
    the original one (0) or the counterfactual (1).
    """

    contexts: Contexts
    sites: tuple[str, ...]
    trained: Float[np.ndarray, "seeds E L 2"]
    untrained: Float[np.ndarray, "seeds E 1 2"]  # at the last site

    def nearer(self, edit: str, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
        """KL to the original law minus KL to the counterfactual one, edited after the last block: positive
        once they cross over.
        """
        values = (self.trained if trained else self.untrained)[:, EDITS.index(edit), -1]
        return values[:, 0] - values[:, 1]


def writing(runs: Mapping[str, train.Run]) -> Writing:
    """The belief of another history written at every site of every trained network, and at the last one of
    untrained ones.
    """
    (run,) = runs.values()
    what, sites = contexts(run.recipe.ground_truth(), run.recipe.model.n_ctx), run.recipe.model.stream

    def measured(trained: bool, at: tuple[str, ...]) -> np.ndarray:
        return np.stack(
            [
                moved(subject, what, seed=s)
                for s, subject in enumerate(subjects(run, what, at, trained=trained))
            ]
        )

    return Writing(what, sites, measured(True, sites), measured(False, sites[-1:]))


@dataclass(frozen=True, eq=False)
class Erasing:
    """KL to the exact predictor, nats per token, after each of the erasures (`KINDS`) after the last block,
    on histories that no eraser has seen.
    """

    contexts: Contexts
    worth: float  # of beliefs, on the same histories
    trained: Float[np.ndarray, "seeds K"]
    untrained: Float[np.ndarray, "seeds K"]

    def cost(self, kind: str, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
        """What an erasure costs, as a share of what beliefs are worth."""
        values = self.trained if trained else self.untrained
        return (values[:, KINDS.index(kind)] - values[:, KINDS.index("nothing")]) / self.worth


def erasing(runs: Mapping[str, train.Run]) -> Erasing:
    """Beliefs, random subspaces and everything erased after the last block of every trained network, and of
    untrained ones.
    """
    (run,) = runs.values()
    what, last = contexts(run.recipe.ground_truth(), run.recipe.model.n_ctx), run.recipe.model.stream[-1:]

    def measured(trained: bool) -> np.ndarray:
        networks = subjects(run, what, last, trained=trained)
        return np.stack([excess_when_erased(site, what, seed=s) for s, (site,) in enumerate(networks)])

    return Erasing(what, worth(what), measured(True), measured(False))


def _few_pairs(process: processes.Process, n_ctx: int) -> str | None:
    found = len(pairs(contexts(process, n_ctx))[0])
    if found < FEW_PAIRS:
        return (
            f"only {found} of {50 * PAIRS} drawn pairs of histories have next-token laws that differ by "
            f"{LEAST} nats, so there is nothing to move"
        )
    return None


def _worthless(process: processes.Process, n_ctx: int) -> str | None:
    value = worth(contexts(process, n_ctx))
    if value < LEAST_WORTH:
        return (
            f"its beliefs are worth {value:.1e} nats per token beyond the marginal law, so erasing them can "
            "cost hardly anything"
        )
    return None


FINAL = (
    "The edit is made after the last block, where nothing of the past is read any more: the only use a "
    "belief can have there is the next "
    "token, so on processes whose beliefs go beyond the next-token law the verdict is about the part of the "
    "belief that predicts it. "
)

BG13 = Claim(
    id="BG13",
    statement=(
        "Beliefs are used: writing the belief of another history moves the prediction to that history's."
    ),
    source=(
        "causal extension of Shai et al. 2024 (arXiv:2405.15943); the statistic is this lab's "
        "operationalisation"
    ),
    tested_on=("mess3", "rrxor"),
    recipes=one_run,
    prediction=lambda process, n_ctx: {
        "pairs of histories": len(pairs(contexts(process, n_ctx))[0]),
        "KL to the counterfactual prediction after the edit": 0.0,
        "KL to the original prediction after the edit": "that between the two predictions",
    },
    refusal=_few_pairs,
    evidence=writing,
    criteria=(
        Criterion(
            "belief written: KL to original − counterfactual law, nats",
            lambda w: w.nearer("belief"),
            above=0.0,
        ),
        Criterion(
            "the same beyond a norm-matched random edit",
            lambda w: w.nearer("belief") - w.nearer("random"),
            above=0.0,
        ),
    ),
    controls=(
        Criterion(
            "without an edit the prediction is nearer to the original", lambda w: w.nearer("none"), below=0.0
        ),
        Criterion("after a norm-matched random edit it still is", lambda w: w.nearer("random"), below=0.0),
        Criterion("swapping the whole stream crosses over", lambda w: w.nearer("swap"), above=0.0),
        Criterion("a direct edit of the logits crosses over", lambda w: w.nearer("logits"), above=0.0),
        Criterion(
            "beyond every untrained network",
            lambda w: beyond(w.nearer("belief"), w.nearer("belief", trained=False).max()),
            above=0.0,
        ),
    ),
    shown=lambda w: {
        "sites": np.array(w.sites),
        "edits": np.array(EDITS),
        "trained": w.trained,
        "untrained": w.untrained,
    },
    limits=FINAL
    + "The figure shows the same edit after every block, made at the last position alone while earlier "
    "positions run unedited. It is the "
    "shortest edit that the probe reads as the other belief, and need not lie where the network's "
    "activations ever are.",
)

BG14 = Claim(
    id="BG14",
    statement="Erase the belief and the prediction goes: it costs at least half of what beliefs are worth.",
    source=(
        "causal extension of Shai et al. 2024 (arXiv:2405.15943), eraser of Belrose et al. 2023; the "
        "statistic is this lab's operationalisation"
    ),
    tested_on=("mess3", "rrxor"),
    recipes=one_run,
    prediction=lambda process, n_ctx: {
        "worth of beliefs on held-out histories, nats per token": worth(contexts(process, n_ctx)),
        "share of it lost when beliefs are erased": 1.0,
        "share lost when a random subspace is erased": 0.0,
    },
    refusal=_worthless,
    evidence=erasing,
    criteria=(
        Criterion(
            "cost of erasing the belief, as a share of its worth", lambda e: e.cost("belief"), above=0.5
        ),
        Criterion(
            "the same beyond the costliest random subspace",
            lambda e: e.cost("belief") - e.cost("random"),
            above=0.0,
        ),
    ),
    controls=(
        Criterion("erasing everything costs nearly all of it", lambda e: e.cost("everything"), above=0.9),
        Criterion("erasing a random subspace costs less than half", lambda e: e.cost("random"), below=0.5),
        Criterion(
            "beyond every untrained network",
            lambda e: beyond(e.cost("belief"), e.cost("belief", trained=False).max(), 0.5),
            above=0.0,
        ),
    ),
    shown=lambda e: {
        "kinds": np.array(KINDS),
        "worth": np.array(e.worth),
        "trained": e.trained,
        "untrained": e.untrained,
    },
    limits=FINAL
    + "The eraser leaves nothing for a linear probe of the histories it was fitted on; what a nonlinear "
    "reader, or a linear one on new "
    "histories, still finds is not bounded. An erased stream is one the network has never met, so a cost "
    "above 1 means that it errs with "
    "confidence.",
)
