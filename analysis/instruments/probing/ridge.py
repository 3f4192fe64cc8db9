"""Ridge regressions from second moments: all that linear probes, their scores and their baselines need of the
data, fold by fold (docs/theory/held_out_probe.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

RIDGES = tuple(10.0**k for k in range(-8, 1))
"""Ridge penalties, relative to the mean variance of a feature in the training folds, weakest first."""

ROUNDING = 1e-12
"""Share of the labels' spread below which the scores of two penalties differ by rounding: a score is a
difference of sums good to 1e-15 each.
"""


@dataclass(frozen=True, eq=False)
class Moments:
    """Weighted second moments of features x and labels y, fold by fold; the last entry holds the unscored
    contexts. Those of several networks may lie in one, side by side along leading axes.
    """

    w: Float[np.ndarray, "*n F"]  # sum of weights
    x: Float[np.ndarray, "*n F d"]  # sum w x
    y: Float[np.ndarray, "*n F m"]
    xx: Float[np.ndarray, "*n F d d"]  # sum w x x^T
    xy: Float[np.ndarray, "*n F d m"]
    yy: Float[np.ndarray, "*n F m"]  # sum w y^2

    def __getitem__(self, columns: tuple[slice, slice]) -> "Moments":
        """The moments of some features and some labels."""
        f, m = columns
        x, y, xx = self.x[..., f], self.y[..., m], self.xx[..., f, f]
        return Moments(self.w, x, y, xx, self.xy[..., f, m], self.yy[..., m])

    @staticmethod
    def stacked(networks: Sequence["Moments"]) -> "Moments":
        """The moments of several networks as one, networks first."""
        return Moments(*(np.stack([getattr(m, f.name) for m in networks]) for f in fields(Moments)))

    @property
    def n_folds(self) -> int:
        """Folds that are scored."""
        return self.w.shape[-1] - 1

    def over(self, sets: Float[np.ndarray, "T F"]) -> "Moments":
        """The moments of sets of folds, which stand where the folds stood: sums over the folds in each."""
        w, x, y = (_totals(sets, part, axes) for part, axes in ((self.w, 0), (self.x, 1), (self.y, 1)))
        xx, xy, yy = (_totals(sets, part, axes) for part, axes in ((self.xx, 2), (self.xy, 2), (self.yy, 1)))
        return Moments(w, x, y, xx, xy, yy)

    def feature_moments(
        self, folds: Int[np.ndarray, "n"]
    ) -> tuple[Float[np.ndarray, "d"], Float[np.ndarray, "d d"]]:
        """Mean and covariance of the features on some folds."""
        w = self.w[folds].sum()
        mean = self.x[folds].sum(0) / w
        return mean, self.xx[folds].sum(0) / w - np.outer(mean, mean)

    def cross_covariance(self, folds: Int[np.ndarray, "n"]) -> Float[np.ndarray, "d m"]:
        """Covariance of the features with the labels on some folds."""
        w = self.w[folds].sum()
        return self.xy[folds].sum(0) / w - np.outer(self.x[folds].sum(0) / w, self.y[folds].sum(0) / w)

    def label_variance(self, folds: Int[np.ndarray, "n"]) -> float:
        """Variance of the labels on some folds, summed over labels."""
        w, y = self.w[folds].sum(), self.y[folds].sum(0)
        return float((self.yy[folds].sum(0) - y**2 / w).sum() / w)

    def others(self, fold: int) -> Int[np.ndarray, "n"]:
        """The scored folds but one: what a map for that one is fitted on."""
        return np.setdiff1d(np.arange(self.n_folds), fold)

    def centred(self) -> "Moments":
        """The moments of the same data after subtracting the features' mean over the scored contexts."""
        # The mean of what is scored: with the short contexts in it, the others would keep a constant
        # direction.
        w = self.w[..., None]
        mean = self.x[..., :-1, :].sum(-2, keepdims=True) / w[..., :-1, :].sum(-2, keepdims=True)
        cross = outer(self.x, mean)
        xx = self.xx - cross - cross.swapaxes(-1, -2) + w[..., None] * outer(mean, mean)
        return replace(self, x=self.x - w * mean, xx=xx, xy=self.xy - outer(mean, self.y))


def spread_of_labels(moments: Moments, n: int) -> Float[np.ndarray, "*n m"]:
    """Weighted squares of each label about its mean over the first n folds."""
    w, y, yy = moments.w[..., :n].sum(-1), moments.y[..., :n, :].sum(-2), moments.yy[..., :n, :].sum(-2)
    return yy - y**2 / w[..., None]


def outer(x: Float[np.ndarray, "..."], y: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """The outer product of the last axes of two arrays."""
    return x[..., :, None] * y[..., None, :]


def _totals(sets: Float[np.ndarray, "T F"], x: np.ndarray, axes: int) -> np.ndarray:
    """Sums over the folds of each set; the axis of folds has so many axes behind it."""
    before, after = x.shape[: x.ndim - axes - 1], x.shape[x.ndim - axes :]
    return (sets @ x.reshape(*before, sets.shape[1], -1)).reshape(*before, len(sets), *after)


class Factorised(NamedTuple):
    """Features of sets of folds (T of them), each in the eigenbasis of its covariance: all that ridge
    regressions onto any labels, with any penalty, need of them.
    """

    intercept: bool
    weight: Float64[np.ndarray, "*n T"]  # W = sum w
    mean: Float64[np.ndarray, "*n T d"]  # mu = sum w x / W; zero without an intercept
    basis: Float64[np.ndarray, "*n T d d"]  # Q, of which columns are the axes: Q^T C Q = diag(lambda)
    shrink: Float64[np.ndarray, "*n T ridges d"]  # 1 / (lambda_j + ridge mean(lambda))


class Regressed(NamedTuple):
    """Labels regressed on factorised features: in the eigenbasis, coefficients are `shrink` times `cross`."""

    mean: Float64[np.ndarray, "*n T m"]  # nu = sum w y / W; zero without an intercept
    cross: Float64[np.ndarray, "*n T d m"]  # Q^T (sum w x y^T - W mu nu^T)


class Fit(NamedTuple):
    """Ridge regressions on sets of folds, for all penalties at once: B = Q (shrink * cross)."""

    x: Float64[np.ndarray, "*n T d"]  # mu
    y: Float64[np.ndarray, "*n T m"]  # nu
    basis: Float64[np.ndarray, "*n T d d"]  # Q
    shrink: Float64[np.ndarray, "*n T ridges d"]
    cross: Float64[np.ndarray, "*n T d m"]

    def some(self, which: slice | Int[np.ndarray, "scores"]) -> "Fit":
        """Some of the fits, in this order."""
        return Fit(*(part[:, which] for part in self))

    def maps(
        self, ridge: Int[np.ndarray, "n T"]
    ) -> tuple[Float64[np.ndarray, "n T d m"], Float64[np.ndarray, "n T m"]]:
        """Coefficients and intercepts of every fit for one of the penalties."""
        shrink = np.take_along_axis(self.shrink, ridge[..., None, None], 2)[..., 0, :]
        coef = self.basis @ (shrink[..., None] * self.cross)
        return coef, self.y - (self.x[..., None, :] @ coef)[..., 0, :]


def factorised(training: Moments, intercept: bool) -> Factorised:
    """The eigenbasis of C = sum w x x^T - W mu mu^T for each set of folds, and what each penalty leaves of
    each axis.
    """
    w = training.w[..., None]
    mean = training.x / w if intercept else np.zeros_like(training.x)
    values, basis = np.linalg.eigh(training.xx - w[..., None] * outer(mean, mean))
    # C has no negative eigenvalue but by rounding, and where it is zero the penalty must not be.
    values = values.clip(0)
    scale = np.maximum(values.mean(-1), np.finfo(float).tiny)
    least = scale[..., None, None] * np.array(RIDGES)[:, None]
    return Factorised(intercept, training.w, mean, basis, 1 / (values[..., None, :] + least))


def regressed(
    features: Factorised, y: Float64[np.ndarray, "*n T m"], xy: Float64[np.ndarray, "*n T d m"]
) -> Regressed:
    """Regress labels, of which sum w y and sum w x y^T are given, on features that are factorised already."""
    w = features.weight[..., None]
    nu = y / w if features.intercept else np.zeros_like(y)
    cross = xy - outer(w * features.mean, nu)
    return Regressed(nu, features.basis.swapaxes(-1, -2) @ cross)


def fit(training: Moments, intercept: bool) -> Fit:
    """Ridge regressions of the labels on the features, both of one set of folds after the other."""
    features = factorised(training, intercept)
    nu, cross = regressed(features, training.y, training.xy)
    return Fit(features.mean, nu, features.basis, features.shrink, cross)


def errors(fit: Fit, held: Moments) -> Float64[np.ndarray, "*n T ridges"]:
    """Weighted squared error, of all labels, for every penalty, where each fit is put to folds of its own:

    sum w (y - nu - (x - mu) b)^2 = yy - 2 b.xy + b.(xx b),    all three about mu and nu.
    """
    mu, xx = fit.x, squares_about(fit.x, held)
    xy, yy = about(mu, fit.y, held)
    turned = fit.basis.swapaxes(-1, -2)  # Q^T
    # With c for `cross` and s for a row of `shrink`, b = s * c in the eigenbasis: b.xy = s.(c.xy).
    by_axis = (fit.cross * (turned @ xy)).sum(-1)
    linear = (fit.shrink @ by_axis[..., None])[..., 0]
    if len(RIDGES) * fit.cross.shape[-1] > mu.shape[-1]:
        # Many labels: b.(xx b) summed over them is s.(M s), where M = (Q^T xx Q) * (c c^T).
        M = (turned @ xx @ fit.basis) * (fit.cross @ fit.cross.swapaxes(-1, -2))
        square = ((fit.shrink @ M) * fit.shrink).sum(-1)
    else:  # Few labels: all penalties and labels side by side, in the features' own coordinates.
        shrunk = fit.shrink.swapaxes(-1, -2)[..., None] * fit.cross[..., None, :]  # (n, T, d, ridges, m)
        b = fit.basis @ shrunk.reshape(*mu.shape, -1)
        square = np.einsum("...dl,...dl->...l", b, xx @ b)
        square = square.reshape(*mu.shape[:-1], len(RIDGES), -1).sum(-1)
    return yy.sum(-1)[..., None] - 2 * linear + square


def squares_about(mu: Float64[np.ndarray, "*n T d"], held: Moments) -> Float64[np.ndarray, "*n T d d"]:
    """Sums w (x - mu) (x - mu)^T of folds, about the means of what was fitted on others."""
    xx = held.xx - outer(held.x - held.w[..., None] * mu, mu)
    xx -= outer(mu, held.x)  # in place: where features are many, a copy less
    return xx


def about(
    mu: Float64[np.ndarray, "*n T d"], nu: Float64[np.ndarray, "*n T m"], held: Moments
) -> tuple[Float64[np.ndarray, "*n T d m"], Float64[np.ndarray, "*n T m"]]:
    """Sums w (x - mu) (y - nu)^T and w (y - nu)^2 of folds, about the means of what was fitted on others."""
    w = held.w[..., None]
    xy = held.xy - outer(held.x - w * mu, nu) - outer(mu, held.y)
    return xy, held.yy - 2 * held.y * nu + w * nu**2


def strongest_of_the_best(
    error: Float[np.ndarray, "*n ridges"], spread: Float[np.ndarray, "*#n"] | float
) -> Any:
    """Which ridge has the least error; of those that are as good but for rounding, the strongest: which of
    them is the least is up to the processor.
    """
    best = error <= (error.min(-1) + ROUNDING * spread)[..., None]
    return best.shape[-1] - 1 - np.argmax(best[..., ::-1], -1)
