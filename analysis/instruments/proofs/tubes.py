"""Sets of states along words, c + G B + Z C with B the unit ball and C the unit cube, and how maps carry them
on.

A set begins as a ball |R^-1 (s - c)| <= r of a fixed norm: G = r R. A map f carries it to f(c) + J (s - c)
with slopes J between those over the set (mean value theorem, row by row). G and Z follow the middle of J;
what J varies by, with all rounding, is a box, and joins Z. So products of slopes along a word stay products,
where norms of factors would multiply up.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from .enclosure import SLACK, UNIT, Enclosure, norm, up
from .recurrent_maps import RecurrentMaps, highest

BLOCKS = 4
"""Symbols for which what was left over is followed in its own directions; what is older is put into a box."""


class Metric(NamedTuple):
    """The norm |R^-1 v| of differences of states."""

    R: Float[np.ndarray, "D D"]
    inverse: Float[np.ndarray, "D D"]  # P, nearly R^-1: |R^-1 v| <= excess |P v|
    excess: float

    @classmethod
    def of(cls, R: Float[np.ndarray, "D D"]) -> "Metric":
        """The metric of a matrix. R^-1 = (P R)^-1 P, and |(P R)^-1| <= 1 / (1 - |1 - P R|)."""
        P, D = np.linalg.inv(R), len(R)
        rounding = (D + 2) * UNIT * (np.abs(P) @ np.abs(R))
        left = float(np.sqrt(np.square(up(np.abs(np.eye(D) - P @ R) + rounding)).sum()))
        if not left < 0.1:
            raise np.linalg.LinAlgError("the norm is too nearly singular")
        return cls(R, P, SLACK * SLACK / (1 - SLACK * left))

    def box(self, half: Float[np.ndarray, "B D"]) -> Float[np.ndarray, "B"]:
        """No less than the norm of any vector in a box."""
        image = up(half @ np.abs(self.inverse).T)
        return up(self.excess * up(np.sqrt(np.square(image).sum(-1))))

    def of_points(self, v: Float[np.ndarray, "B D"]) -> Float[np.ndarray, "B"]:
        """No less than the norm of each vector, which may be rounded by a unit in the last place."""
        rounding = (v.shape[-1] + 4) * UNIT * (np.abs(v) @ np.abs(self.inverse).T)
        image = np.abs(v @ self.inverse.T) + rounding
        return up(self.excess * up(np.sqrt(np.square(up(image)).sum(-1))))

    def of_matrices(self, G: Float[np.ndarray, "B D D"]) -> Float[np.ndarray, "B"]:
        """No less than the norm of G v for any |v| <= 1."""
        return up(self.excess * up(norm(self.inverse @ G) + self._rounding(G, self.inverse)))

    def of_cubes(self, Z: Float[np.ndarray, "B D m"]) -> Float[np.ndarray, "B"]:
        """No less than the norm of Z u for any u with entries of at most one."""
        image = np.abs(self.inverse @ Z).sum(-1) + self._rounding(Z, self.inverse)[:, None] * np.sqrt(
            Z.shape[-1]
        )
        return up(self.excess * up(np.sqrt(np.square(up(image)).sum(-1))))

    def of_maps(self, J: Float[np.ndarray, "B D D"]) -> Float[np.ndarray, "B"]:
        """No less than the norm of J v over that of v."""
        rounding = self._rounding(J, self.inverse) * np.linalg.norm(self.R)
        return up(self.excess * up(norm(self.inverse @ J @ self.R) + up(2 * rounding)))

    @staticmethod
    def _rounding(A: np.ndarray, P: np.ndarray) -> np.ndarray:
        return up((len(P) + 4) * UNIT * np.linalg.norm(P) * np.sqrt(np.square(A).sum((-2, -1))))


class Tubes(NamedTuple):
    """Sets of states, and how far float32, which followed the same words, may be from the true states."""

    centre: Float[np.ndarray, "B D"]
    ball: Float[np.ndarray, "B D D"]  # G
    cube: Float[np.ndarray, "B D m"]  # Z: a block of D columns for each of the last `BLOCKS` symbols
    drift: Float[np.ndarray, "B"]  # in the metric, beyond what there was in the ball where the words begin

    def taken(self, rows: np.ndarray | slice) -> "Tubes":
        """Some of them."""
        return Tubes(*(x[rows] for x in self))

    @staticmethod
    def joined(*parts: "Tubes") -> "Tubes":
        """All of several."""
        return Tubes(*(np.concatenate(x) for x in zip(*parts, strict=True)))

    @property
    def half_widths(self) -> Float[np.ndarray, "B D"]:
        """Of boxes around them."""
        return up(up(np.sqrt(up(np.square(self.ball).sum(-1)))) + up(np.abs(self.cube).sum(-1)))


def balls(metric: Metric, centre: Float[np.ndarray, "B D"], radius: float) -> Tubes:
    """Balls of a radius; points if it is 0."""
    B, D = centre.shape
    ball = np.broadcast_to(radius * metric.R, (B, D, D))
    cube = np.zeros((B, D, BLOCKS * D))
    cube[..., :D] = up(np.sqrt(D) * UNIT * np.abs(ball))  # each entry of radius R is rounded once
    return Tubes(centre, ball, cube, np.zeros(B))


def sizes(metric: Metric, tubes: Tubes) -> Float[np.ndarray, "B"]:
    """Radii of balls around them."""
    return up(metric.of_matrices(tubes.ball) + metric.of_cubes(tubes.cube))


def advance(maps: RecurrentMaps, metric: Metric, tubes: Tubes, token: Int[np.ndarray, "B"]) -> Tubes:
    """What one symbol each makes of them."""
    half, D = tubes.half_widths, tubes.centre.shape[1]
    at = maps.step(tubes.centre, np.zeros_like(half), token).value
    over = maps.step(tubes.centre, half, token, slope=True)
    assert over.slope is not None
    J, varies, off = over.slope.mid, over.slope.rad, over.value.off
    ball, cube = J @ tubes.ball, J @ tubes.cube
    # A part in 2**53 of every term of a product; its columns together are no longer than their sum.
    rounding = (D + 2) * UNIT * (np.abs(J) @ half[..., None])[..., 0] * np.sqrt(D)
    beyond = (varies @ half[..., None])[..., 0] + at.rad + rounding + off
    beyond = up(beyond + up(np.abs(cube[..., -D:]).sum(-1)))
    newest = beyond[:, :, None] * np.eye(D)
    wide = np.linalg.norm(np.abs(metric.inverse) @ varies @ np.abs(metric.R), axis=(1, 2))
    gain = up(metric.of_maps(J) + metric.excess * up(wide))
    drift = up(gain * tubes.drift + metric.box(off))
    return Tubes(at.mid, ball, np.concatenate([newest, cube[..., :-D]], -1), drift)


def readings(maps: RecurrentMaps, tubes: Tubes, token: int) -> Enclosure:
    """Logits of all other symbols minus that of one over each set, (B, V - 1)."""
    half, W, here = tubes.half_widths, maps.contrasts(token), maps.read
    at = maps.differences(Enclosure(tubes.centre, np.zeros_like(half), np.zeros_like(half)), token)
    over = maps.differences(Enclosure(tubes.centre, half, np.zeros_like(half)), token)
    ball = np.sqrt(np.square(W @ tubes.ball[:, here]).sum(-1))
    cube = np.abs(W @ tubes.cube[:, here]).sum(-1)
    rounding = (W.shape[1] + 4) * UNIT * np.sqrt(half.shape[1]) * (half[:, here] @ np.abs(W).T)
    return Enclosure(at.mid, up(at.rad + ball + cube + rounding), over.off)


def bounds(maps: RecurrentMaps, tubes: Tubes) -> Float[np.ndarray, "B V"]:
    """No less than the probability of each symbol after any state in each set."""
    found = []
    for token in range(maps.vocab):
        read = readings(maps, tubes, token)
        found.append(highest(np.nextafter(read.mid - read.rad, -np.inf)))
    return np.stack(found, -1)
