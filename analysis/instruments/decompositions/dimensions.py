"""How many principal axes hold the variance of activations."""

import numpy as np
from jaxtyping import Float, Int

from ..statistics import TIED

EXPLAINED = 0.95
"""Share of the variance of activations that counts as all of it (Shai et al. 2026)."""


def dimensions(
    activations: Float[np.ndarray, "N d"], weight: Float[np.ndarray, "N"], *, centred: bool
) -> int:
    """Principal axes that hold `EXPLAINED` of the weighted variance, about the mean or (not `centred`) about
    zero; 0 where nothing varies.
    """
    w = weight / weight.sum()
    x = np.asarray(activations, np.float64)
    x = x - w @ x if centred else x
    # By singular values, not `statistics.principal`: about zero, and squares would lose what varies least.
    variance = np.linalg.svd(x * np.sqrt(w)[:, None], compute_uv=False) ** 2
    if variance.sum() <= 1e-12 * max(1.0, float(w @ (np.asarray(activations, np.float64) ** 2).sum(1))):
        return 0
    return int(axes_needed(variance))


def axes_needed(variance: Float[np.ndarray, "*n d"]) -> Int[np.ndarray, "*n"]:
    """Principal axes that hold `EXPLAINED` of the variance, from the variance along each, largest first."""
    short = np.cumsum(variance, axis=-1) < (EXPLAINED - TIED) * variance.sum(
        -1, keepdims=True
    )  # just as much, rounded either way, is enough
    return np.asarray(short.sum(-1) + 1)
