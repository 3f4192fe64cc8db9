"""Compositions: what every composed process must satisfy."""

import numpy as np
import pytest
from hypothesis import settings

from oracles import distribution_of_words
from processes import (
    Process,
)

modest = settings(deadline=None, max_examples=40)
ROUNDING = 1e-11
"""A few thousand float64 roundings: sums over at most a few thousand words."""


def assert_is_a_process(process: Process, n=3):
    assert np.abs(
        process.T.sum(0) @ process.w - process.w
    ).max() < 1e-9 and process.start @ process.w == pytest.approx(1, abs=1e-9)
    assert distribution_of_words(process, n).sum() == pytest.approx(1, abs=1e-9)
