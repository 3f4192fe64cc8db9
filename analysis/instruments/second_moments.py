"""Second moments of features and labels, fold by fold: all that a linear probe, its scores and its baselines
need of the data (docs/theory/held_out_probe.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Float, Int


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
