"""A finite cover of all states that a recurrent network can reach, closed under the maps of all symbols.

Every ball is carried along every word until it fits into some ball; words that have not come to that are made
longer, and where a set has shrunk but no ball is near, it begins another one. If that ends, then by induction
over words no state ever reached lies outside of the sets that were met on the way.
"""

import time
from collections import deque
from dataclasses import dataclass, field, fields

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from .recurrent_maps import RecurrentMaps
from .tubes import Metric, Tubes, advance, balls, bounds, sizes
from .words import spelled

DEEPEST = 24
"""Symbols after which a ball must have come to fit into another."""
FITS, SHRUNK = 0.95, 0.7
"""Largest part of a ball's radius that a set in it may have; and that one which begins a ball may have."""
MOST_PENDING, MOST_BALLS = 20_000, 20_000
"""Sets that may wait to be carried on, and balls; beyond, the cover is given up."""
CHUNK = 4096
"""Sets carried on at once."""


Batch = tuple[Tubes, np.ndarray, np.ndarray]
"""Sets, the ball that each began as, and its path from there."""


class NotClosed(Exception):
    """No cover was found; the message says at what it ended."""


@dataclass(frozen=True, eq=False)
class Nodes:
    """Sets met on the way: that after `path` from ball `ball`, padded with -1."""

    ball: Int[np.ndarray, "N"]
    path: Int[np.ndarray, "N L"]
    into: Int[np.ndarray, "N"]  # the ball in which it lies; -1 where it was carried on
    centre: Float[np.ndarray, "N D"]
    size: Float[np.ndarray, "N"]  # radius of a ball about the centre that holds it
    drift: Float[np.ndarray, "N"]  # how far float32 may be off, beyond what it was off by in the first ball
    high: Float[np.ndarray, "N V"]  # no less than the probability of any symbol after any state in it


@dataclass(frozen=True, eq=False)
class Cover:
    """A closed cover: balls of one radius about states that are reached, and the sets between them."""

    maps: RecurrentMaps
    metric: Metric
    radius: float
    centre: Float[np.ndarray, "M D"]  # ball 0 is about the state before the first symbol
    begun_by: Int[np.ndarray, "M"]  # the node whose centre it has; -1 for ball 0
    nodes: Nodes

    def word(self, ball: int) -> tuple[int, ...]:
        """A word that leads to the centre of a ball, up to rounding."""
        word: tuple[int, ...] = ()
        while ball:
            node = self.begun_by[ball]
            word = (*spelled(self.nodes.path[node]), *word)
            ball = int(self.nodes.ball[node])
        return word

    @property
    def float32(self) -> float:
        """How far a state that float32 reaches by a word, in any order of summation, may be from the true
        one, in the metric: what an error shrinks to along words that end in a ball, and what is added on the
        way.
        """
        ends = self.nodes.into >= 0
        shrinks = float((self.nodes.size[ends] / self.radius).max())
        return float(self.nodes.drift[ends].max()) / (1 - shrinks)


@dataclass
class _Growing:
    """A cover in the making."""

    maps: RecurrentMaps
    metric: Metric
    radius: float
    deadline: float
    centre: list[np.ndarray]
    begun_by: list[int] = field(default_factory=lambda: [-1])
    met: list[Nodes] = field(default_factory=list)
    count: int = 0
    rooted: int = 0  # balls that have been carried on

    def waiting(self) -> Batch:
        """The balls that were not carried on yet, as sets with empty paths."""
        new = np.arange(self.rooted, len(self.centre))
        self.rooted = len(self.centre)
        where = np.array(self.centre)[new]
        return balls(self.metric, where, self.radius), new, np.full((len(new), DEEPEST), -1, np.int8)

    def carry(self, tubes: Tubes, ball: np.ndarray, path: np.ndarray) -> Batch:
        """Carry sets on by every symbol; returns what has to be carried further."""
        V, B = self.maps.vocab, len(ball)
        token = np.tile(np.arange(V), B)
        rows = np.repeat(np.arange(B), V)
        moved = advance(self.maps, self.metric, tubes.taken(rows), token)
        ball, path = ball[rows], path[rows].copy()
        path[np.arange(len(path)), (path >= 0).sum(1)] = token
        size = sizes(self.metric, moved)
        first = self.count
        into = self._fit(moved, size)
        loose = np.flatnonzero(into < 0)
        into[loose] = self._begin(moved, size, loose, first)
        high = bounds(self.maps, moved)
        self.met.append(Nodes(ball, path, into, moved.centre, size, moved.drift, high))
        self.count += len(ball)
        further = into < 0
        return moved.taken(further), ball[further], path[further]

    def _fit(self, moved: Tubes, size: np.ndarray) -> np.ndarray:
        """The nearest ball of each set, if the set lies in it; else -1."""
        at = np.array(self.centre)
        image = self.metric.inverse.T
        good = np.isfinite(moved.centre).all(1)
        near = np.zeros(len(size), int)
        near[good] = cKDTree(at @ image).query(moved.centre[good] @ image)[1]
        return np.where(self._lies(moved, size, at[near]), near, -1)

    def _lies(self, moved: Tubes, size: np.ndarray, centre: np.ndarray) -> np.ndarray:
        away = self.metric.of_points(moved.centre - centre)
        fits = (size <= FITS * self.radius) & ((away + size) * (1 + 1e-12) <= self.radius)
        return np.asarray(fits)

    def _begin(self, moved: Tubes, size: np.ndarray, loose: np.ndarray, first: int) -> np.ndarray:
        """Begin balls about sets that have shrunk; every set that lies in one of these is assigned to it."""
        into = np.full(len(loose), -1)
        small = size[loose] <= SHRUNK * self.radius
        while len(left := np.flatnonzero((into < 0) & small)):
            if time.monotonic() > self.deadline:
                raise NotClosed(f"time was up at {len(self.centre)} balls of radius {self.radius:.2g}")
            head = loose[left[0]]
            own = np.flatnonzero(into < 0)
            members = moved.taken(loose[own])
            fits = self._lies(members, size[loose[own]], moved.centre[[head]])
            if not fits[own == left[0]].all():  # not finite
                raise NotClosed("sets grew beyond all bounds")
            into[own[fits]] = len(self.centre)
            self.centre.append(moved.centre[head])
            self.begun_by.append(first + int(head))
        return into


def _next(queue: "deque[Batch]") -> Batch:
    """So many sets as are carried on at once, off the queue."""
    taken = [queue.popleft()]
    while queue and sum(len(ball) for _, ball, _ in (*taken, queue[0])) <= CHUNK:
        taken.append(queue.popleft())
    tubes, ball, path = zip(*taken, strict=True)
    here = (Tubes.joined(*tubes), np.concatenate(ball), np.concatenate(path))
    if len(here[1]) > CHUNK:
        queue.appendleft(_slice(here, slice(CHUNK, None)))
        here = _slice(here, slice(CHUNK))
    return here


def _slice(batch: Batch, rows: slice) -> Batch:
    return batch[0].taken(rows), batch[1][rows], batch[2][rows]


def closed_cover(
    maps: RecurrentMaps, metric: Metric, radius: float, *, start: Float[np.ndarray, "D"], deadline: float
) -> Cover:
    """The cover by balls of this radius. Raises `NotClosed` if sets do not shrink within `DEEPEST` symbols,
    if there are too many, or when `time.monotonic()` is at the deadline.
    """
    growing = _Growing(maps, metric, radius, deadline, [start])
    queue = deque([growing.waiting()])
    while queue:
        waiting = sum(len(ball) for _, ball, _ in queue)
        if time.monotonic() > deadline:
            raise NotClosed(f"time was up at {len(growing.centre)} balls of radius {radius:.2g}")
        if waiting > MOST_PENDING or len(growing.centre) > MOST_BALLS:
            raise NotClosed(f"more than {MOST_PENDING} sets of radius {radius:.2g} had not shrunk")
        further = growing.carry(*_next(queue))
        if len(further[1]) and (further[2] >= 0).all(1).any():
            raise NotClosed(f"balls of radius {radius:.2g} do not shrink within {DEEPEST} symbols")
        queue.extend(batch for batch in (further, growing.waiting()) if len(batch[1]))
    nodes = Nodes(*(np.concatenate([getattr(n, f.name) for n in growing.met]) for f in fields(Nodes)))
    return Cover(maps, metric, radius, np.array(growing.centre), np.array(growing.begun_by), nodes)
