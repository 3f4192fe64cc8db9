"""Synchronisation: how likely an observer knows the causal state after L symbols."""

import numpy as np
from jaxtyping import Float64

from ..process import Process, ProcessError
from ..values.checks import checked
from .belief_distribution import alike
from .machine import finite_machine
from .realisation import minimal_ghmm

RANK_ONE = 1e-10
"""An operator of a word is of rank one if it equals a product row x column to this precision."""


@checked
def synchronisation(process: Process, order: int) -> Float64[np.ndarray, "L"] | None:
    """P(the observer has synchronised) after 0, 1, ..., order symbols; returns (order+1,).

    Finitely many mixed states: the probability that the belief is recurrent, which for an ergodic process
    means that the causal state is known. Infinitely many: see `synchronising_words`. None where these are too
    many to count. Raises `ProcessError` if `order` < 0.
    """
    _must_be_a_length(order)
    ms = finite_machine(process)
    if ms is None:
        return synchronising_words(process, order)
    distribution, out = np.eye(len(ms))[0], []
    for _ in range(order + 1):
        out.append(distribution[ms.recurrent].sum())
        distribution = distribution @ ms.chain
    return np.array(out)


@checked
def synchronising_words(
    process: Process, order: int, *, max_words: int = 20_000
) -> Float64[np.ndarray, "L"] | None:
    """Probability that the word of the first 0, 1, ..., order symbols synchronises every observer, whatever
    he believed before.

    A word u does so iff its operator T[u] has rank one in the minimal realisation: then s T[u] is one belief
    up to scale for every s. Proportional operators are counted together; None if more than `max_words` remain
    that do not synchronise. Raises `ProcessError` if `order` < 0.
    """
    _must_be_a_length(order)
    small = minimal_ghmm(process)
    d = small.n_states
    operators, weight = np.eye(d)[None], np.ones(1)
    if d > 1 and _all_invertible(small.T):
        return np.zeros(order + 1)  # products of invertible operators are invertible
    out = []
    for level in range(order + 1):
        operators, weight = _unsynchronised(operators, weight)
        out.append(
            1.0 - float(weight @ np.einsum("i,nij,j->n", small.start, operators, small.w))
            if len(weight)
            else 1.0
        )
        if len(weight) * small.vocab > max_words and level < order:
            return None
        operators = np.einsum("nij,xjk->nxik", operators, small.T).reshape(-1, d, d)
        weight = np.repeat(weight, small.vocab)
    return np.clip(out, 0.0, 1.0)


def _must_be_a_length(order: int) -> None:
    if order < 0:
        raise ProcessError(f"synchronisation is asked for after {order} symbols; give 0 or more")


def _all_invertible(operators: np.ndarray) -> bool:
    """Whether the operators of all symbols that are ever emitted are invertible."""
    singular = np.linalg.svd(operators, compute_uv=False)
    singular = singular[singular[:, 0] > 1e-12 * singular.max()]
    return bool((singular[:, -1] > RANK_ONE * singular[:, 0]).all())


def _unsynchronised(operators: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Operators of rank two or more, each of norm one with its weight, proportional ones together."""
    if not len(weight):
        return operators, weight
    norm = np.linalg.norm(operators, axis=(1, 2))
    alive = norm > 1e-12 * norm.max()
    operators, weight = operators[alive] / norm[alive][:, None, None], weight[alive] * norm[alive]
    singular = np.linalg.svd(operators, compute_uv=False)
    alive = singular[:, 1] > RANK_ONE if singular.shape[1] > 1 else np.zeros(len(weight), bool)
    operators, weight = operators[alive], weight[alive]
    if not len(weight):
        return operators, weight
    label = alike(operators.reshape(len(operators), -1), 1e-11)
    return operators[np.unique(label, return_index=True)[1]], np.bincount(label, weights=weight)
