"""What claims and reports have measured of the same runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

import train

from .contexts import Contexts
from .evidence import Evidence

E = TypeVar("E")


@dataclass(frozen=True)
class Overview:
    """The networks of a run as a report tells of them and as figures draw them."""

    contexts: Contexts
    trained: Sequence[Evidence]
    untrained: Sequence[Evidence]
    report: Mapping[str, Any]  # plain values: the part of the report that is the family's own
    arrays: Mapping[str, np.ndarray]  # the numbers behind the figures


class Measurements:
    """The evidence of claims on the same runs: measured once for all claims that ask for it alike.

    It holds what it has measured for as long as it lives.
    """

    def __init__(self, runs: Mapping[Any, train.Run], seconds: float = 0.0):
        self.runs = runs
        self.seconds = seconds
        """That it took to obtain them."""
        self._measured: dict[Callable[..., Any], Any] = {}

    def of(self, measure: Callable[[Mapping[Any, train.Run]], E]) -> E:
        """What a claim's `evidence` makes of the runs."""
        if measure not in self._measured:
            self._measured[measure] = measure(self.runs)
        return self._measured[measure]
