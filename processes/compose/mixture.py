"""One of several processes, drawn once and for ever: the simplest process that is not ergodic."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.linalg import block_diag

from ..process import Process, ProcessError
from ..values.arrays import real
from ..values.checks import checked
from ..values.identity import identified, same_as
from ..values.record import Record
from ..values.structure import listed, remember
from .built import built, distribution, one_alphabet

ROUNDED = 1e-12
"""Weights whose sum is this close to one sum to one but for rounding."""
MOST_SHIFTED = 600.0
"""Nats by which log odds may be shifted: exp of half of it is far from what float64 holds."""


@dataclass(frozen=True, eq=False)
class Mixture(Record):
    """Component k with probability weights[k]. P(word) = sum_k weights[k] P_k(word); T is block-diagonal."""

    components: tuple[Process, ...]
    weights: Float64[np.ndarray, "K"]

    @property
    def spec(self) -> str | None:
        """`mixture(A, B; 0.3, 0.7)`, as `named` reads it; None where a component cannot be written."""
        weights = ", ".join(repr(float(c)) for c in self.weights)
        return listed([p.spec for p in self.components], ", ", f"mixture({{}}; {weights})")

    @property
    def offsets(self) -> tuple[int, ...]:
        """First hidden state of each component, and the number of all states."""
        return tuple(int(n) for n in np.cumsum([0, *(p.n_states for p in self.components)]))

    def process(self) -> Process:
        """The mixture as one process; its states are those of the components, one after the other."""
        T = np.stack(
            [block_diag(*(p.T[x] for p in self.components)) for x in range(self.components[0].vocab)]
        )
        start = np.concatenate([c * p.start for c, p in zip(self.weights, self.components, strict=True)])
        w = np.concatenate([p.w for p in self.components])
        name = " + ".join(f"{c:g} {p.name}" for c, p in zip(self.weights, self.components, strict=True))
        states = [f"{k}:{s}" for k, p in enumerate(self.components) for s in p.states]
        made = built(T, start, w, parts=self.components, name=name, states=states)
        if len(self.components) == 1:
            return same_as(made, self.components[0])
        return remember(
            identified(made, "mixture", [p.identity for p in self.components], self.weights), self
        )

    @checked
    def posterior(self, belief: Float64[np.ndarray, "*batch S"]) -> Float64[np.ndarray, "*batch K"]:
        """P(component | word) from beliefs of `process()`: sum of belief . w over the states of each
        component.
        """
        self._check(belief)
        cuts = zip(self.components, self.offsets[:-1], self.offsets[1:], strict=True)
        return np.stack([belief[..., a:b] @ p.w for p, a, b in cuts], -1)

    @checked
    def within(self, belief: Float64[np.ndarray, "*batch S"], k: int) -> Float64[np.ndarray, "*batch n"]:
        """Belief about the states of component k, given that it is the one; not finite where that is
        excluded.
        """
        self._check(belief)
        part = belief[..., self._states(k)]
        with np.errstate(invalid="ignore", divide="ignore"):
            return part / (part @ self.components[k].w)[..., None]

    @checked
    def shifted(
        self, belief: Float64[np.ndarray, "*batch S"], k: int, by: float
    ) -> Float64[np.ndarray, "*batch S"]:
        """Beliefs with log odds of component k against all others that are higher by `by`, nats; those within
        components stay: what a reader believes who took the odds to be exp(by) times as large before he read.
        """
        self._check(belief)
        if not abs(by) <= MOST_SHIFTED:
            raise ProcessError(
                f"log odds are to be shifted by {by:g}; that must be at most {MOST_SHIFTED:g} either way"
            )
        factor = np.full(self.offsets[-1], np.exp(-by / 2))
        factor[self._states(k)] = np.exp(by / 2)
        moved = belief * factor
        return moved / (moved @ np.concatenate([p.w for p in self.components]))[..., None]

    @checked
    def reward(self, by_component: Float64[np.ndarray, "K V"]) -> Float64[np.ndarray, "V S"]:
        """What each symbol is worth by the hidden state that emits it, for `processes.value`, where that
        depends on which component writes. Raises `ProcessError` unless there is a row for each component.
        """
        paid = real(by_component, "the rewards by component")
        wanted = (len(self.components), self.components[0].vocab)
        if paid.shape != wanted:
            raise ProcessError(
                f"the rewards by component have shape {paid.shape}; they must be {wanted}: a row for each "
                "component, a number for each symbol"
            )
        return np.repeat(paid.T, np.diff(self.offsets), axis=1)

    def _states(self, k: int) -> slice:
        """Hidden states of component k."""
        if not 0 <= k < len(self.components):
            raise ProcessError(
                f"there is no component {k}; the mixture has the components 0 to {len(self.components) - 1}"
            )
        return slice(self.offsets[k], self.offsets[k + 1])

    def _check(self, belief: np.ndarray) -> None:
        if belief.shape[-1] != self.offsets[-1]:
            raise ProcessError(
                f"beliefs have {belief.shape[-1]} coordinates; this mixture has {self.offsets[-1]} states: "
                "use those of its process()"
            )


@checked
def mixture(components: Sequence[Process], weights) -> Mixture:
    """A mixture; raises `ProcessError` without components, on different alphabets, or if the weights are not
    a distribution.

    Weights that sum to one up to rounding stay as they are, so that those of a mixture make it again.
    """
    one_alphabet(components, "mixture")
    normal = distribution(weights, len(components), "distribution of the components")
    weights = real(weights, "the weights")
    return Mixture(tuple(components), weights if abs(weights.sum() - 1) <= ROUNDED else normal)
