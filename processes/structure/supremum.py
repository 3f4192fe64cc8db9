"""The largest probability that an ideal observer of a process ever gives a symbol, over all prefixes."""

import heapq
from dataclasses import dataclass

import numpy as np

from ..process import Process, ProcessError
from ..values.checks import checked
from ..values.notes import noted
from ..values.record import Record

TOLERANCE = 1e-9
"""Largest gap at which the supremum counts as known."""
MOST_SUFFIXES = 5_000
"""Suffixes that are looked at; where the gap is wider then, it is told as it is."""


@dataclass(frozen=True)
class Supremum(Record):
    """sup over prefixes w, of any length, of P(symbol | w): between `low` and `high`."""

    low: float
    """Probability of the symbol after `word`."""
    high: float
    """No prefix of any length makes it more probable."""
    word: tuple[int, ...]
    """A prefix after which it is that probable; where the supremum is a limit, one near it."""

    @property
    def known(self) -> bool:
        """Whether the gap is closed, but for `TOLERANCE`."""
        return self.high - self.low <= TOLERANCE


@checked
@noted(16)
def supremum(process: Process, symbol: int) -> Supremum:
    """sup_w P(symbol | w) over every prefix w that the process can emit, the empty one included.

    A prefix that ends in u has P(x | w) = sum_i b_i (T_u T_x 1)_i / sum_i b_i (T_u 1)_i for some belief b, so
    at most the largest of the ratios (T_u T_x 1)_i / (T_u 1)_i, whatever came before; suffixes are made
    longer where that is too much. Raises `ProcessError` for a symbol that is none, and for a generalised
    process, whose beliefs may be negative.
    """
    if not 0 <= symbol < process.vocab:
        raise ProcessError(f"the symbol is {symbol}; {process.name} has symbols 0 to {process.vocab - 1}")
    if process.kind != "hmm" or (process.T < 0).any() or (process.start < 0).any():
        raise ProcessError(
            f"{process.name} is a generalised process, whose beliefs are no mixtures of states; the "
            "supremum is worked out for hidden Markov models"
        )
    ones = np.ones(process.n_states)
    low = 0.0
    best: tuple[int, ...] = ()
    waiting: list[tuple[float, int, tuple[int, ...], np.ndarray, np.ndarray]] = []

    def look(word: tuple[int, ...], after: np.ndarray, with_symbol: np.ndarray) -> None:
        nonlocal low, best
        there = after > 0
        if not there.any():
            return
        if (emitted := process.start @ after) > 0:
            found = float(process.start @ with_symbol / emitted)
            if found > low + 1e-15:
                low, best = found, word
        high = float((with_symbol[there] / after[there]).max())
        heapq.heappush(waiting, (-high, len(word), word, after / after.max(), with_symbol / after.max()))

    look((), ones, process.T[symbol] @ ones)
    for _ in range(MOST_SUFFIXES):
        if not waiting or -waiting[0][0] <= low + TOLERANCE:
            break
        *_, word, after, with_symbol = heapq.heappop(waiting)
        for x, T in enumerate(process.T):
            look((x, *word), T @ after, T @ with_symbol)
    high = max(low, -waiting[0][0]) if waiting else low
    return Supremum(low, high, best)
