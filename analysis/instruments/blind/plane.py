"""A cloud of activations without labels: principal axes, each scaled to variance one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

import toy
from toy.sites import shown

from ..statistics import principal

LEAST_SHARE = 1e-9
"""Share of the variance below which an axis is rounding of float32."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Activations along their principal axes, largest first: mean zero, covariance one."""

    whitened: Float64[np.ndarray, "N m"]
    weight: Float64[np.ndarray, "N"]
    share: Float64[np.ndarray, "m"]  # of the variance, along each axis

    def first(self, axes: int) -> "Cloud":
        """The plane of the largest so many axes."""
        return Cloud(self.whitened[:, :axes], self.weight, self.share[:axes])


def cloud(activations: Any, weight: Any = None) -> Cloud:
    """Activations (N, d) of one network at one site, rows in any order; equally likely unless weights (N,)
    say otherwise.

    Raises `toy.ModelError` for what is no such array, for numbers that are not finite, and for a cloud that
    does not vary.
    """
    x = _checked(activations)
    w = np.full(len(x), 1 / len(x)) if weight is None else _weights(weight, len(x))
    mean, variance, axes = principal(x, w)
    variance, axes = variance[::-1], axes[:, ::-1]
    keep = variance > LEAST_SHARE * variance.sum()
    if not variance[0] > LEAST_SHARE**2 * float(w @ (x**2).sum(1)):
        raise toy.ModelError("all activations are the same; give those of different contexts")
    return Cloud((x - mean) @ axes[:, keep] / np.sqrt(variance[keep]), w, (variance / variance.sum())[keep])


def _checked(given: Any) -> np.ndarray:
    try:
        x = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        x = np.zeros(0)
    if x.ndim != 2 or x.shape[0] < 2 or x.shape[1] < 1:
        raise toy.ModelError(
            f"activations are {shown(given)}; give an array (N, d) of numbers, a row for each of two or more "
            "contexts"
        )
    if not np.isfinite(x).all():
        raise toy.ModelError("activations have numbers that are not finite; leave those rows out")
    return x


def _weights(given: Any, n: int) -> np.ndarray:
    try:
        w = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        w = np.zeros(0)
    if w.shape != (n,) or not np.isfinite(w).all() or (w < 0).any() or not w.sum() > 0:
        raise toy.ModelError(
            f"weights are {shown(given)}; give one for each of the {n} rows, none negative and not all zero"
        )
    return w / w.sum()
