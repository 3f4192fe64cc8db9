"""Findings of which some values are bounds alone: of networks in which what is timed never came."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool


class Bounds(NamedTuple):
    """Which networks' values of a finding are bounds; nothing is known where they are both."""

    least: Bool[np.ndarray, "seeds"]  # it is at least the value
    most: Bool[np.ndarray, "seeds"]  # it is at most the value


@runtime_checkable
class Censored(Protocol):
    """What a figure is drawn from, if values of some findings are censored: known as bounds alone."""

    def bounds(self) -> Mapping[str, Bounds]:
        """Of findings, by name."""
