"""Values over a set of states, with the slopes that they can have there: differentiation forwards, in
sets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from . import enclosure
from .enclosure import UNIT, Enclosure, up


@dataclass(frozen=True, eq=False)
class Slope:
    """All matrices within `rad` of `mid`."""

    mid: Float[np.ndarray, "B n D"]
    rad: Float[np.ndarray, "B n D"]

    def times(self, factor: Enclosure) -> "Slope":
        """Every row times a number, (B, n)."""
        by, within = np.abs(factor.mid)[..., None], factor.rad[..., None]
        mid = self.mid * factor.mid[..., None]
        return Slope(mid, up(by * self.rad + within * (np.abs(self.mid) + self.rad) + UNIT * np.abs(mid)))

    def __add__(self, other: "Slope") -> "Slope":
        mid = self.mid + other.mid
        return Slope(mid, up(self.rad + other.rad + UNIT * np.abs(mid)))

    def after(self, W: Float[np.ndarray, "m n"]) -> "Slope":
        """W times each."""
        rounding = (W.shape[1] + 2) * UNIT
        return Slope(_left(W, self.mid), up(_left(np.abs(W), self.rad + rounding * np.abs(self.mid))))


def _left(W: np.ndarray, x: np.ndarray) -> np.ndarray:
    """W times each of the matrices x (B, n, D), as one product."""
    B, n, D = x.shape
    return (W @ x.transpose(1, 0, 2).reshape(n, B * D)).reshape(len(W), B, D).transpose(1, 0, 2)


def _sum(one: Slope | None, other: Slope | None) -> Slope | None:
    """Of slopes, of which none is zero."""
    return one + other if one is not None and other is not None else one if other is None else other


@dataclass(frozen=True, eq=False)
class Dual:
    """A function of the state: its values (B, n) over a set, and its slopes; None where these are not
    asked for, or where it does not depend on the state.
    """

    value: Enclosure
    slope: Slope | None = None

    def __add__(self, other: "Dual") -> "Dual":
        return Dual(self.value + other.value, _sum(self.slope, other.slope))

    def __mul__(self, other: "Dual") -> "Dual":
        left = None if self.slope is None else self.slope.times(other.value)
        right = None if other.slope is None else other.slope.times(self.value)
        return Dual(self.value * other.value, _sum(left, right))

    def one_minus(self) -> "Dual":
        """1 - x."""
        slope = None if self.slope is None else Slope(-self.slope.mid, self.slope.rad)
        return Dual(self.value.one_minus(), slope)

    def split(self, parts: int) -> "list[Dual]":
        """So many vectors of equal length, of which it consists."""
        size = self.value.mid.shape[-1] // parts
        return [self._at(slice(k * size, (k + 1) * size)) for k in range(parts)]

    def _at(self, here: slice) -> "Dual":
        s = self.slope
        return Dual(self.value.at(here), None if s is None else Slope(s.mid[:, here], s.rad[:, here]))


def joined(parts: Sequence[Dual]) -> Dual:
    """One vector of several, all of which have slopes or none."""
    values, given = [p.value for p in parts], [p.slope for p in parts if p.slope is not None]
    value = Enclosure(
        *(np.concatenate(x, -1) for x in zip(*((v.mid, v.rad, v.off) for v in values), strict=True))
    )
    if not given:
        return Dual(value)
    return Dual(
        value, Slope(np.concatenate([s.mid for s in given], 1), np.concatenate([s.rad for s in given], 1))
    )


def linear(W: Float[np.ndarray, "m n"], x: Dual) -> Dual:
    """W x."""
    return Dual(enclosure.linear(W, x.value), None if x.slope is None else x.slope.after(W))


def tanh(x: Dual) -> Dual:
    """tanh, of slope 1 - tanh**2."""
    t = enclosure.tanh(x.value)
    return Dual(t, None if x.slope is None else x.slope.times((t * t).one_minus()))


def logistic(x: Dual) -> Dual:
    """s = 1 / (1 + exp(-x)), of slope s (1 - s)."""
    s = enclosure.logistic(x.value)
    return Dual(s, None if x.slope is None else x.slope.times(s * s.one_minus()))


def state(mid: Float[np.ndarray, "B D"], rad: Float[np.ndarray, "B D"], slopes: bool) -> Dual:
    """The state itself, within a box, with the identity as its slope."""
    B, D = mid.shape
    value = Enclosure(mid, rad, np.zeros_like(rad))
    if not slopes:
        return Dual(value)
    return Dual(value, Slope(np.broadcast_to(np.eye(D), (B, D, D)), np.zeros((B, D, D))))
