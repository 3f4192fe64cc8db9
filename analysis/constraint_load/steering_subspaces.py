"""Steering vectors in subspaces of their own, overlapping by chance, or all in one: what happens when all are
switched on together.

Each of K constraints is given r dimensions of the stream of a frozen network. A vector in them is fitted for
that constraint alone (`train.steer`: equal steps, r parameters each), and then all K are added. What differs
is only how the subspaces lie:

    orthogonal   consecutive rows of one random rotation: no two share a direction (K r <= d)
    random       independent uniformly random subspaces: they overlap by r / d in mean squared cosine
    same         one subspace for all

This lab's operationalisation of *allocating the budget*.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

import processes
import train

from ..instruments.forward import Added, forward, log_distribution
from .regimes import site

WAYS = ("orthogonal", "random", "same")
WORDS = 256


@dataclass(frozen=True, eq=False)
class Allocated:
    """Violation of networks in each way: mass on forbidden symbols over that of the base predictor (0:
    obeyed, 1: ignored).
    """

    joint: Mapping[str, Float[np.ndarray, "seeds"]]  # all constraints, all vectors
    alone: Mapping[str, Float[np.ndarray, "seeds"]]  # each constraint with its own vector, mean
    shuffled: Float[
        np.ndarray, "seeds"
    ]  # all constraints, with random vectors of equal norm in the orthogonal subspaces


def bases(way: str, K: int, r: int, d: int, rng: np.random.Generator) -> Float[np.ndarray, "K r d"]:
    """Orthonormal rows that span the subspace of each constraint. Raises `ValueError` where K r orthogonal
    directions do not fit into d.
    """
    if way == "random":
        return np.stack([np.linalg.qr(rng.normal(size=(d, r)))[0].T for _ in range(K)])
    rotation = np.linalg.qr(rng.normal(size=(d, d)))[0]
    if way == "same":
        return np.broadcast_to(rotation[:r], (K, r, d)).copy()
    if K * r > d:
        raise ValueError(
            f"{K} subspaces of {r} dimensions are not orthogonal in {d}; ask for fewer or smaller ones"
        )
    return rotation[: K * r].reshape(K, r, d)


@train.pinned()
def allocated(run: train.Run, K: int, r: int, how: train.Steering) -> Allocated:
    """Fit the vectors of all ways on the frozen networks of a run on `mess(x=1/s, ..)`, whose symbols are
    alike; constraint k is `never k`.
    """
    config, params, seeds = run.recipe.model, run.params(), run.recipe.seeds
    how = replace(how, site=site(config))
    rngs = [np.random.default_rng([s, run.recipe.first_seed]) for s in range(seeds)]
    spans = {
        way: np.stack([bases(way, K, r, config.d_model, rng) for rng in rngs]) for way in WAYS
    }  # (seeds, K, r, d)
    fitted = {
        way: np.stack(
            [
                np.asarray(
                    train.steer(
                        config,
                        params,
                        replace(how, process=f"given({run.recipe.process}; never {k})"),
                        span[:, k],
                    ).vector
                )
                for k in range(K)
            ],
            axis=1,
        )
        for way, span in spans.items()
    }  # (seeds, K, d)
    aside = np.stack(
        [
            _turned(v, span, rng)
            for v, span, rng in zip(fitted["orthogonal"], spans["orthogonal"], rngs, strict=True)
        ]
    )
    words = processes.sample(run.recipe.ground_truth(), (WORDS, config.n_ctx), np.random.default_rng(0))

    def violation(vector: np.ndarray, forbidden: range) -> np.ndarray:
        steering = Added(how.site, vector, how.first)
        predicted = np.exp(log_distribution(forward(config, params, words, edit=steering)["logits"]))
        return predicted.mean((1, 2))[:, list(forbidden)].sum(1) * config.vocab / len(forbidden)

    return Allocated(
        {way: violation(v.sum(1), range(K)) for way, v in fitted.items()},
        {
            way: np.mean([violation(v[:, k], range(k, k + 1)) for k in range(K)], axis=0)
            for way, v in fitted.items()
        },
        violation(aside.sum(1), range(K)),
    )


def _turned(vectors: np.ndarray, spans: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For each constraint a random vector of its subspace, as long as the fitted one."""
    drawn = np.einsum("kr,krd->kd", rng.normal(size=spans.shape[:2]), spans)
    return drawn * (np.linalg.norm(vectors, axis=1) / np.linalg.norm(drawn, axis=1))[:, None]
