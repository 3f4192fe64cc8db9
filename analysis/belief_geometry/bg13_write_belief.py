"""BG13: the belief is not only there but used: write another one and the prediction follows.

The belief of another history is written into the residual stream along the directions in which a probe reads
beliefs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

import processes
import train
from processes.values.notes import noted

from ..claim import Claim, Criterion
from ..controls import learned_by
from ..instruments.contexts import Contexts, contexts
from ..instruments.evidence import divergence, log_of, unlearned_by
from ..instruments.interventions.intervention import Site, random_like, subjects, written
from ..instruments.probing.probe import moments, probe
from ..recipes import one_run
from .wording import AFTER_THE_LAST_BLOCK

PAIRS = 2000
"""Pairs of histories whose beliefs are exchanged."""
LEAST = 0.05
"""Least KL, nats, of the counterfactual next-token distribution from the original one: pairs that predict
the same show nothing.
"""
Edit = Literal["none", "belief", "covariance", "random", "swap", "logits"]
WRITTEN: Edit = "covariance"
"""The edit that is judged: a change across the cloud of activations would test the edit, not the network."""
EDITS: tuple[Edit, ...] = get_args(Edit)
"""Nothing; the counterfactual belief by the shortest change; the same by the change that is likeliest where
the network's activations are; a change as long as that in a random direction; the whole stream of the
other history; the counterfactual distribution itself, at the logits.
"""
CERTAIN = 1e-6
"""Least probability that the direct edit of the logits writes."""
FEW_PAIRS = 200
"""Fewer pairs than this are no sample of histories."""


@noted(8)
def pairs(truth: Contexts) -> tuple[Int[np.ndarray, "M"], Int[np.ndarray, "M"]]:
    """Up to `PAIRS` pairs (i, j) of contexts of one length and of different folds with KL(p || q) > `LEAST`,
    where p and q are the next-token distributions after j and after i.

    Both are drawn by their weights, with a fixed seed; fifty times as many are drawn, and those that qualify
    are kept.
    """
    rng, scored = np.random.default_rng(0), np.flatnonzero(truth.fold >= 0)
    i = _drawn(scored, truth, rng.random(50 * PAIRS))
    j = np.empty_like(i)
    for length in np.unique(truth.length[i]):
        partner = np.flatnonzero(truth.length[i] == length)
        j[partner] = _drawn(scored[truth.length[scored] == length], truth, rng.random(len(partner)))
    log_p = log_of(truth.next_token)
    differ = (truth.fold[i] != truth.fold[j]) & (divergence(truth.next_token[j], log_p[i]) > LEAST)
    return i[differ][:PAIRS], j[differ][:PAIRS]


def _drawn(contexts: np.ndarray, truth: Contexts, uniform: np.ndarray) -> np.ndarray:
    mass = np.cumsum(truth.weight[contexts])
    return contexts[np.searchsorted(mass, uniform * mass[-1]).clip(max=len(contexts) - 1)]


def moved(subject: Sequence[Site], truth: Contexts, *, seed: int) -> Float[np.ndarray, "E L 2"]:
    """Where one network's predictions lie after each of the `EDITS`, written at each of its sites: KL(p ||
    prediction), nats, for the exact p of the context itself and for that of the other history, averaged over
    `pairs`; returns (EDITS, sites, 2).

    The probe that is written through has seen no context of the fold of the one that is edited.
    """
    i, j = pairs(truth)
    original, counterfactual = truth.next_token[i], truth.next_token[j]
    out = np.empty((len(EDITS), len(subject), 2))
    for k, site in enumerate(subject):
        x, every = np.asarray(site.stream[i], np.float64), moments(site.stream, truth.belief, truth)
        arguments = x, truth.belief[j], probe(every), truth.fold[i]
        covariance = [every.feature_moments(every.others(f))[1] for f in range(every.n_folds)]
        shortest = written(*arguments, [np.eye(x.shape[1])] * every.n_folds)
        likeliest = written(*arguments, covariance)
        random = x + random_like(likeliest - x, np.random.default_rng((seed, k)))
        swapped = np.asarray(site.stream[j], np.float64)
        predictions = [site.predict(edited, i) for edited in (x, shortest, likeliest, random, swapped)]
        predictions.append(np.log((counterfactual + CERTAIN) / (1 + CERTAIN * counterfactual.shape[1])))
        out[:, k] = [
            [divergence(exact, p).mean() for exact in (original, counterfactual)] for p in predictions
        ]
    return out


@dataclass(frozen=True, eq=False)
class Writing:
    """KL(p || edited prediction), nats, mean over pairs: by edit (`EDITS`), site, and whether p is the
    original distribution (0) or the counterfactual (1).
    """

    sampled: int | None  # sequences drawn, where contexts are too many to enumerate
    sites: tuple[str, ...]
    trained: Float[np.ndarray, "seeds E L 2"]
    untrained: Float[np.ndarray, "seeds E 1 2"]  # at the last site
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    def nearer(self, edit: Edit, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
        """KL to the original distribution minus KL to the counterfactual one, edited after the last block:
        positive once they cross over.
        """
        values = (self.trained if trained else self.untrained)[:, EDITS.index(edit), -1]
        return values[:, 0] - values[:, 1]

    def belief_crosses_over(self) -> Float[np.ndarray, "seeds"]:
        """How much nearer the prediction lies to the counterfactual once that history's belief is written."""
        return self.nearer(WRITTEN)

    def beyond_random(self) -> Float[np.ndarray, "seeds"]:
        """The same minus what a change as large in a random direction comes to."""
        return self.nearer(WRITTEN) - self.nearer("random")

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """The same minus every untrained network's."""
        return self.nearer(WRITTEN) - self.nearer(WRITTEN, trained=False).max()


def writing(runs: Mapping[str, train.Run]) -> Writing:
    """The belief of another history written at every site of every trained network, and at the last one of
    untrained ones.
    """
    (run,) = runs.values()
    t, sites = contexts(run.recipe.ground_truth(), run.recipe.model.n_ctx), run.recipe.model.stream

    def measured(trained: bool, at: tuple[str, ...]) -> np.ndarray:
        networks = subjects(run, t, at, trained=trained)
        return np.stack([moved(sites, t, seed=s) for s, sites in enumerate(networks)])

    trained, fresh = measured(True, sites), measured(False, sites[-1:])
    return Writing(t.sampled, sites, trained, fresh, unlearned_by(run))


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "pairs of histories": len(pairs(contexts(process, n_ctx))[0]),
        "KL to the counterfactual prediction after the edit": 0.0,
        "KL to the original prediction after the edit": "that between the two predictions",
    }


def _few_pairs(process: processes.Process, n_ctx: int) -> str | None:
    n = len(pairs(contexts(process, n_ctx))[0])
    if n < FEW_PAIRS:
        return (
            f"only {n} of {50 * PAIRS} drawn pairs of histories have next-token distributions that differ by "
            f"{LEAST} nats, so there is nothing to move"
        )
    return None


BG13: Claim[Writing, Writing] = Claim(
    id="BG13",
    statement=(
        "Beliefs are used: writing the belief of another history moves the prediction to that history's."
    ),
    source=(
        "causal extension of Shai et al. 2024 (arXiv:2405.15943); the statistic is this lab's "
        "operationalisation"
    ),
    tested_on=("mess3", "rrxor", "nemo"),
    runs=2,
    recipes=one_run,
    prediction=_prediction,
    refusal=_few_pairs,
    evidence=writing,
    criteria=(
        Criterion(
            "belief written along the covariance: KL to original − counterfactual, nats",
            Writing.belief_crosses_over,
            above=0.0,
        ),
        Criterion("the same beyond a norm-matched random edit", Writing.beyond_random, above=0.0),
    ),
    controls=(
        learned_by(lambda w: w.unlearned),
        Criterion(
            "without an edit the prediction is nearer to the original",
            lambda w: w.nearer("none"),
            below=0.0,
            means="what is asked for is predicted already, without any edit",
        ),
        Criterion(
            "after a norm-matched random edit it still is",
            lambda w: w.nearer("random"),
            below=0.0,
            means="any push of this length does it, in whichever direction",
        ),
        Criterion(
            "swapping the whole stream crosses over",
            lambda w: w.nearer("swap"),
            above=0.0,
            means="no edit of this stream could change what is predicted",
        ),
        Criterion(
            "a direct edit of the logits crosses over",
            lambda w: w.nearer("logits"),
            above=0.0,
            means="what is asked for is not told apart by this measure",
        ),
        Criterion(
            "beyond every untrained network",
            Writing.beyond_untrained,
            above=0.0,
            rival="the architecture alone",
        ),
    ),
    drawn_from=Writing,
    limits=AFTER_THE_LAST_BLOCK
    + (
        "The figure shows the same edit after every block, made at the last position alone while earlier "
        "positions run unedited. Judged is the change that is likeliest where the network's activations "
        "are, among all that the probe reads as the other belief; the shortest, which leaves their cloud, "
        "is drawn beside it, and is expected to fail."
    ),
    would_change=(
        "Predictions that stay with the original history when its belief is exchanged within the cloud."
    ),
    revision=2,
)
