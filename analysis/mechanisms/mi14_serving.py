"""MI14: serving changes nothing. However a network is run, its predictions are the same to rounding; and
drafts of a cheaper predictor, once judged, leave its text its own and are kept as often as they overlap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

import processes
import toy
import train

from ..claim import Claim, Criterion, Published
from ..controls import learned_by
from ..instruments.contexts import contexts
from ..instruments.evidence import unlearned_by
from ..instruments.forward import alone, forward, log_distribution, member
from ..instruments.serving import (
    WAYS,
    Draft,
    Written,
    course,
    differences,
    markov_draft,
    share_of_draft,
    speculate,
)
from ..instruments.untrained import untrained
from ..recipes import one_run

ORDERS = (1, 2, 3, 4)
"""Tokens that the drafts know."""
TEXTS = 5_000
"""Sequences that each network writes with each draft."""
ROUNDING = 2e-6
"""Largest total variation of two predictions that is rounding: float32 rounds logits of 15 by a millionth."""
OFF = 0.01
"""Largest difference of shares of drafts that are kept."""
MIXED = 0.1
"""Largest share of the draft's own distribution in a text that is the network's."""


@dataclass(frozen=True, eq=False)
class Served:
    """Networks run in several ways, and the text that they write with drafts."""

    apart: Float[np.ndarray, "W seeds"]  # by way, largest total variation from one batch
    exact: Float[np.ndarray, "K"]  # share of drafts that the exact predictor keeps
    exact_tokens: Float[np.ndarray, "K"]  # that it writes for each of its passes
    kept: Float[np.ndarray, "K seeds"]  # share that was kept
    tokens: Float[np.ndarray, "K seeds"]  # written for each pass
    mixed: Float[np.ndarray, "seeds"]  # share of the draft's distribution in the text with the first draft
    unjudged: Float[np.ndarray, "seeds"]  # the same in the text of the first draft alone
    untrained: Float[np.ndarray, "K seeds"]  # share that untrained networks keep
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    @property
    def off(self) -> Float[np.ndarray, "seeds"]:
        """Share kept minus the exact one, for the draft where it is farthest, without sign."""
        return np.abs(self.kept - self.exact[:, None]).max(0)

    @property
    def untrained_off(self) -> Float[np.ndarray, "seeds"]:
        """The same of untrained networks."""
        return np.abs(self.untrained - self.exact[:, None]).max(0)


def served(runs: Mapping[str, train.Run]) -> Served:
    """Run every network in every way, and let it write with every draft."""
    (run,) = runs.values()
    recipe, config = run.recipe, run.recipe.model
    tree = processes.prefix_tree(recipe.ground_truth(), config.n_ctx)
    drafts = [markov_draft(tree.process, k) for k in ORDERS]
    courses = [course(tree, tree.next_token, draft) for draft in drafts]
    params, fresh = run.params(), untrained(recipe)
    ways = differences(config, params, tree)
    seeds = range(recipe.seeds)
    trained = [[_written(config, member(params, i), tree, d, i) for i in seeds] for d in drafts]
    new = [[_written(config, member(fresh, i), tree, d, i) for i in seeds] for d in drafts]
    return Served(
        apart=np.array([ways[way] for way in WAYS]),
        exact=np.array([c.share for c in courses]),
        exact_tokens=np.array([config.n_ctx / c.passes for c in courses]),
        kept=np.array([[text.course.share for text in row] for row in trained]),
        tokens=np.array([[TEXTS * config.n_ctx / text.course.passes for text in row] for row in trained]),
        mixed=np.array([_mixed(config, member(params, i), trained[0][i].tokens, drafts[0]) for i in seeds]),
        unjudged=np.array([_unjudged(config, member(params, i), tree, drafts[0], i) for i in seeds]),
        untrained=np.array([[text.course.share for text in row] for row in new]),
        unlearned=unlearned_by(run),
    )


def _written(
    config: toy.Config, params: toy.Params, tree: processes.PrefixTree, draft: Draft, seed: int
) -> Written:
    """The text that one network writes with a draft."""
    return speculate(config, params, draft, _first(tree, seed), config.n_ctx, seed=seed)


def _unjudged(
    config: toy.Config, params: toy.Params, tree: processes.PrefixTree, draft: Draft, seed: int
) -> float:
    """The share of the draft's distribution in the text that it writes alone."""
    rng = np.random.default_rng(seed)
    text = np.pad(_first(tree, seed), ((0, 0), (0, config.n_ctx)))
    for t in range(1, text.shape[1]):
        q = np.asarray(draft.after(jnp.asarray(text), jnp.full(len(text), t)), np.float64)
        text[:, t] = (rng.random((len(q), 1)) * q.sum(1, keepdims=True) >= q.cumsum(1)).sum(1)
    return _mixed(config, params, text, draft)


def _first(tree: processes.PrefixTree, seed: int) -> Int[np.ndarray, "B 1"]:
    """First tokens of as many sequences, as the process emits them."""
    first = tree.level(1)
    drawn = np.random.default_rng(seed).choice(
        tree.token[first], TEXTS, p=tree.probability[first] / tree.probability[first].sum()
    )
    return drawn[:, None]


def _mixed(config: toy.Config, params: toy.Params, text: Int[np.ndarray, "B T"], draft: Draft) -> float:
    p = np.exp(log_distribution(forward(config, alone(params), text[:, :-1])["logits"][0]))
    return share_of_draft(text, p, draft)


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    tree = processes.prefix_tree(process, n_ctx)
    return {
        f"share kept of what a memory of {k} tokens drafts": course(
            tree, tree.next_token, markov_draft(process, k)
        ).share
        for k in ORDERS
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if contexts(process, n_ctx).tree is None:
        return f"it has too many contexts of up to {n_ctx} tokens to follow drafts along all of them"
    if not process.is_stationary:
        return "it does not start stationary, so a memory of its last tokens is no one predictor"
    return None


MI14: Claim[Served, Served] = Claim(
    id="MI14",
    statement=(
        "Serving changes nothing: one by one, in other orders, along the prefix tree, from what was kept, "
        "from shared beginnings and from pages a network predicts the same, and with drafts it writes its "
        "own text."
    ),
    source=(
        "Notes on serving; Leviathan, Kalman & Matias 2023 (arXiv:2211.17192) for drafts; thresholds are "
        "this lab's"
    ),
    tested_on=("mess3", "rrxor"),
    recipes=one_run,
    evidence=served,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "largest total variation of a prediction by any way of running",
            lambda s: s.apart.max(0),
            below=ROUNDING,
            over="nearly all",
        ),
        Criterion(
            "share of drafts kept, minus that of the exact predictor, the worst draft, without sign",
            lambda s: s.off,
            below=OFF,
        ),
        Criterion(
            "share of the draft's own law in the text, drafts of one token's memory",
            lambda s: s.mixed,
            above=-MIXED,
            below=MIXED,
        ),
    ),
    controls=(
        learned_by(lambda s: s.unlearned),
        Criterion(
            "share of the draft's own law in its text where nobody judges",
            lambda s: s.unjudged,
            above=1 - MIXED,
            below=1 + MIXED,
            means="what is looked at in the text does not tell drafts from the network's own tokens",
        ),
        Criterion(
            "untrained networks keep another share of some draft, without sign",
            lambda s: s.untrained_off,
            above=OFF,
            means="any network keeps as many drafts",
        ),
    ),
    published=(
        Published(
            "share of the drafts of one token's memory that is kept",
            "sum min(p, q), in expectation (Leviathan et al. 2023)",
            lambda s: s.kept[0],
            lambda s: s.untrained[0],
        ),
    ),
    drawn_from=Served,
    revision=2,
    would_change=(
        "A way of running that moves a prediction by more than float32 rounds, or text with judged drafts "
        "that a test tells from the network's own."
    ),
    limits=(
        "Every sequence ends within the network's context; nothing is said of longer text, where what is "
        "kept would have to be given up. Drafts know the exact process, which a draft in use does not. "
        "Shares are of drafts as they come, one for each pass: which contexts they meet depends on what "
        "became of those before, and the exact share is worked out so. Times are not compared here: "
        "docs/benchmarks.md has them."
    ),
)
