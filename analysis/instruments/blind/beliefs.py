"""The exact distribution of beliefs of a process, and which of its alphabets nobody could tell from its
own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

import processes
from processes.algebra.span import outside

from ..contexts import Contexts
from ..statistics import principal
from .sliced import directions, quantiles

VARIES = 1e-12
"""Variance of beliefs, in whatever direction, below which there is none: probabilities squared."""
MOST_ATOMS = 1_000_000
"""Beliefs that a distribution may have."""
MOST_SYMMETRIES = 720
"""Renamings of symbols, and exchanges of states, that are looked at: all of six."""
ALIKE, APART = 1e-9, 1e-6
"""Numbers of equal distributions agree to the first; beliefs under different symmetries differ by the
second.
"""

DIRECTIONS, LEVELS = 32, 512
"""Along which clouds are compared with a distribution, and quantiles of either there."""
FEW_DIRECTIONS, FEW_LEVELS = 12, 256
"""The same where a search begins."""


class Slices(NamedTuple):
    """A distribution along fixed directions."""

    along: Float64[np.ndarray, "D K"]
    quantile: Float64[np.ndarray, "Q K"]


@dataclass(frozen=True, eq=False)
class BeliefDistribution:
    """The distribution of beliefs over contexts of 1 to `n_ctx` symbols, each length equally likely, and the
    coordinates in which it has mean zero and covariance one.
    """

    process: processes.Process
    n_ctx: int
    belief: Float64[np.ndarray, "N S"]
    weight: Float64[np.ndarray, "N"]
    mean: Float64[np.ndarray, "S"]
    back: Float64[np.ndarray, "D S"]  # belief = mean + whitened @ back
    whitened: Float64[np.ndarray, "N D"]

    @property
    def dimension(self) -> int:
        """Of the flat that beliefs lie in."""
        return len(self.back)

    @cached_property
    def fine(self) -> Slices:
        """What a distance from this distribution compares with."""
        return self._slices(DIRECTIONS, LEVELS)

    @cached_property
    def coarse(self) -> Slices:
        """The same where a search begins."""
        return self._slices(FEW_DIRECTIONS, FEW_LEVELS)

    def _slices(self, number: int, levels: int) -> Slices:
        along = directions(self.dimension, number)
        return Slices(along, quantiles(self.whitened @ along, self.weight, levels)[1])


def belief_distribution(process: processes.Process, n_ctx: int) -> BeliefDistribution:
    """The distribution of beliefs of a process, exactly.

    Raises `processes.ProcessError` if beliefs do not vary, if there are more than `MOST_ATOMS` of them, or if
    `n_ctx` is less than 1.
    """
    if n_ctx < 1:
        raise processes.ProcessError(f"n_ctx is {n_ctx}; it must be at least 1")
    beliefs, masses, total = [], [], 0
    levels = processes.belief_distributions(process, max_beliefs=MOST_ATOMS)
    for length, level in enumerate(levels):
        if length:
            beliefs.append(level.belief)
            masses.append(level.mass / n_ctx)
            total += len(level)
        if total > MOST_ATOMS:
            raise processes.ProcessError(
                f"{process.name} has over {MOST_ATOMS} beliefs after up to {n_ctx} symbols; ask for shorter "
                "contexts"
            )
        if length == n_ctx:
            break
    return _whitened(process, n_ctx, np.concatenate(beliefs), np.concatenate(masses))


def _whitened(
    process: processes.Process, n_ctx: int, belief: np.ndarray, mass: np.ndarray
) -> BeliefDistribution:
    """Coordinates by the symmetric root of the covariance, along axes that do not hang on which eigenvectors
    a library picks where variances are equal, as on Mess3.
    """
    weight = mass / mass.sum()
    mean, variance, axes = principal(belief, weight)
    keep = variance > VARIES
    if not keep.any():
        raise processes.ProcessError(
            f"the belief of {process.name} is the same after every context, so there is no geometry to find; "
            "choose another process"
        )
    axes, root = axes[:, keep], np.sqrt(variance[keep])
    basis = _basis(axes @ axes.T, int(keep.sum()))
    whitened = (belief - mean) @ (axes / root @ axes.T) @ basis
    return BeliefDistribution(
        process, n_ctx, belief, weight, mean, basis.T @ (axes * root @ axes.T), whitened
    )


def _basis(projector: Float64[np.ndarray, "S S"], rank: int) -> Float64[np.ndarray, "S D"]:
    """Orthonormal columns that span what is projected on: the images of the axes, one after another."""
    found = np.empty((0, len(projector)))
    for v in projector.T:
        new = outside(v, found)
        if len(found) < rank and np.linalg.norm(new) > 1e-6:
            found = np.vstack([found, new / np.linalg.norm(new)])
    return found.T


def symmetric_beliefs(exact: BeliefDistribution, contexts: Contexts) -> list[Float64[np.ndarray, "N S"]]:
    """Beliefs after each context under every symmetry of their distribution that is found, themselves first:
    under renamings of symbols that change the probability of no word, and exchanges of states that leave the
    distribution what it is. Nothing that is made of the distribution alone could tell one from another; on
    Mess3 there are six.
    """
    process, belief = contexts.process, contexts.belief
    found = [belief]
    for symbols in alphabets(process):
        found.append(contexts.believed(_renamed(process, symbols)))
    found += [belief[:, list(states)] for states in exchanges(exact)]
    different: list[np.ndarray] = []
    for beliefs in found:
        if all(np.abs(beliefs - other).max() > APART for other in different):
            different.append(beliefs)
    return different


def exchanges(exact: BeliefDistribution) -> list[tuple[int, ...]]:
    """The exchanges of states under which the distribution of beliefs is the same, the identity first: by its
    characteristic function at fixed places, which knows no order of beliefs and no ties.

    Raises `processes.ProcessError` where more than `MOST_SYMMETRIES` keep mean and covariance.
    """
    centred = exact.belief - exact.mean
    second = (centred * exact.weight[:, None]).T @ centred
    found = _extended(
        len(exact.mean),
        lambda begun: (
            np.allclose(exact.mean[list(begun)], exact.mean[: len(begun)], rtol=0, atol=ALIKE)
            and np.allclose(
                second[np.ix_(begun, begun)], second[: len(begun), : len(begun)], rtol=0, atol=ALIKE
            )
        ),
        exact.process,
    )
    at = 5 * np.random.default_rng(0).normal(size=(len(exact.mean), 12))

    def characteristic(belief: np.ndarray) -> np.ndarray:
        return np.asarray(exact.weight @ np.exp(1j * (belief @ at)))

    plain = characteristic(exact.belief)
    return [p for p in found if np.abs(characteristic(exact.belief[:, list(p)]) - plain).max() < ALIKE]


def alphabets(process: processes.Process) -> list[tuple[int, ...]]:
    """The renamings of symbols under which every word keeps its probability, exactly; the identity first.

    Raises `processes.ProcessError` where more than `MOST_SYMMETRIES` keep the probabilities of pairs.
    """
    after = processes.filter(process, np.arange(process.vocab)[:, None]).belief[:, 0]
    first = processes.predict(process, process.start)
    pair = first[:, None] * processes.predict(process, after)
    found = _extended(
        process.vocab,
        lambda begun: np.allclose(
            pair[np.ix_(begun, begun)], pair[: len(begun), : len(begun)], rtol=0, atol=ALIKE
        ),
        process,
    )
    return [symbols for symbols in found if processes.equivalent(process, _renamed(process, symbols))]


def _extended(
    n: int, allowed: Callable[[tuple[int, ...]], bool], process: processes.Process
) -> list[tuple[int, ...]]:
    """Permutations of n things, in order, all of whose beginnings are allowed."""
    found: list[tuple[int, ...]] = [()]
    for _ in range(n):
        longer = ((*begun, y) for begun in found for y in range(n) if y not in begun)
        found = [begun for begun in longer if allowed(begun)]
        if len(found) > MOST_SYMMETRIES:
            raise processes.ProcessError(
                f"{process.name} has over {MOST_SYMMETRIES} exchanges of states or symbols that may be its "
                "symmetries; choose another process"
            )
    return found


def _renamed(process: processes.Process, symbols: tuple[int, ...]) -> processes.Process:
    """The process in which symbol x is called symbols[x]."""
    return processes.relabelled(process, list(symbols), vocab=process.vocab)
