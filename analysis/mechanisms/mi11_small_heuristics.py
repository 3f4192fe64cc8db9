"""MI11: predictions are no bunch of small heuristics that know nothing of each other.

If what the parts of a network add to the logits were independent, fourth cumulants would add, and a sum of
many parts would be nearly Gaussian. Exact logits have a distribution of their own. Where it is flatter than a
Gaussian, it says how many parts could be independent at most.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float64

import processes
import toy
import train

from ..claim import Claim, Criterion
from ..controls import learned_by
from ..instruments.contexts import Contexts, contexts
from ..instruments.decompositions.attribution import (
    attributed,
    dealt_apart,
    excess_kurtosis,
    gaussian_over_laplace,
    parts_of,
    sums,
)
from ..instruments.evidence import unlearned_by
from ..instruments.forward import member
from ..instruments.probing.study import check
from ..instruments.untrained import untrained
from ..recipes import one_run

FLAT = -0.2
"""Excess kurtosis of exact logits that is flat enough for a bound: ten independent parts could have it."""
EXACT = 0.1
"""By which the excess kurtosis of logits may differ from that of exact ones, for the bound to be theirs."""
ADDS_UP = 1e-2
"""Of the spread of logits, by which the sum of parts may miss them."""
APART = 0.1
"""Logarithm of a ratio that may be left of parts that are independent by construction."""
DRAWS = 20_000
"""Contexts that each part is dealt."""


@dataclass(frozen=True, eq=False)
class Bunch:
    """What parts of networks add to the logits at the last position; geometric means over symbols."""

    sampled: int | None
    parts: tuple[str, ...]
    exact: float  # excess kurtosis of exact logits, mean over symbols
    allowed: float  # most parts that could be independent and add up to these
    together: Float[np.ndarray, "seeds"]  # variance of the sum of parts over the sum of their variances
    effective: Float[np.ndarray, "seeds"]  # number of parts, each as large as it is
    kurtosis: Float[np.ndarray, "seeds"]  # excess, of logits, mean over symbols
    independent: Float[np.ndarray, "seeds"]  # the same if parts were independent
    dealt: Float[np.ndarray, "seeds"]  # `together` of parts dealt out apart
    missing: Float[np.ndarray, "seeds"]  # of the spread of logits, what parts do not add up to
    share: Float[np.ndarray, "C seeds"]  # variance of each part over that of the logits
    gaussian: Float[np.ndarray, "C seeds"]  # log-likelihood over a Laplace distribution's, nats, held out
    untrained: Float[np.ndarray, "seeds"]  # `together` of untrained networks
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    def crowded(self) -> Float[np.ndarray, "seeds"]:
        """Log of the number of parts over the most that could be independent."""
        return np.log(self.effective / self.allowed)


def exact_kurtosis(t: Contexts) -> Float64[np.ndarray, "V"]:
    """Excess kurtosis of the exact logits of each symbol at the last position, less their mean over symbols.

    Not a number where a symbol is impossible in some context, so that its logit has no bound.
    """
    last = _last(t)
    p = t.next_token[last]
    if p.min() <= t.process.zero:
        return np.full(t.process.vocab, np.nan)
    logits = np.log(p)
    return excess_kurtosis(logits - logits.mean(1, keepdims=True), t.weight[last])


def bunch(runs: Mapping[str, train.Run]) -> Bunch:
    """Of trained and untrained networks, one at a time."""
    (run,) = runs.values()
    recipe, config = run.recipe, run.recipe.model
    assert isinstance(config, toy.TransformerConfig)
    t = contexts(recipe.ground_truth(), config.n_ctx)
    params, fresh, exact = run.params(), untrained(recipe), exact_kurtosis(t)
    found = [_of_network(config, member(params, i), t) for i in range(recipe.seeds)]
    return Bunch(
        sampled=t.sampled,
        parts=parts_of(config),
        exact=float(exact.mean()),
        allowed=_typical(2 / np.abs(exact)),
        **{name: np.array([f[name] for f in found]) for name in ALONE},
        **{name: np.array([f[name] for f in found]).T for name in BY_PART},
        untrained=np.array([_together(config, member(fresh, i), t) for i in range(recipe.seeds)]),
        unlearned=unlearned_by(run),
    )


ALONE = ("together", "effective", "kurtosis", "independent", "dealt", "missing")
"""Fields of `Bunch` with a number for each network."""
BY_PART = ("share", "gaussian")
"""Those with one for each of its parts."""


def _of_network(config: toy.TransformerConfig, params: toy.Params, t: Contexts) -> dict[str, Any]:
    last = _last(t)
    weight = t.weight[last]
    found = attributed(config, params, t, last)
    said, apart = sums(found.added, weight), dealt_apart(found.added, weight, DRAWS)
    even = np.full(DRAWS, 1 / DRAWS)
    return {
        "together": _typical(said.together),
        "effective": _typical(said.effective),
        "kurtosis": said.kurtosis.mean(),
        "independent": said.independent.mean(),
        "dealt": _typical(sums(apart, even).together),
        "missing": found.missing,
        "share": said.shares.mean(1),
        "gaussian": gaussian_over_laplace(found.added, weight, t.half(0)[last]),
    }


def _together(config: toy.TransformerConfig, params: toy.Params, t: Contexts) -> float:
    last = _last(t)
    return _typical(sums(attributed(config, params, t, last).added, t.weight[last]).together)


def _last(t: Contexts) -> Bool[np.ndarray, "N"]:
    return np.asarray(t.length == t.n_ctx)


def _typical(values: Float64[np.ndarray, "V"]) -> float:
    """Geometric mean."""
    return float(np.exp(np.log(values).mean()))


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    exact = exact_kurtosis(contexts(process, n_ctx))
    return {
        "excess kurtosis of exact logits at the last position": float(exact.mean()),
        "most parts that could be independent": _typical(2 / np.abs(exact)),
    }


def _refusal(process: processes.Source, n_ctx: int) -> str | None:
    if not isinstance(process, processes.Process):
        return "it is a question, with no beliefs to be probed"
    check(process, n_ctx)
    exact = exact_kurtosis(contexts(process, n_ctx))
    if np.isnan(exact).any():
        return "some symbol is impossible in some context, so that its exact logit has no bound"
    if exact.max() > FLAT:
        return (
            f"exact logits of a symbol have excess kurtosis {exact.max():.2g}, which sums of over ten "
            f"independent parts can have as well; it must be at most {FLAT}"
        )
    return None


MI11: Claim[Bunch, Bunch] = Claim(
    id="MI11",
    statement=(
        "Predictions are no bunch of small heuristics: what the parts of a network add to the logits is more "
        "than could be independent, and they pull together."
    ),
    source=(
        "public comments on networks as bunches of heuristics, in words; the bound on the number of "
        "independent parts and statistics: this lab's"
    ),
    tested_on=("mess3", "mess3:piotrowski2025"),
    recipes=one_run,
    evidence=bunch,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "log of the effective number of parts, over the most that could be independent",
            Bunch.crowded,
            above=0.0,
        ),
        Criterion(
            "log of the variance of the sum of parts, over the sum of their variances",
            lambda b: np.log(b.together),
            above=0.0,
        ),
    ),
    controls=(
        learned_by(lambda b: b.unlearned),
        Criterion(
            "excess kurtosis of logits, minus that of exact ones",
            lambda b: b.kurtosis - b.exact,
            above=-EXACT,
            below=EXACT,
            over="nearly all",
            means="logits are not the exact ones, from which the bound follows",
        ),
        Criterion(
            "what the parts do not add up to, over the spread of logits",
            lambda b: b.missing,
            below=ADDS_UP,
            over="nearly all",
            means="the logits are not the sum of these parts",
        ),
        Criterion(
            "log of the same ratio of parts dealt out apart",
            lambda b: np.log(b.dealt),
            above=-APART,
            below=APART,
            over="nearly all",
            means="parts that are independent by construction are not found to be",
        ),
        Criterion(
            "log of the ratio of variances, minus that of untrained networks",
            lambda b: np.log(b.together) - np.log(b.untrained).mean(),
            above=0.0,
            rival="weights before training",
        ),
    ),
    drawn_from=Bunch,
    would_change=(
        "Networks at the floor of which one part does nearly all, so that no more are at work than could be "
        "independent; or parts that cancel each other, or add up as independent ones do."
    ),
    limits=(
        "Parts are the embedding with positions, heads and MLPs, some ten: neurons or learned features may "
        "be another bunch. At the last position alone, where the bound is a theorem: fourth cumulants of "
        "independent parts add, and no excess kurtosis is below -2. What a part adds is read through the "
        "final norm at the actual scale of each context, so that parts add up to the logits exactly; that "
        "all are divided by one scale ties them together, which is part of what is measured. Nothing is "
        "asked of the shape of a single part; by how much a Gaussian fits it better than a Laplace "
        "distribution is drawn."
    ),
)
