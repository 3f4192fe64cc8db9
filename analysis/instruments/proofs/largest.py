"""The largest probability that a network gives a symbol after any prefix: its bounds, and by what they
hold.
"""

import math
import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

import toy

from .cover import NotClosed, closed_cover
from .enclosure import Enclosure
from .metric import adapted
from .recurrent_maps import RecurrentMaps, lowest, recurrent_maps
from .refine import after, bound
from .transformer_float64 import logits
from .words import all_words, every, longest, spelled

ROUNDING = 1e-9
"""Allowed for what float64 rounds where every word is enumerated: probabilities come out within 1e-13."""
GAP = 1e-3
"""Bounds are sharpened until they are so near to a probability that is reached."""
RADII = (0.1, 0.03, 0.01, 0.003, 0.001)
"""Of the balls that covers are tried with, in units of hidden states."""
START = 20_000
"""Words after which recurrent networks are asked before anything is proved."""
Method = Literal["every word", "closed cover", "none"]


@dataclass(frozen=True)
class Largest:
    """sup over prefixes of P(symbol | prefix), of the real-valued function of the stored parameters."""

    symbol: int
    low: float
    """The probability after `word` is at least this."""
    high: float
    """After no prefix is it more; 1 where nothing was proved."""
    word: tuple[int, ...]
    enumerated: float
    """Largest probability after the words that were enumerated."""
    window: int | None
    """Prefixes of up to so many symbols are meant; None where it is all of them."""
    method: Method
    float32: float
    """A probability as float32 computes it differs by at most this (NaN where nothing was proved)."""
    sets: int
    """Words that were enumerated, or sets of the cover."""
    why: str
    """Why nothing was proved, where that is so."""
    seconds: float


def largest(
    config: toy.Config,
    params: toy.Params,
    symbol: int,
    *,
    seconds: float = 60.0,
    at_most: float | None = None,
) -> Largest:
    """Bound the largest probability of a symbol after any prefix (of a transformer: after any word of its
    window) of one network, in so many seconds; where `at_most` is given, no more sharply than decides that.

    Raises `toy.ModelError` for a symbol that is none, and a network whose prefixes cannot be bounded.
    """
    if not 0 <= symbol < config.vocab:
        raise toy.ModelError(f"the symbol is {symbol}; the network has symbols 0 to {config.vocab - 1}")
    if not (seconds > 0 and math.isfinite(seconds)):
        raise toy.ModelError(f"the time is {seconds} seconds; it must be more than 0")
    begun = time.monotonic()
    if isinstance(config, toy.TransformerConfig):
        return _enumerated(config, params, symbol, begun)
    return _covered(recurrent_maps(config, params), symbol, at_most, begun, begun + seconds)


def _enumerated(config: toy.TransformerConfig, params: toy.Params, symbol: int, begun: float) -> Largest:
    words = all_words(config, params)
    exact = logits(config, params, words.tree)
    above = exact - exact[:, [symbol]]
    given = 1 / np.exp(above).sum(-1)
    best = int(given.argmax())
    differs = float(np.abs(given - words.probability[:, symbol]).max()) + ROUNDING
    return Largest(
        symbol,
        float(given[best]) - ROUNDING,
        min(float(given[best]) + ROUNDING, 1.0),
        words.word(best),
        float(given[best]),
        config.n_ctx,
        "every word",
        differs,
        len(given),
        "",
        time.monotonic() - begun,
    )


def _covered(
    maps: RecurrentMaps, symbol: int, at_most: float | None, begun: float, deadline: float
) -> Largest:
    word = short_words(maps, symbol)
    there = after(maps, word, symbol)[0]
    best = Largest(symbol, there, 1.0, word, there, None, "none", math.nan, 0, "", 0.0)
    for radius in RADII:
        if best.high - best.low <= GAP or (at_most is not None and not best.low <= at_most < best.high):
            break
        try:
            start = np.zeros(maps.width)
            cover = closed_cover(maps, adapted(maps), radius, start=start, deadline=deadline)
        except (NotClosed, np.linalg.LinAlgError) as reason:
            best = replace(best, why=best.why or str(reason))
            continue
        known = (best.low, best.word)
        found = bound(cover, symbol, found=known, gap=GAP, at_most=at_most, deadline=deadline)
        better = replace(best, low=found.low, word=found.word)
        if found.high < best.high or best.method == "none":
            better = replace(
                better,
                high=min(found.high, best.high),
                method="closed cover",
                float32=found.float32,
                sets=len(cover.nodes.ball),
                why="",
            )
        best = better
    return replace(best, seconds=time.monotonic() - begun)


def short_words(maps: RecurrentMaps, symbol: int) -> tuple[int, ...]:
    """The word after which a symbol is most probable, of all words up to a length."""
    V = maps.vocab
    tree = every(V, longest(V, START))
    state, low = np.zeros((len(tree.token), maps.width)), np.zeros(len(tree.token))
    for length in range(1, tree.length.max() + 1):
        rows = np.flatnonzero(tree.length == length)
        before = state[tree.ancestors[rows, length - 2]] if length > 1 else np.zeros((len(rows), maps.width))
        state[rows] = maps.step(before, np.zeros_like(before), tree.token[rows]).value.mid
    none = np.zeros_like(state)
    low = lowest(maps.differences(Enclosure(state, none, none), symbol).mid)
    best = 1 + int(low[1:].argmax())
    return spelled(tree.words[best])
