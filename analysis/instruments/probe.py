"""Linear probes: weighted affine least squares, held out by history, from sufficient statistics.

Once the weighted second moments of (features, labels) are known per fold, every fit, every ridge, every
subset of features and every score is linear algebra on small matrices; the data are read once. That makes
exact leave-histories-out scores and a thousand refitted shuffles cheap. docs/theory/held_out_probe.md has the
derivation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from processes.values import earlier

from .contexts import Contexts

RIDGES = tuple(10.0**k for k in range(-8, 1))
"""Ridge penalties, relative to the mean variance of a feature in the training folds, weakest first."""

ROUNDING = 1e-12
"""Share of the labels' spread below which the scores of two penalties differ by rounding: a score is a
difference of sums good to 1e-15 each.
"""


@dataclass(frozen=True, eq=False)
class Moments:
    """Weighted second moments of features x and labels y, fold by fold; the last entry holds the unscored
    contexts.
    """

    w: Float[np.ndarray, "F"]  # sum of weights
    x: Float[np.ndarray, "F d"]  # sum w x
    y: Float[np.ndarray, "F m"]
    xx: Float[np.ndarray, "F d d"]  # sum w x x^T
    xy: Float[np.ndarray, "F d m"]
    yy: Float[np.ndarray, "F m"]  # sum w y^2

    def __getitem__(self, columns: tuple[slice, slice]) -> "Moments":
        """The moments of some features and some labels."""
        f, m = columns
        return Moments(self.w, self.x[:, f], self.y[:, m], self.xx[:, f, f], self.xy[:, f, m], self.yy[:, m])

    @property
    def n_folds(self) -> int:
        """Folds that are scored."""
        return len(self.w) - 1

    def feature_law(
        self, folds: Int[np.ndarray, "n"]
    ) -> tuple[Float[np.ndarray, "d"], Float[np.ndarray, "d d"]]:
        """Mean and covariance of the features on some folds."""
        w = self.w[folds].sum()
        mean = self.x[folds].sum(0) / w
        return mean, self.xx[folds].sum(0) / w - np.outer(mean, mean)

    def others(self, fold: int) -> Int[np.ndarray, "n"]:
        """The scored folds but one: what a map for that one is fitted on."""
        return np.setdiff1d(np.arange(self.n_folds), fold)

    def centred(self) -> "Moments":
        """The moments of the same data after subtracting the features' mean over the scored contexts."""
        # The mean of what is scored: with the short contexts in it, the others would keep a constant
        # direction.
        mean, w = self.x[:-1].sum(0) / self.w[:-1].sum(), self.w[:, None, None]
        cross = self.x[:, :, None] * mean
        xx = self.xx - cross - cross.transpose(0, 2, 1) + w * np.outer(mean, mean)
        xy = self.xy - mean[:, None] * self.y[:, None, :]
        return replace(self, x=self.x - self.w[:, None] * mean, xx=xx, xy=xy)


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear probe and how well it does on histories it was not fitted on."""

    # held out by history: 1 - sum of squared errors / sum of squares about the mean, over scored contexts
    r2: float
    rmse: float  # held out: root of the weighted mean squared distance between label and prediction
    r2_in_sample: float  # fitted and scored on every context, least penalty; shown beside, never instead
    ridge: Float[np.ndarray, "F"]  # penalty chosen for each fold by cross-validation among the other folds
    coef: Float[np.ndarray, "F+1 d m"]  # one map per held-out fold, and a last one fitted on all folds
    intercept: Float[np.ndarray, "F+1 m"]

    def predict(self, x: Float[np.ndarray, "N d"], fold: Int[np.ndarray, "N"]) -> Float[np.ndarray, "N m"]:
        """Labels predicted for features x (N, d), each by the map that has not seen its fold."""
        x = np.asarray(x, np.float64)
        out = np.empty((len(x), self.coef.shape[2]))
        for f in np.unique(fold):
            here = fold == f
            out[here] = x[here] @ self.coef[f] + self.intercept[f]
        return out


def moments(x: Float[np.ndarray, "N d"], y: Float[np.ndarray, "N m"], contexts: Contexts) -> Moments:
    """Second moments of features x (N, d) and labels y (N, m) on the given contexts, by fold."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    parts = []
    for here in by_fold(contexts):
        w, a, b = contexts.weight[here], x[here], y[here]
        wa = a * w[:, None]
        parts.append((w.sum(), wa.sum(0), w @ b, wa.T @ a, wa.T @ b, w @ (b * b)))
    return Moments(*(np.stack(column) for column in zip(*parts, strict=True)))


def probe(moments: Moments, *, intercept: bool = True) -> Probe:
    """Fit and score a probe from its moments.

    For each fold, the ridge is chosen by cross-validation among the other folds, refitted on all of those,
    and scored on the fold; scores are pooled over folds. Without `intercept` the map is linear and has to
    produce the mean as well.
    """
    folds = range(moments.n_folds)

    def fitted(on: Sequence[int]) -> Fit:
        return fit(factorised(moments, on, intercept), moments)

    def error(found: Fit, fold: int) -> Float64[np.ndarray, "ridges"]:
        return errors(found, held_out(found.features, moments, fold), moments).sum(1)

    # Fitted without two folds, scored on either: error[f, g] is that on g of what has seen neither f nor g.
    inner = {}
    for f in folds:
        for g in folds:
            if f < g:
                found = fitted([k for k in folds if k not in (f, g)])
                inner[f, g], inner[g, f] = error(found, g), error(found, f)
    # For each fold the penalty that does best on the others, each of them held out in turn.
    spread = spread_of_labels(moments, moments.n_folds).sum()
    chosen = [
        _strongest_of_the_best(np.sum([inner[f, g] for g in folds if g != f], axis=0), spread) for f in folds
    ]
    # Refitted on all other folds with that penalty, and scored on the fold that has decided nothing.
    fits = [fitted([k for k in folds if k != f]) for f in folds]
    total = sum(error(fits[f], f)[chosen[f]] for f in folds)
    # Beside it, the score in sample: least penalty, fitted and scored on everything, short contexts too.
    everything = fitted([*folds, moments.n_folds])
    in_sample = sum(error(everything, f)[0] for f in range(moments.n_folds + 1))
    # What is in no fold is predicted by a map fitted on all folds.
    maps = [coefficients(fits[f], chosen[f]) for f in folds]
    maps.append(coefficients(fitted(list(folds)), int(np.median(chosen))))
    return Probe(
        r2=float(1 - total / spread),
        rmse=float(
            np.sqrt(max(total, 0.0) / moments.w[:-1].sum())
        ),  # rounding can leave a perfect fit just below zero
        r2_in_sample=float(1 - in_sample / spread_of_labels(moments, moments.n_folds + 1).sum()),
        ridge=np.array([RIDGES[c] for c in chosen]),
        coef=np.stack([coef for coef, _ in maps]),
        intercept=np.stack([constant for _, constant in maps]),
    )


def _strongest_of_the_best(error: Float[np.ndarray, "ridges"], spread: float) -> int:
    """The ridge of least error; of those that are as good but for rounding, the strongest: which of them is
    the least is up to the processor.
    """
    return int(np.flatnonzero(error <= error.min() + ROUNDING * spread)[-1])


class Factorised(NamedTuple):
    """Features of some folds in the eigenbasis of their covariance: all that ridge regressions onto any
    labels, with any penalty, need of them.
    """

    folds: list[int]
    intercept: bool
    weight: float  # W = sum w
    mean: Float64[np.ndarray, "d"]  # mu = sum w x / W; zero without an intercept
    basis: Float64[np.ndarray, "d d"]  # Q, of which columns are the axes: Q^T C Q = diag(lambda)
    shrink: Float64[np.ndarray, "ridges d"]  # 1 / (lambda_j + ridge mean(lambda))


class HeldOut(NamedTuple):
    """Features of one fold as those of other folds see them."""

    fold: int
    square: Float64[np.ndarray, "d d"]  # Q^T (sum w (x - mu) (x - mu)^T) Q over the fold


class Fit(NamedTuple):
    """Ridge regressions of labels on features, for all penalties at once: b = Q (shrink * cross)."""

    features: Factorised
    mean: Float64[np.ndarray, "m"]  # nu = sum w y / W; zero without an intercept
    cross: Float64[np.ndarray, "d m"]  # Q^T (sum w x y^T - W mu nu^T)


def factorised(moments: Moments, folds: Sequence[int], intercept: bool) -> Factorised:
    """The eigenbasis of C = sum w x x^T - W mu mu^T over some folds, and what each penalty leaves of each
    axis.
    """
    on = list(folds)
    weight = moments.w[on].sum()
    mean = moments.x[on].sum(0) / weight if intercept else np.zeros(moments.x.shape[1])
    values, basis = np.linalg.eigh(moments.xx[on].sum(0) - weight * np.outer(mean, mean))
    # C has no negative eigenvalue but by rounding, and where it is zero the penalty must not be.
    values = values.clip(0)
    scale = max(values.mean(), np.finfo(float).tiny)
    return Factorised(on, intercept, weight, mean, basis, 1 / (values + scale * np.array(RIDGES)[:, None]))


def held_out(features: Factorised, moments: Moments, fold: int) -> HeldOut:
    """The second moments of a fold about the mean of the folds fitted on, in their eigenbasis."""
    w, x, mean = moments.w[fold], moments.x[fold], features.mean
    centred = moments.xx[fold] - np.outer(x, mean) - np.outer(mean, x) + w * np.outer(mean, mean)
    return HeldOut(fold, features.basis.T @ centred @ features.basis)


def fit(features: Factorised, moments: Moments) -> Fit:
    """Regress the labels of these moments on features that are factorised already."""
    on, w = features.folds, features.weight
    mean = moments.y[on].sum(0) / w if features.intercept else np.zeros(moments.y.shape[1])
    cross = moments.xy[on].sum(0) - w * np.outer(features.mean, mean)
    return Fit(features, mean, features.basis.T @ cross)


def errors(fit: Fit, held: HeldOut, moments: Moments) -> Float64[np.ndarray, "ridges m"]:
    """Weighted squared error of each label on a fold, for every penalty:

    sum w (y - nu - (x - mu) b)^2 = yy - 2 b.xy + b.(xx b),    all three about mu and nu, b and xx in the
                                                               eigenbasis.
    """
    (features, nu, z), fold, mu = fit, held.fold, fit.features.mean
    w, x, y = moments.w[fold], moments.x[fold], moments.y[fold]
    xy = features.basis.T @ (moments.xy[fold] - np.outer(x, nu) - np.outer(mu, y) + w * np.outer(mu, nu))
    yy = moments.yy[fold] - 2 * y * nu + w * nu**2
    out = np.empty((len(RIDGES), len(yy)))
    for k, shrink in enumerate(features.shrink):
        b = shrink[:, None] * z
        out[k] = yy + (b * (held.square @ b - 2 * xy)).sum(0)
    return out


def coefficients(fit: Fit, ridge: int) -> tuple[Float64[np.ndarray, "d m"], Float64[np.ndarray, "m"]]:
    """Coefficients and intercept for one of the penalties, in the features' own coordinates."""
    coef = fit.features.basis @ (fit.features.shrink[ridge][:, None] * fit.cross)
    return coef, fit.mean - fit.features.mean @ coef


def spread_of_labels(moments: Moments, n: int) -> Float[np.ndarray, "m"]:
    """Weighted squares of each label about its mean over the first n folds."""
    return moments.yy[:n].sum(0) - moments.y[:n].sum(0) ** 2 / moments.w[:n].sum()


def by_fold(contexts: Contexts) -> list[np.ndarray]:
    """Indices of the contexts of each fold; last, those of none."""
    used = range(contexts.fold.max() + 1)
    return [np.flatnonzero(contexts.fold == f) for f in [*used, -1]]


__getattr__ = earlier.names(__name__, {"shuffled_r2": "analysis.instruments.label_shuffles:shuffled_r2"})
