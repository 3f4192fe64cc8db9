"""Linear erasure in closed form: the least change of features after which no linear probe finds a label in
them.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from processes.algebra.span import column_space

from ..probing.ridge import Moments

FAINT = 1e-9
"""Directions of the features, and of what they share with the labels, fainter than this beside the strongest
(in standard deviations and in correlations times them) are rounding.
"""


@dataclass(frozen=True, eq=False)
class Eraser:
    """An affine map of features, r(x) = x - removal (x - mean)."""

    removal: Float[np.ndarray, "d d"]  # an oblique projection onto what is taken out
    mean: Float[np.ndarray, "d"]

    def __call__(self, x: Float[np.ndarray, "N d"]) -> Float[np.ndarray, "N d"]:
        """Features (N, d) without what is erased."""
        x = np.asarray(x, np.float64)
        return x - (x - self.mean) @ self.removal.T

    @property
    def rank(self) -> int:
        """Number of directions taken out: the trace of a projection."""
        return round(float(np.trace(self.removal)))


@dataclass(frozen=True, eq=False)
class Whitening:
    """Features in coordinates in which all directions that vary have unit variance, and the way back."""

    basis: Float[np.ndarray, "d k"]  # orthonormal: principal axes, of which a processor may choose the signs
    scale: Float[np.ndarray, "k"]  # standard deviation along each

    @property
    def into(self) -> Float[np.ndarray, "k d"]:
        """From features to whitened coordinates."""
        return self.basis.T / self.scale[:, None]

    @property
    def out(self) -> Float[np.ndarray, "d k"]:
        """And back."""
        return self.basis * self.scale

    def removal(self, cross: Float[np.ndarray, "k m"]) -> Float[np.ndarray, "d d"]:
        """W^+ P W, where P projects orthogonally onto the span of the whitened cross-covariance."""
        kept = column_space(cross, FAINT)
        return self.out @ kept @ kept.T @ self.into


def leace(moments: Moments, folds: Int[np.ndarray, "n"]) -> Eraser:
    """The eraser of the labels, fitted on some folds: r(x) = x - W^+ P W (x - mean), W = Cov(x)^(-1/2).

    P is the orthogonal projection onto the columns of W Cov(x, y). Of all affine maps after which every
    linear probe of y is constant it changes x least, in the mean square of every quadratic norm at once
    (Belrose et al. 2023, theorem 4.3).
    """
    mean, white, cross = _fitted(moments, folds)
    return Eraser(white.removal(white.into @ cross), mean)


def random_eraser(
    moments: Moments, folds: Int[np.ndarray, "n"], rank: int, rng: np.random.Generator
) -> Eraser:
    """The eraser of random linear functions of the features: as many directions, of equal variance after
    whitening.
    """
    mean, white, _ = _fitted(moments, folds)
    # Drawn in the features' own coordinates and turned: in those of the principal axes a sign would make it
    # another subspace.
    return Eraser(white.removal(white.basis.T @ rng.normal(size=(len(mean), rank))), mean)


def _fitted(moments: Moments, folds: Int[np.ndarray, "n"]) -> tuple[np.ndarray, Whitening, np.ndarray]:
    mean, covariance = moments.feature_moments(folds)
    values, basis = np.linalg.eigh(covariance)
    # Rounding of the second moment about zero is all that a constant feature leaves in its variance.
    rounding = len(mean) * np.finfo(float).eps * (values.max() + mean @ mean)
    varies = values > max(FAINT**2 * values.max(), rounding)
    return mean, Whitening(basis[:, varies], np.sqrt(values[varies])), moments.cross_covariance(folds)
