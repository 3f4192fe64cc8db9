"""Kinetic and potential terms of a forward pass, and how well their sum is conserved along depth.

The theory speaks of a Hamiltonian, without saying in which units a step of the residual stream adds to nats.
A network with a norm before every block computes the same whatever the scale of its stream, so a unit has to
be chosen. `balanced`, this lab's operationalisation, gives both terms the same mean; `own`, shown beside,
takes the stream as it is.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

import train

from ..instruments.contexts import Contexts
from ..instruments.intervention import subjects

UNITS = ("balanced", "own")
"""The mean kinetic term over contexts and depth is set equal to the mean potential one; or the stream's own
units squared are added to nats.
"""
ORDERS = 24
"""Random orders of the layers behind the control that depth matters."""


def kinetic(stream: Float[np.ndarray, "sites N d"]) -> Float[np.ndarray, "sites sites N"]:
    """|h_i - h_j|^2 / 2 between any two layers, in squared units of the stream; the steps of a forward pass
    are those of neighbours.
    """
    n = len(stream)
    moved = np.zeros((n, n, stream.shape[1]))
    for i in range(n):
        for j in range(i):
            step = np.asarray(stream[i], np.float64) - stream[j]
            moved[i, j] = moved[j, i] = np.einsum("nd,nd->n", step, step) / 2
    return moved


def potential(
    law: Float[np.ndarray, "N V"], log_prediction: Float[np.ndarray, "sites N V"]
) -> Float[np.ndarray, "sites N"]:
    """-log p(correct), averaged over the exact law of the next token: the cross entropy of what each layer
    would predict, nats.
    """
    return -(law * log_prediction).sum(-1)


def halfway(values: Float[np.ndarray, "sites N"]) -> Float[np.ndarray, "steps N"]:
    """The mean of a quantity before and after each step: where the kinetic term of that step is."""
    return (values[1:] + values[:-1]) / 2


def balance(
    kinetic: Float[np.ndarray, "steps N"],
    potential: Float[np.ndarray, "steps N"],
    weight: Float[np.ndarray, "N"],
) -> float:
    """Nats per squared unit of the stream that give both terms the same mean over contexts (by weight) and
    steps; 1 where nothing moves.
    """
    moved, height = ((term.mean(0) @ weight) for term in (kinetic, potential))
    return float(height / moved) if moved > 0 else 1.0


def variation(total: Float[np.ndarray, "steps N"], weight: Float[np.ndarray, "N"]) -> float:
    """Coefficient of variation along depth, per context, averaged by weight: 0 where the sum is conserved."""
    return float((total.std(0) / total.mean(0)) @ weight / weight.sum())


@dataclass(frozen=True, eq=False)
class Terms:
    """Both terms along the depth of one network, averaged over contexts, and how much their sum varies."""

    kinetic: Float[np.ndarray, "steps"]  # squared units of the stream
    potential: Float[np.ndarray, "sites"]  # nats
    unit: float  # nats per squared unit of the stream that balance the two
    variation: Float[np.ndarray, "units"]  # in each of `UNITS`
    shuffled: float  # balanced, mean over random orders of the layers


def terms(
    stream: Float[np.ndarray, "sites N d"],
    potential: Float[np.ndarray, "sites N"],
    weight: Float[np.ndarray, "N"],
    *,
    seed: int = 0,
) -> Terms:
    """Kinetic and potential terms of one network on contexts with exact weights, and the variation of their
    sum along depth.

    Needs three sites or more: one step alone cannot vary.
    """
    weight, between = weight / weight.sum(), kinetic(stream)

    def along(order: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        moved, height = between[order[:-1], order[1:]], halfway(potential[order])
        return moved, height, balance(moved, height, weight)

    moved, height, unit = along(np.arange(len(stream)))
    own = np.array([variation(scale * moved + height, weight) for scale in (unit, 1.0)])
    rng = np.random.default_rng(seed)
    others = [scale * m + h for m, h, scale in (along(rng.permutation(len(stream))) for _ in range(ORDERS))]
    return Terms(
        moved @ weight,
        potential @ weight,
        unit,
        own,
        float(np.mean([variation(total, weight) for total in others])),
    )


def lens(run: train.Run, truth: Contexts, *, trained: bool) -> list[Terms]:
    """The terms of every network of a finished run, or of as many untrained ones."""
    sites = run.recipe.model.stream
    found = []
    for network in subjects(run, truth, sites, trained=trained):
        stream = np.stack([site.stream for site in network])
        everywhere = np.arange(len(truth.words))
        log_prediction = np.stack([network[-1].predict(site.stream, everywhere) for site in network])
        found.append(terms(stream, potential(truth.next_token, log_prediction), truth.weight))
    return found
