"""The distribution of the belief after L symbols: equal beliefs are merged level by level, so that few of
them stay few.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from ..algebra.levels import levels
from ..process import Process, ProcessError
from ..values.checks import checked
from ..values.record import Record

SAME = 1e-12
"""Beliefs of an HMM that agree in every coordinate to this relative precision are one: filtering an HMM
neither cancels nor expands (in the Hilbert metric), so that a few hundred float64 roundings stay below it.
"""
SAME_SIGNED = 1e-10
"""The same for generalised HMMs, relative to the largest coordinate: signed sums cancel."""


@dataclass(frozen=True, eq=False)
class BeliefDistribution(Record, copies=False):
    """Which beliefs an observer holds after some number of symbols, and how likely each is."""

    process: Process
    belief: Float64[np.ndarray, "N S"]
    mass: Float64[np.ndarray, "N"]

    @checked
    def mean(self, value: Float64[np.ndarray, "N"]) -> float:
        """Expectation of a function of the belief; raises `ProcessError` unless there is a value for each."""
        if value.shape != self.mass.shape:
            raise ProcessError(
                f"values have shape {value.shape}; there are {len(self)} beliefs, so it must be "
                f"({len(self)},)"
            )
        return float(self.mass @ value)

    def __len__(self) -> int:
        return len(self.mass)


@checked
def belief_distributions(
    process: Process, *, state_known: bool = False, max_beliefs: int = 20_000_000
) -> Iterator[BeliefDistribution]:
    """The distribution of the belief after 0, 1, 2, ... symbols, without end.

    With `state_known` the observer of an HMM is told the first hidden state, drawn from `process.start`.
    Merging is exact up to `SAME` (docs/theory/merging_and_surplus.md); levels on which it removes less than a
    tenth of many beliefs end it, because sets like the fractal of Mess3 hold no two equal beliefs. Raises
    `ProcessError` if a level would hold more than `max_beliefs` beliefs.
    """
    if state_known and process.kind != "hmm":
        raise ProcessError(
            f"{process.name} is a generalised HMM, whose hidden states are no events that an observer could "
            "be told; use an HMM"
        )
    belief, mass = (
        (np.eye(process.n_states), process.start) if state_known else (process.start[None], np.ones(1))
    )
    belief, mass = belief[mass > 0], mass[mass > 0]
    merging, level = True, 0
    while True:
        yield BeliefDistribution(process, belief, mass)
        if len(belief) * process.vocab > max_beliefs:
            raise ProcessError(
                f"over {max_beliefs} different beliefs after {level} symbols of {process.name}; ask for a "
                f"shorter length than {level + 1}"
            )
        belief, mass = _after_one_symbol(process, belief, mass)
        level += 1
        if merging:
            before = len(belief)
            belief, mass = _merged(process, belief, mass)
            merging = before < 1000 or len(belief) < 0.9 * before


def are_same(
    process: Process, belief: Float64[np.ndarray, "N S"], other: Float64[np.ndarray, "S"]
) -> Bool[np.ndarray, "N"]:
    """Which of the beliefs equal the other one in floating point (to `SAME`)."""
    where, tolerance = comparable(process, belief)
    return np.abs(where - comparable(process, other)[0]).max(-1) <= tolerance


def comparable(
    process: Process, belief: Float64[np.ndarray, "*N S"]
) -> tuple[Float64[np.ndarray, "*N S"], float]:
    """Coordinates (..., S) whose differences say whether beliefs are equal, and the tolerance on them.

    For an HMM: log b, with an exact zero far from everything. For a generalised HMM: b over its largest
    coordinate.
    """
    if process.kind == "hmm":
        return np.where(belief > 0, np.log(np.where(belief > 0, belief, 1.0)), -1e9), SAME
    return belief / np.maximum(np.abs(belief).max(-1, keepdims=True), 1e-300), SAME_SIGNED


def alike(rows: Float64[np.ndarray, "N S"], tolerance: float) -> Int[np.ndarray, "N"]:
    """Number the rows so that rows which agree to `tolerance` in every column have equal numbers.

    Each column is sorted and cut at its gaps, so that no value sits on the border of a rounding grid.
    """
    label = np.zeros(len(rows), np.int64)
    for column in rows.T:
        number = levels(column, tolerance)
        if number.any():
            label = np.unique(label * (number.max() + 1) + number, return_inverse=True)[1].reshape(-1)
        if len(label) and label.max() == len(label) - 1:
            break  # no two are alike: further columns would number them the same
    return label


def _after_one_symbol(
    process: Process, belief: np.ndarray, mass: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    V, S = process.vocab, process.n_states
    joint = (belief @ process.T.transpose(1, 0, 2).reshape(S, V * S)).reshape(-1, V, S)
    probability = joint @ process.w
    possible = probability > process.zero
    kept = probability[possible]
    return joint[possible] / kept[:, None], np.repeat(mass, possible.sum(1)) * kept


def _merged(process: Process, belief: np.ndarray, mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    label = alike(*comparable(process, belief))
    first = np.unique(label, return_index=True)[1]
    return belief[first], np.bincount(label, weights=mass)
