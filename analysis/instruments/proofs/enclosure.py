"""Arithmetic of sets with outward rounding: a number in float64 and how far the true one may lie from it.

Every operation returns a set that holds all that its operands could give, whatever float64 rounds: what is
computed of radii is nonnegative sums and products of fewer than `LONGEST` terms, so that rounding changes
them by less than a part in 2**40, which is added (Rump 2010, midpoint-radius arithmetic). Beside it goes a
bound of how far float32 would be off that computes the same in any order of summation.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

UNIT, UNIT32 = 2.0**-53, 2.0**-24
"""Largest relative error of one operation in float64, in float32."""
ELEMENTARY, ELEMENTARY32 = 2.0**-48, 2.0**-20
"""Largest error of tanh and exp in float64, relative, and of tanh and the logistic function in float32,
absolute: assumed (libraries promise a few units in the last place), and measured in the tests.
"""
SLACK, TINY, TINY32 = 1 + 2.0**-40, 2.0**-900, 2.0**-100
"""By what radii are enlarged for their own rounding, and for numbers too small to be rounded relatively."""
LONGEST = 1000
"""Terms of the longest sum for which that is enough."""


def up(x: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """At least what x would be without rounding, if x is a nonnegative sum of products."""
    return x * SLACK + TINY


@dataclass(frozen=True, eq=False)
class Enclosure:
    """All arrays whose entries lie within `rad` of `mid`; and float32 computes each of them within `off`."""

    mid: Float[np.ndarray, "*n"]
    rad: Float[np.ndarray, "*n"]
    off: Float[np.ndarray, "*n"]

    @property
    def magnitude(self) -> Float[np.ndarray, "*n"]:
        """Largest absolute value of what float32 may have in its place."""
        return up(np.abs(self.mid) + self.rad + self.off)

    def __add__(self, other: "Enclosure") -> "Enclosure":
        mid = self.mid + other.mid
        off = self.off + other.off
        return Enclosure(
            mid,
            up(self.rad + other.rad + UNIT * np.abs(mid)),
            up(off + UNIT32 * (self.magnitude + other.magnitude)),
        )

    def __mul__(self, other: "Enclosure") -> "Enclosure":
        mid = self.mid * other.mid
        rad = np.abs(self.mid) * other.rad + self.rad * (np.abs(other.mid) + other.rad)
        mine, theirs = self.magnitude, other.magnitude
        off = mine * other.off + self.off * theirs + UNIT32 * mine * theirs + TINY32
        return Enclosure(mid, up(rad + UNIT * np.abs(mid)), up(off))

    def one_minus(self) -> "Enclosure":
        """1 - x."""
        mid = 1 - self.mid
        off = self.off + UNIT32 * (1 + self.magnitude)
        return Enclosure(mid, up(self.rad + UNIT * np.abs(mid)), up(off))

    def at(self, here: slice) -> "Enclosure":
        """Some entries of the last axis."""
        return Enclosure(self.mid[..., here], self.rad[..., here], self.off[..., here])


def point(x: Float[np.ndarray, "*n"]) -> Enclosure:
    """Exactly this array."""
    return Enclosure(x, np.zeros_like(x), np.zeros_like(x))


def linear(W: Float[np.ndarray, "m n"], x: Enclosure) -> Enclosure:
    """W x along the last axis of x."""
    terms = W.shape[1] + 2
    absolute = np.abs(W).T
    rad = (x.rad + terms * UNIT * np.abs(x.mid)) @ absolute
    off = (x.off + terms * UNIT32 * x.magnitude) @ absolute + TINY32
    return Enclosure(x.mid @ W.T, up(rad), up(off))


def tanh(x: Enclosure) -> Enclosure:
    """tanh, which is increasing and of slope at most one."""
    low = np.tanh(np.nextafter(x.mid - x.rad, -np.inf))
    high = np.tanh(np.nextafter(x.mid + x.rad, np.inf))
    low = np.maximum(low - ELEMENTARY * np.abs(low) - TINY, -1.0)
    high = np.minimum(high + ELEMENTARY * np.abs(high) + TINY, 1.0)
    mid = low + 0.5 * (high - low)
    return Enclosure(mid, up(np.maximum(high - mid, mid - low)), up(x.off + ELEMENTARY32))


def logistic(x: Enclosure) -> Enclosure:
    """1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2, of slope at most a quarter."""
    t = tanh(Enclosure(x.mid / 2, x.rad / 2, x.off / 2))
    return Enclosure(0.5 + t.mid / 2, up(t.rad / 2 + UNIT), up(x.off / 4 + ELEMENTARY32))


def norm(A: Float[np.ndarray, "*n D D"]) -> Float[np.ndarray, "*n"]:
    """No less than the spectral norm of each matrix, and hardly more: with M = A'A / |A|_F**2, the norm is at
    most |A|_F |M**8|_F**(1/16), and each square is rounded by less than `step`.
    """
    frobenius = up(np.sqrt(up(np.square(A).sum((-2, -1)))))
    scaled = A / np.maximum(frobenius, TINY)[..., None, None]
    step = 8 * A.shape[-1] * UNIT
    M = np.swapaxes(scaled, -1, -2) @ scaled
    for _ in range(3):
        M = (M + np.swapaxes(M, -1, -2)) / 2
        M = M @ M
    found = np.sqrt(up(np.square(M).sum((-2, -1))))
    for _ in range(4):
        found = np.sqrt(up(found + step))
    return up(frobenius * np.minimum(found, 1.0))
