"""Steering vectors in subspaces of their own, overlapping by chance, or all in one: what happens when all are
switched on together.

Each of K constraints is given r dimensions of the stream of a frozen network, and a vector in them: r
parameters each, whichever way the subspaces lie:

    orthogonal   consecutive rows of one random rotation: no two share a direction (K r <= d)
    random       independent uniformly random subspaces: they overlap by r / d in mean squared cosine
    same         one subspace for all

Vectors are fitted *apart*, each with its constraint alone (`train.steer`), and meet only when they are added;
or *jointly*, all at once with all constraints on, in equally many steps. Jointly, only what the subspaces
span together can matter: K r dimensions for the first two ways, r for the third.

This lab's operationalisation of *allocating the budget*.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

import processes
import train
from processes.algebra.span import random_frame
from processes.constraints import library

from ..instruments.forward import Added, forward, log_distribution
from ..instruments.interventions.intervention import as_long
from .regimes import site

WAYS = ("orthogonal", "random", "same")
WORDS = 512
"""Drawn from the process that obeys what is on, on which violation is measured."""


@dataclass(frozen=True, eq=False)
class Allocated:
    """Violation of networks in each way: mass on forbidden symbols over that of the exact unconstrained base
    predictor, on the same contexts (0: obeyed, 1: ignored).
    """

    apart: Mapping[str, Float[np.ndarray, "seeds"]]  # all constraints, all vectors, fitted each for itself
    jointly: Mapping[str, Float[np.ndarray, "seeds"]]  # all constraints, all vectors, fitted together
    alone: Mapping[str, Float[np.ndarray, "seeds"]]  # each constraint with its own vector, the worst
    shuffled: Float[
        np.ndarray, "seeds"
    ]  # all constraints, with random vectors of equal norm in the orthogonal subspaces


def bases(way: str, K: int, r: int, d: int, rng: np.random.Generator) -> Float[np.ndarray, "K r d"]:
    """Orthonormal rows that span the subspace of each constraint. Raises `ValueError` where K r orthogonal
    directions do not fit into d.
    """
    if way == "random":
        return np.stack([random_frame(d, r, rng).T for _ in range(K)])
    rotation = random_frame(d, d, rng)
    if way == "same":
        return np.broadcast_to(rotation[:r], (K, r, d)).copy()
    if K * r > d:
        raise ValueError(
            f"{K} subspaces of {r} dimensions are not orthogonal in {d}; ask for fewer or smaller ones"
        )
    return rotation[: K * r].reshape(K, r, d)


def obeying(base: str, symbols: Sequence[int]) -> str:
    """The process that is the base, conditioned on none of some symbols."""
    return f"given({base}; {'; '.join(f'never {library.symbols([k])}' for k in symbols)})"


@train.pinned()
def allocated(run: train.Run, K: int, r: int, how: train.Steering) -> Allocated:
    """Fit the vectors of all ways on the frozen networks of a run on a process whose symbols are alike;
    constraint k is `never k`.
    """
    config, params, seeds, base = run.recipe.model, run.params(), run.recipe.seeds, run.recipe.process
    how = replace(how, site=site(config))
    rngs = [np.random.default_rng([s, run.recipe.first_seed]) for s in range(seeds)]

    def fit(symbols: Sequence[int], span: np.ndarray) -> np.ndarray:
        found = train.steer(config, params, replace(how, process=obeying(base, symbols)), span)
        return np.asarray(found.vector)

    spans = {
        way: np.stack([bases(way, K, r, config.d_model, rng) for rng in rngs]) for way in WAYS
    }  # (seeds, K, r, d)
    fitted = {
        way: np.stack([fit([k], span[:, k]) for k in range(K)], axis=1) for way, span in spans.items()
    }  # (seeds, K, d)
    together = {way: fit(range(K), span.reshape(seeds, K * r, -1)) for way, span in spans.items()}
    own = zip(fitted["orthogonal"], spans["orthogonal"], rngs, strict=True)
    aside = np.stack([_turned(v, span, rng) for v, span, rng in own])
    all_on, one_on = _violation(run, range(K)), [_violation(run, [k]) for k in range(K)]

    def added(vector: np.ndarray) -> Added:
        return Added(how.site, vector, how.first)

    return Allocated(
        {way: all_on(added(v.sum(1))) for way, v in fitted.items()},
        {way: all_on(added(v)) for way, v in together.items()},
        {
            way: np.max([one(added(v[:, k])) for k, one in enumerate(one_on)], axis=0)
            for way, v in fitted.items()
        },
        all_on(added(aside.sum(1))),
    )


def _violation(run: train.Run, symbols: Sequence[int]) -> Callable[[Added], Float[np.ndarray, "seeds"]]:
    """Relative violation of the networks of a run once they are steered, where some symbols are forbidden."""
    config, params, base = run.recipe.model, run.params(), run.recipe.ground_truth()
    within = processes.named(obeying(run.recipe.process, symbols))
    words = processes.sample(within, (WORDS, config.n_ctx), np.random.default_rng(0))
    exact = processes.predict(base, processes.filter(base, words).belief)
    at_stake = exact[..., list(symbols)].sum(-1).mean()

    def measured(steering: Added) -> np.ndarray:
        predicted = np.exp(log_distribution(forward(config, params, words, edit=steering)["logits"]))
        return predicted[..., list(symbols)].sum(-1).mean((1, 2)) / at_stake

    return measured


def _turned(vectors: np.ndarray, spans: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each constraint a random vector of its subspace, as long as the fitted one."""
    return as_long(np.einsum("kr,krd->kd", rng.normal(size=spans.shape[:2]), spans), vectors)
