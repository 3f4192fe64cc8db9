"""The networks of a run on a guarded process: how far they violate every subset of its constraints."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

import processes
import toy
import train
from processes.constraints import Protocol
from processes.constraints.protocol import Subset
from train.recipe import MAX_SEEDS

from ..instruments.forward import member
from .violation import Violation, bodies, predictor, satisfaction, violation

UNTRAINED = 16
"""Untrained networks that are averaged for each trained one: a single one's few logits are noise."""


@dataclass(frozen=True, eq=False)
class SubsetViolation:
    """Networks of one architecture on every subset that forbids something the base does (N of them)."""

    on: Bool[np.ndarray, "N K"]  # which of the constraints are on
    load: Float[np.ndarray, "N"]  # exact, nats per token
    count: Float[np.ndarray, "N"]  # constraints that are on
    mass: Float[np.ndarray, "seeds N"]  # violation mass
    relative: Float[np.ndarray, "seeds N"]  # over the base predictor's on the same contexts
    divergence: Float[np.ndarray, "seeds N"]  # from the exact conditioned predictor, nats per token
    untrained: Float[np.ndarray, "seeds N"]  # relative, of untrained networks, means of `UNTRAINED` each


def design(protocol: Protocol) -> tuple[tuple[Subset, ...], np.ndarray, np.ndarray]:
    """Subsets that cost something, their loads and counts."""
    on = tuple(s for s in protocol.distribution if protocol.loads[s] > 1e-9)
    return on, np.array([protocol.loads[s] for s in on]), np.array([float(len(s)) for s in on])


def protocol_of(process: processes.Process) -> Protocol | None:
    """The protocol that a process is made of; None if it is not guarded."""
    return process.made_of if isinstance(process.made_of, Protocol) else None


@train.pinned()
def measured(run: train.Run) -> SubsetViolation:
    """Violation of the trained and of untrained networks of a run, on every subset."""
    recipe, protocol = run.recipe, protocol_of(run.recipe.ground_truth())
    assert protocol is not None  # refused before it is trained
    subsets, load, count = design(protocol)
    places = [bodies(protocol, on, recipe.model.n_ctx - len(protocol.constraints)) for on in subsets]
    network = toy.network(recipe.model)

    def measure(params: toy.Params) -> list[Violation]:
        read = predictor(recipe.model, params)
        return [violation(where, read) for where in places]

    def one(seed: int) -> Float[np.ndarray, "N"]:
        return np.array([v.relative for v in measure(network.init(train.key(seed)))])

    params = run.params()
    found = [measure(member(params, i)) for i in range(recipe.seeds)]
    first = MAX_SEEDS + recipe.first_seed * UNTRAINED
    untrained = [
        np.mean([one(first + i * UNTRAINED + j) for j in range(UNTRAINED)], 0) for i in range(recipe.seeds)
    ]
    mass, relative, divergence = (
        np.array([[getattr(v, key) for v in row] for row in found])
        for key in ("mass", "relative", "divergence")
    )
    on = np.array([[k in subset for k in range(len(protocol.constraints))] for subset in subsets])
    return SubsetViolation(on, load, count, mass, relative, divergence, np.array(untrained))


@train.pinned()
def satisfied(run: train.Run, *, n: int) -> Float[np.ndarray, "seeds N"]:
    """Share of n bodies sampled from each network that satisfy what is on, for every subset as in
    `design`."""
    recipe, protocol = run.recipe, protocol_of(run.recipe.ground_truth())
    assert protocol is not None
    length, params = recipe.model.n_ctx - len(protocol.constraints) + 1, run.params()
    networks = [predictor(recipe.model, member(params, i)) for i in range(recipe.seeds)]
    return np.array(
        [
            [satisfaction(protocol, on, read, length=length, n=n) for on in design(protocol)[0]]
            for read in networks
        ]
    )
