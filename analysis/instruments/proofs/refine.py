"""How probable a symbol can become after any prefix at all: bounded over a closed cover, and sharpened where
the bound is largest.
"""

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .cover import Cover
from .enclosure import Enclosure
from .recurrent_maps import RecurrentMaps, highest, lowest
from .tubes import Tubes, advance, balls, bounds
from .words import spelled

WORST, LOOKED_AT = 1024, 4
"""Sets that are sharpened at once; and words that are tried for a larger probability."""
PIECES = 8192
"""Smaller sets that they are made of, in one round."""
MOST_SETS, LONGEST_PATH = 100_000, 96
"""Sets that are kept, and symbols of the words that lead to them; beyond, the bound is told as it is."""
EXACT = -1
"""In place of a ball: the state before the first symbol, and no other."""


class Bound(NamedTuple):
    """Between what the largest probability lies that a network gives a symbol after any prefix."""

    low: float
    """The probability after `word` is at least this."""
    high: float
    """After no prefix, of any length, is it more."""
    word: tuple[int, ...]
    float32: float
    """By how much a probability that float32 computes may differ, in any order of summation."""


def after(maps: RecurrentMaps, word: tuple[int, ...], token: int) -> tuple[float, float]:
    """Between what the probability of a symbol after a word lies, in real numbers."""
    state, within = np.zeros((1, maps.width)), np.zeros((1, maps.width))
    for x in word:
        value = maps.step(state, within, np.array([x])).value
        state, within = value.mid, value.rad
    read = maps.differences(Enclosure(state, within, np.zeros_like(within)), token)
    low = lowest(np.nextafter(read.mid + read.rad, np.inf))
    high = highest(np.nextafter(read.mid - read.rad, -np.inf))
    return float(low[0]), float(high[0])


def highest_drawn(maps: RecurrentMaps, token: int, *, words: int = 256, length: int = 64) -> float:
    """Largest probability of a symbol, by its lower bound, after any prefix of words whose symbols are drawn
    with a fixed seed, half of them as long runs: what no proved bound may lie below.
    """
    rng = np.random.default_rng(0)
    drawn = rng.integers(maps.vocab, size=(words, length))
    stays = (rng.random((words, length)) < 0.9) & (np.arange(words)[:, None] % 2 == 1)
    for t in range(1, length):
        drawn[:, t] = np.where(stays[:, t], drawn[:, t - 1], drawn[:, t])
    state, best = np.zeros((words, maps.width)), 0.0
    for t in range(length):
        none = np.zeros_like(state)
        state = maps.step(state, none, drawn[:, t]).value.mid
        best = max(best, float(lowest(maps.differences(Enclosure(state, none, none), token).mid).max()))
    return best


@dataclass
class _Sets:
    """Sets that together hold every state that can be reached: after a path from a ball, and how probable the
    symbol is in them at most.
    """

    ball: np.ndarray
    path: np.ndarray
    high: np.ndarray

    def taken(self, rows: np.ndarray) -> "_Sets":
        return _Sets(self.ball[rows], self.path[rows], self.high[rows])

    def joined(self, other: "_Sets") -> "_Sets":
        both = ((self.ball, other.ball), (self.path, other.path), (self.high, other.high))
        return _Sets(*(np.concatenate(x) for x in both))


def bound(
    cover: Cover,
    token: int,
    *,
    found: tuple[float, tuple[int, ...]],
    gap: float,
    at_most: float | None,
    deadline: float,
) -> Bound:
    """Sharpen until the gap is closed, it is decided whether `at_most` holds where it is given, or
    `time.monotonic()` is at the deadline. `found` is a word, and no more than the probability after it.

    A set after a path from a ball is the union, over what lies in that ball, of the sets after the longer
    paths that led there; these are smaller.
    """
    low, word = found
    path = np.full((len(cover.nodes.ball), LONGEST_PATH), -1, np.int8)
    path[:, : cover.nodes.path.shape[1]] = cover.nodes.path
    sets = _Sets(cover.nodes.ball, path, cover.nodes.high[:, token])
    leads = np.bincount(cover.nodes.into[cover.nodes.into >= 0], minlength=len(cover.centre))
    while sets.high.max() > low + gap and time.monotonic() < deadline:
        if at_most is not None and not low <= at_most < sets.high.max():
            break  # decided
        worst = np.argsort(-sets.high)[:WORST]
        worst = worst[sets.high[worst] > low + gap]
        pieces = leads[np.maximum(sets.ball[worst], 0)].cumsum()
        worst = worst[: max(1, int(np.searchsorted(pieces, PIECES)))]
        low, word = _better(cover, sets.taken(worst[:LOOKED_AT]), token, low, word)
        sharper = _sharpened(cover, sets.taken(worst), token)
        if sharper is None or len(sets.ball) + len(sharper.ball) > MOST_SETS:
            break
        rest = np.ones(len(sets.ball), bool)
        rest[worst] = False
        sets = sets.taken(np.flatnonzero(rest)).joined(sharper)
        sets = sets.taken(np.flatnonzero((sets.high > low) | (sets.high == sets.high.max())))
    return Bound(low, max(low, float(sets.high.max())), word, off(cover, token))


def _better(
    cover: Cover, sets: _Sets, token: int, low: float, word: tuple[int, ...]
) -> tuple[float, tuple[int, ...]]:
    for ball, path in zip(sets.ball, sets.path, strict=True):
        tried = (*cover.word(max(int(ball), 0)), *spelled(path))
        if (there := after(cover.maps, tried, token)[0]) > low:
            low, word = there, tried
    return low, word


def _sharpened(cover: Cover, sets: _Sets, token: int) -> _Sets | None:
    """The same sets in smaller ones; None where paths become too long, or all are points."""
    nodes, balls_, paths = cover.nodes, [], []
    order = np.argsort(nodes.into, kind="stable")
    first = np.searchsorted(nodes.into[order], np.arange(len(cover.centre) + 1))
    if (sets.ball == EXACT).all():
        return None
    kept = sets.taken(np.flatnonzero(sets.ball == EXACT))
    for ball, path in zip(sets.ball, sets.path, strict=True):
        if ball == EXACT:
            continue
        word = path[path >= 0]
        for node in order[first[ball] : first[ball + 1]]:
            balls_.append(nodes.ball[node])
            paths.append(np.concatenate([nodes.path[node][nodes.path[node] >= 0], word]))
        if ball == 0:
            balls_.append(EXACT)
            paths.append(word)
    if max(map(len, paths), default=0) > LONGEST_PATH:
        return None
    padded = np.full((len(paths), LONGEST_PATH), -1, np.int8)
    for row, path in zip(padded, paths, strict=True):
        row[: len(path)] = path
    ball = np.array(balls_, int)
    return kept.joined(_Sets(ball, padded, _high(cover, ball, padded, token)))


def _high(cover: Cover, ball: np.ndarray, path: np.ndarray, token: int) -> np.ndarray:
    """No less than the probability of a symbol in the sets after these paths."""
    high = np.empty(len(ball))
    for rows in np.array_split(np.arange(len(ball)), max(1, len(ball) // 4096)):
        exact = ball[rows] == EXACT
        tubes = balls(cover.metric, cover.centre[np.maximum(ball[rows], 0)], cover.radius)
        keep = np.where(exact, 0.0, 1.0)[:, None, None]
        tubes = tubes._replace(ball=tubes.ball * keep, cube=tubes.cube * keep)
        for t in range(path.shape[1]):
            on = np.flatnonzero(path[rows, t] >= 0)
            if not len(on):
                break
            moved = advance(cover.maps, cover.metric, tubes.taken(on), path[rows[on], t].astype(int))
            tubes = Tubes(*(_with(x, on, y) for x, y in zip(tubes, moved, strict=True)))
        high[rows] = bounds(cover.maps, tubes)[:, token]
    return high


def _with(x: np.ndarray, rows: np.ndarray, y: np.ndarray) -> np.ndarray:
    changed = np.array(x)
    changed[rows] = y
    return changed


def off(cover: Cover, token: int) -> float:
    """By how much a probability that float32 computes may differ: a quarter of what differences of logits do,
    which follow the state and are rounded themselves.
    """
    maps, metric, reached = cover.maps, cover.metric, cover.nodes
    start = cover.float32  # in the balls
    anywhere = start * float((reached.size / cover.radius).max()) + float(reached.drift.max())
    reading = np.sqrt(np.square(maps.contrasts(token) @ metric.R[maps.read]).sum(-1)).max()
    furthest = np.abs(reached.centre) + (reached.size * np.sqrt(np.square(metric.R).sum(-1)).max())[:, None]
    rounded = maps.differences(Enclosure(furthest, 0 * furthest, 0 * furthest), token).off.max()
    return float((anywhere * reading + rounded) / 4 * (1 + 1e-9))
