"""The least expected loss of n features in m dimensions: known values, and the search that found them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from toy.checks import check_range

from .expected_loss import expected_loss


class Optimum(NamedTuple):
    """What the best of all models of n features in m dimensions come to."""

    loss: float
    angle: float
    """Between a feature and the nearest other one, degrees; mean over features."""
    arrangement: str


class Shape(NamedTuple):
    """So many features in so many dimensions."""

    n: int
    m: int

    def __str__(self) -> str:
        return f"{self.n} features in {self.m} dimensions"


KNOWN: Mapping[Shape, Optimum] = {
    Shape(5, 2): Optimum(0.0791281, 72.0, "pentagon"),
    Shape(6, 2): Optimum(0.2891543, 60.0, "hexagon"),
    Shape(7, 2): Optimum(0.5828984, 360 / 7, "heptagon"),
    Shape(8, 3): Optimum(0.1016743, 74.418, "square antiprism"),
    Shape(12, 3): Optimum(0.5323797, 63.435, "icosahedron"),
}
"""Found by `search` from hundreds of starts; polygons and the icosahedron are minima of two numbers as well,
norm and bias (docs/theory/superposition.md). Up to four features in two dimensions and six in three lose
nothing: each has its own direction, or shares it with its opposite.
"""


class Found(NamedTuple):
    """Minima that a search ended in, one for each start, in the order of starts."""

    loss: Float[np.ndarray, "starts"]
    W: Float[np.ndarray, "starts m n"]
    b: Float[np.ndarray, "starts n"]


def search(n: int, m: int, *, starts: int, rng: np.random.Generator) -> Found:
    """Local minima of the expected loss from so many normal starts, by L-BFGS in float64.

    Raises `toy.ModelError` for numbers that make no model.
    """
    from scipy.optimize import minimize  # slow to import, which every command would pay

    for name, number in {"n": n, "m": m, "starts": starts}.items():
        check_range(name, number, 1)

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        found = expected_loss(x[: m * n].reshape(m, n), x[m * n :])
        return float(found.value), np.concatenate([found.W.ravel(), found.b])

    ended = []
    for _ in range(starts):
        begun = np.concatenate([rng.normal(size=m * n), np.zeros(n)])
        ended.append(
            minimize(
                objective,
                begun,
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": 3000, "ftol": 1e-15, "gtol": 1e-9},
            ).x
        )
    x = np.array(ended)
    W, b = x[:, : m * n].reshape(starts, m, n), x[:, m * n :]
    return Found(np.asarray(expected_loss(W, b).value), W, b)


KEPT = 0.1
"""Norm from which on a feature has a place in the model."""


def nearest_angle(W: Float[np.ndarray, "m n"]) -> float:
    """Degrees between a feature and the nearest other one, mean over those that have a place; not a number
    where fewer than two have.
    """
    norms = np.linalg.norm(W, axis=0)
    if (norms >= KEPT).sum() < 2:
        return float("nan")
    directions = W[:, norms >= KEPT] / norms[norms >= KEPT]
    cosine = directions.T @ directions
    np.fill_diagonal(cosine, -1)
    return float(np.degrees(np.arccos(np.clip(cosine.max(1), -1, 1))).mean())
