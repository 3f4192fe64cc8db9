"""Linear probes: weighted affine least squares, held out by history, from sufficient statistics.

Once the weighted second moments of (features, labels) are known per fold, every fit, every ridge, every
subset of features and every score is linear algebra on small matrices; the data are read once. That makes
exact leave-histories-out scores and a thousand refitted shuffles cheap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

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


def moments(x: Float[np.ndarray, "N d"], y: Float[np.ndarray, "N m"], truth: Contexts) -> Moments:
    """Second moments of features x (N, d) and labels y (N, m) on the given contexts, by fold."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    parts = []
    for here in _by_fold(truth):
        w, a, b = truth.weight[here], x[here], y[here]
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
    inner = {}
    for f in folds:
        for g in folds:
            if f < g:
                fit = _Fit(moments, [k for k in folds if k not in (f, g)], intercept)
                inner[f, g], inner[g, f] = fit.errors(g), fit.errors(f)
    spread = _spread(moments, moments.n_folds).sum()
    chosen = [
        _strongest_of_the_best(np.sum([inner[f, g] for g in folds if g != f], axis=0), spread) for f in folds
    ]
    fits = [_Fit(moments, [k for k in folds if k != f], intercept) for f in folds]
    error = sum(fits[f].errors(f)[chosen[f]] for f in folds)
    everything = _Fit(moments, [*folds, moments.n_folds], intercept)
    for_rest = _Fit(moments, list(folds), intercept)
    maps = [fits[f].map(chosen[f]) for f in folds] + [for_rest.map(int(np.median(chosen)))]
    in_sample = sum(everything.errors(f)[0] for f in range(moments.n_folds + 1))
    return Probe(
        r2=float(1 - error / spread),
        rmse=float(
            np.sqrt(max(error, 0.0) / moments.w[:-1].sum())
        ),  # rounding can leave a perfect fit just below zero
        r2_in_sample=float(1 - in_sample / _spread(moments, moments.n_folds + 1).sum()),
        ridge=np.array([RIDGES[c] for c in chosen]),
        coef=np.stack([m[0] for m in maps]),
        intercept=np.stack([m[1] for m in maps]),
    )


def _strongest_of_the_best(error: Float[np.ndarray, "ridges"], spread: float) -> int:
    """The ridge of least error; of those that are as good but for rounding, the strongest: which of them is
    the least is up to the processor.
    """
    return int(np.flatnonzero(error <= error.min() + ROUNDING * spread)[-1])


def shuffled_r2(
    x: Sequence[Float[np.ndarray, "N d"]],
    base: Sequence[Moments],
    y: Float[np.ndarray, "N m"],
    truth: Contexts,
    *,
    n: int,
    seed: int = 0,
) -> Float[np.ndarray, "R n"]:
    """Held-out R2 of probes refitted on `n` shuffles of the labels, for each of R feature sets; returns (R,
    n).

    `base` are the moments of the features with the labels in their place: only what depends on the labels is
    computed anew. Labels are permuted among the contexts of equal length, so the set of labels at each
    position is kept. Each shuffle is given the ridge that turns out best for it on the held-out folds, an
    advantage the real labels do not get: the null is an upper bound on what a cross-validated shuffle would
    reach.
    """
    # Labels in orthonormal coordinates of the plane they span (beliefs sum to one): the same errors from
    # fewer columns.
    centre = y - y.mean(0)
    _, size, axes = np.linalg.svd(centre, full_matrices=False)
    y = centre @ axes[size > 1e-9 * size[0]].T
    m = y.shape[1]
    # Factorise once per training set; shuffles only change the label moments.
    fits = [[_Fit(b, [k for k in range(b.n_folds) if k != f], True) for f in range(b.n_folds)] for b in base]
    folds = _by_fold(truth)[:-1]
    rows = np.concatenate(folds)  # contexts sorted by fold, so that a fold is a contiguous run
    runs = [
        slice(int(end) - len(here), int(end))
        for here, end in zip(folds, np.cumsum([len(f) for f in folds]), strict=True)
    ]
    w = truth.weight[rows]
    weighted = [np.asarray(a, np.float64)[rows] * w[:, None] for a in x]
    out = []
    for labels in _shuffles(y, truth, rows, n, seed):
        unscored = np.zeros((1, len(labels)))
        sum_y = np.concatenate([np.stack([labels[:, run] @ w[run] for run in runs]), unscored])
        sum_yy = np.concatenate([np.stack([labels[:, run] ** 2 @ w[run] for run in runs]), unscored])
        row = []
        for r, b in enumerate(base):
            xy = [(labels[:, run] @ weighted[r][run]).T for run in runs]
            s = replace(b, y=sum_y, xy=np.stack([*xy, np.zeros_like(xy[0])]), yy=sum_yy)
            error = np.sum(
                [fits[r][f].relabelled(s).errors(f, per_label=True) for f in range(b.n_folds)], axis=0
            )
            spread = _spread(s, s.n_folds)
            row.append(1 - error.reshape(len(RIDGES), -1, m).sum(2).min(0) / spread.reshape(-1, m).sum(1))
        out.append(np.stack(row))
    return np.concatenate(out, axis=1)


def _shuffles(y: np.ndarray, truth: Contexts, rows: np.ndarray, n: int, seed: int) -> Iterator[np.ndarray]:
    """Labels of the given rows under n shuffles, one label of one shuffle a line: (k m, rows), k few enough
    for memory.
    """
    rng = np.random.default_rng(seed)
    levels = [np.flatnonzero(truth.length == L) for L in np.unique(truth.length[rows])]
    source, columns = np.arange(len(y)), np.ascontiguousarray(y.T)
    block = int(np.clip(4_000_000 // y.size, 1, n))
    for first in range(0, n, block):
        labels = np.empty((min(block, n - first), *columns.shape[:1], len(rows)))
        for shuffle in labels:
            for level in levels:
                source[level] = rng.permutation(level)
            np.take(columns, source[rows], axis=1, out=shuffle, mode="clip")
        yield labels.reshape(-1, len(rows))


class _Fit:
    """Ridge regressions on some folds for all penalties at once, in the eigenbasis of the feature
    covariance."""

    def __init__(self, moments: Moments, folds: list[int], intercept: bool):
        self.moments, self.folds, self.intercept = moments, folds, intercept
        w = moments.w[folds].sum()
        self.mx = moments.x[folds].sum(0) / w if intercept else np.zeros(moments.x.shape[1])
        xx = moments.xx[folds].sum(0) - w * np.outer(self.mx, self.mx)
        values, self.basis = np.linalg.eigh(xx)
        values = values.clip(0)
        floor = max(values.mean(), np.finfo(float).tiny)
        self.shrink = 1 / (values + floor * np.array(RIDGES)[:, None])  # (ridges, d)
        self.turned: dict[int, np.ndarray] = {}
        self._label()

    def _label(self) -> None:
        s, w = self.moments, self.moments.w[self.folds].sum()
        self.my = s.y[self.folds].sum(0) / w if self.intercept else np.zeros(s.y.shape[1])
        self.z = self.basis.T @ (s.xy[self.folds].sum(0) - w * np.outer(self.mx, self.my))

    def relabelled(self, moments: Moments) -> "_Fit":
        """The same factorisation for other labels of the same features."""
        self.moments = moments
        self._label()
        return self

    def errors(self, fold: int, *, per_label: bool = False) -> np.ndarray:
        """Weighted squared error on a fold for every ridge: (ridges,), or (ridges, m) per label."""
        s = self.moments
        w, x, y = s.w[fold], s.x[fold], s.y[fold]
        if fold not in self.turned:
            centred = (
                s.xx[fold] - np.outer(x, self.mx) - np.outer(self.mx, x) + w * np.outer(self.mx, self.mx)
            )
            self.turned[fold] = self.basis.T @ centred @ self.basis
        xy = self.basis.T @ (
            s.xy[fold] - np.outer(x, self.my) - np.outer(self.mx, y) + w * np.outer(self.mx, self.my)
        )
        yy = s.yy[fold] - 2 * y * self.my + w * self.my**2
        out = np.empty((len(RIDGES), len(yy)))
        for k, shrink in enumerate(self.shrink):
            b = shrink[:, None] * self.z
            out[k] = yy + (b * (self.turned[fold] @ b - 2 * xy)).sum(0)
        return out if per_label else out.sum(1)

    def map(self, ridge: int) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (d, m) and intercept (m,) for a ridge."""
        coef = self.basis @ (self.shrink[ridge][:, None] * self.z)
        return coef, self.my - self.mx @ coef


def _spread(moments: Moments, n: int) -> Float[np.ndarray, "m"]:
    """Weighted squares of each label about its mean over the first n folds."""
    return moments.yy[:n].sum(0) - moments.y[:n].sum(0) ** 2 / moments.w[:n].sum()


def _by_fold(truth: Contexts) -> list[np.ndarray]:
    """Indices of the contexts of each fold; last, those of none."""
    used = [f for f in range(truth.fold.max() + 1)]
    return [np.flatnonzero(truth.fold == f) for f in [*used, -1]]
