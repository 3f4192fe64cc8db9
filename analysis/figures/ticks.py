"""Ticks of logarithmic axes: a few numbers that do not lie over each other, however short the axis is."""

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import (
    LogFormatter,
    LogFormatterSciNotation,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    ScalarFormatter,
)

DIGITS = (1.0, 3.0), (1.0, 2.0, 5.0)
"""Which digits have numbers where there are too few powers of ten: the first choice that gives three."""


def spaced(fig: Figure) -> None:
    """Number the powers of ten of logarithmic axes; where fewer than two are in view, some digits between
    them, or a few numbers at equal distances. Axes whose ticks were chosen are left alone.

    matplotlib numbers every digit of an axis of a decade or so, one over the other where that is short.
    """
    for axis in fig.findobj(Axis):
        if axis.get_scale() != "log" or not isinstance(axis.get_major_locator(), LogLocator):
            continue
        low, high = sorted(axis.get_view_interval())
        axis.set_minor_formatter(NullFormatter())
        if _between((1.0,), low, high) >= 2:
            continue
        few = [digits for digits in DIGITS if _between(digits, low, high) >= 3]
        if few:
            kind = LogFormatter if low >= 0.01 and high < 10_000 else LogFormatterSciNotation
            axis.set_major_locator(LogLocator(subs=few[0]))
            axis.set_major_formatter(kind(labelOnlyBase=False, minor_thresholds=(9, 9)))
        else:
            axis.set_major_locator(MaxNLocator(3))
            axis.set_major_formatter(ScalarFormatter())


def _between(digits: tuple[float, ...], low: float, high: float) -> int:
    """How many numbers of these digits lie in between."""
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    there = np.outer(powers, digits)
    return int(np.count_nonzero((there >= low) & (there <= high)))
