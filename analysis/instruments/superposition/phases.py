"""Two features in fewer dimensions, each on with a probability, one more important than the other: which of
them the best model keeps, by sparsity and importance.

Every set of active features is summed over, and each of its integrals is exact: docs/theory/superposition.md.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

import toy

from .expected_loss import Loss, integrated
from .optima import KEPT

NODES, WEIGHTS = (x / 2 for x in np.polynomial.legendre.leggauss(2))
"""Of Gauss and Legendre on [-1/2, 1/2], exact for cubics."""


def pair_loss(
    W: Float[np.ndarray, "m 2"], b: Float[np.ndarray, "2"], *, density: float, importance: float
) -> Loss:
    """E sum_j I_j (x'_j - x_j)^2 and its gradient for x' = relu(W^T W x + b), where each of two features is
    on with probability `density`, and then uniform on [0, 1]; I is 1 for the first and `importance` for the
    second.

    Raises `toy.ModelError` for numbers that make no such pair.
    """
    _check(density, importance)
    p, weight = density, np.array([1.0, importance])
    G = W.T @ W
    none = np.maximum(b, 0.0)
    value, of_g, of_b = integrated(G, b[:, None], np.eye(2))  # one on: [output, the one that is on]
    both, of_own, of_other, of_offset = _both_on(np.diag(G), float(G[0, 1]), b)
    loss = (1 - p) ** 2 * none**2 + p * (1 - p) * value.sum(1) + p**2 * both
    gamma = p * (1 - p) * of_g + p**2 * (np.diag(of_own) + of_other[:, None] * (1 - np.eye(2)))
    bias = 2 * (1 - p) ** 2 * none + p * (1 - p) * of_b.sum(1) + p**2 * of_offset
    gamma = weight[:, None] * gamma
    return Loss(float(weight @ loss), W @ (gamma + gamma.T), weight * bias)


def _check(density: float, importance: float) -> None:
    if not 0 < density <= 1:
        raise toy.ModelError(f"density is {density}; it is a probability, above 0 and at most 1")
    if not importance > 0:
        raise toy.ModelError(f"importance is {importance}; it must be above 0")


def _both_on(
    own: Float[np.ndarray, "2"], other: float, b: Float[np.ndarray, "2"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """int int (relu(g u + h v + b) - u)^2 du dv over the unit square for both outputs, and its derivatives in
    g (`own`), h (`other`) and b.

    For fixed v it is the integral of one feature with the bias h v + b: on each of three pieces of [0, 1],
    which end where the line is zero at u = 0 or u = 1, a cubic of v.
    """
    slope = other if other != 0 else 1.0  # where it is zero, nothing depends on v
    ends = np.clip(np.array([-b / slope, -(b + own) / slope]).T, 0, 1)
    edges = np.hstack([np.zeros((2, 1)), np.sort(ends, 1), np.ones((2, 1))])
    middle, length = (edges[:, 1:] + edges[:, :-1]) / 2, np.diff(edges, axis=1)
    v = (middle[..., None] + length[..., None] * NODES).reshape(2, -1)
    weight = (length[..., None] * WEIGHTS).reshape(2, -1)
    value, of_own, of_b = integrated(own[:, None] + 0 * v, other * v + b[:, None], np.ones_like(v))
    return tuple((weight * x).sum(1) for x in (value, of_own, v * of_b, of_b))


class Phase(NamedTuple):
    """The best model of a pair."""

    loss: float
    W: Float[np.ndarray, "m 2"]
    b: Float[np.ndarray, "2"]

    @property
    def kept(self) -> Bool[np.ndarray, "2"]:
        """Which of the two features have a place."""
        return np.asarray(np.linalg.norm(self.W, axis=0) >= KEPT)


def phase(
    *, density: float, importance: float, m: int = 1, starts: int = 10, rng: np.random.Generator
) -> Phase:
    """The best model of a pair of features in m dimensions, of searches by L-BFGS from so many starts.

    Raises `toy.ModelError` for numbers that make no such pair.
    """
    from scipy.optimize import minimize  # slow to import, which every command would pay

    _check(density, importance)

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        found = pair_loss(x[:-2].reshape(m, 2), x[-2:], density=density, importance=importance)
        return found.value, np.concatenate([found.W.ravel(), found.b])

    begun = [np.concatenate([rng.normal(size=2 * m), np.zeros(2)]) for _ in range(starts)]
    ended = [
        minimize(objective, x, jac=True, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-9})
        for x in begun
    ]
    best = min(ended, key=lambda found: found.fun)
    return Phase(float(best.fun), best.x[:-2].reshape(m, 2), best.x[-2:])
