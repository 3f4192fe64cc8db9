"""Linear probes: weighted affine least squares, held out by history, from sufficient statistics.

Once the weighted second moments of (features, labels) are known per fold, every fit, every ridge, every
subset of features and every score is linear algebra on small matrices; the data are read once. That makes
exact leave-histories-out scores and a thousand refitted shuffles cheap. docs/theory/held_out_probe.md has the
derivation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

from processes.values import earlier

from ..contexts import Contexts
from .ridge import RIDGES, Moments, errors, fit, spread_of_labels, strongest_of_the_best

STACK = 100_000
"""Numbers of one array in which networks are probed at once: several where features are few, and no more than
stay in a cache.
"""
FEWEST = 8
"""Scores that are worked out at once however many the features are."""


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
    return moments_of(x, y, contexts.weight, by_fold(contexts))


def moments_of(
    x: Float[np.ndarray, "N d"],
    y: Float[np.ndarray, "N m"],
    weight: Float[np.ndarray, "N"],
    folds: Sequence[Int[np.ndarray, "n"]],
) -> Moments:
    """The same of weighted rows, given the rows of each fold; last, those of none."""
    x, y = np.asarray(x), np.asarray(y, np.float64)
    parts = []
    for here in folds:
        w = weight[here]
        root = np.sqrt(w)
        # Weighted by their root, so that the product of features with themselves is known to be symmetric.
        a, b = x[here] * root[:, None], y[here] * root[:, None]
        parts.append((w.sum(), root @ a, root @ b, a.T @ a, a.T @ b, (b * b).sum(0)))
    return Moments(*(np.stack(column) for column in zip(*parts, strict=True)))


def probe(moments: Moments, *, intercept: bool = True) -> Probe:
    """Fit and score a probe from its moments.

    For each fold, the ridge is chosen by cross-validation among the other folds, refitted on all of those,
    and scored on the fold; scores are pooled over folds. Without `intercept` the map is linear and has to
    produce the mean as well.
    """
    return probes([moments], intercept=intercept)[0]


def probes(networks: Sequence[Moments], *, intercept: bool = True) -> list[Probe]:
    """One probe for the moments of each network, as `probe` makes it; all have features and labels of one
    shape.
    """
    design = _design(networks[0].n_folds)
    some = max(1, STACK // (len(design.scored) * networks[0].xx[0].size))
    groups = (networks[first : first + some] for first in range(0, len(networks), some))
    return [found for group in groups for found in _probes(group, design, intercept)]


class Design(NamedTuple):
    """What is fitted on which of G folds, the last of them the contexts in none, and scored on which: 1 where
    a fold is in.

    Fits, in this order: without two folds, for each pair; without one; on all folds; on everything, the
    contexts in no fold too. Scores, in this order: fits without two folds on the second of them, then on the
    first; without one on that one; on everything, of what is fitted on everything.
    """

    fitted: Float64[np.ndarray, "fits G"]
    scored: Float64[np.ndarray, "scores G"]
    of: Int[np.ndarray, "scores"]  # which fit is scored
    pairs: Int[np.ndarray, "pairs 2"]


def _design(n_folds: int) -> Design:
    pairs = np.array(list(combinations(range(n_folds), 2)), int).reshape(-1, 2)
    one, alone = np.eye(n_folds + 1), np.arange(n_folds)
    folds, everything = 1 - one[-1:], np.ones((1, n_folds + 1))
    without = folds - one[pairs].sum(1), folds - one[alone]
    scored = np.concatenate([one[pairs[:, 1]], one[pairs[:, 0]], one[alone], everything])
    fits, p = np.concatenate([*without, folds, everything]), np.arange(len(pairs))
    return Design(fits, scored, np.r_[p, p, len(p) + alone, len(fits) - 1], pairs)


def _probes(networks: Sequence[Moments], design: Design, intercept: bool) -> list[Probe]:
    """Probes of n networks, worked out together."""
    moments, F = Moments.stacked(networks), design.fitted.shape[1] - 1
    fits = fit(moments.over(design.fitted), intercept)
    rows = max(FEWEST, STACK // moments.xx[:, 0].size)
    some = [slice(first, first + rows) for first in range(0, len(design.of), rows)]
    error = np.concatenate(
        [errors(fits.some(design.of[k]), moments.over(design.scored[k])) for k in some], axis=1
    )
    # Fitted without two folds, scored on either; for each fold, that on the others, each held out in turn.
    P, spread = len(design.pairs), spread_of_labels(moments, F).sum(-1)
    (first, second), inner = np.eye(F)[design.pairs].swapaxes(0, 1), error[:, : 2 * P]
    chosen = strongest_of_the_best(np.concatenate([first, second]).T @ inner, spread[:, None])
    # Refitted on all other folds with that penalty, and scored on the fold that has decided nothing.
    total = np.take_along_axis(error[:, 2 * P : 2 * P + F], chosen[..., None], 2).sum((1, 2))
    # What is in no fold is predicted by a map fitted on all folds.
    kept = np.column_stack([chosen, np.median(chosen, 1).astype(int)])
    coef, constant = fits.some(slice(P, P + F + 1)).maps(kept)
    r2, in_sample = 1 - total / spread, 1 - error[:, -1, 0] / spread_of_labels(moments, F + 1).sum(-1)
    # Rounding can leave a perfect fit just below zero.
    rmse, ridge = np.sqrt(total.clip(0) / moments.w[:, :-1].sum(1)), np.array(RIDGES)[chosen]
    return [
        Probe(float(r2[n]), float(rmse[n]), float(in_sample[n]), ridge[n], coef[n], constant[n])
        for n in range(len(r2))
    ]


def by_fold(contexts: Contexts) -> list[np.ndarray]:
    """Indices of the contexts of each fold; last, those of none."""
    used = range(contexts.fold.max() + 1)
    return [np.flatnonzero(contexts.fold == f) for f in [*used, -1]]


__getattr__ = earlier.names(
    __name__, {"shuffled_r2": "analysis.instruments.probing.label_shuffles:shuffled_r2"}
)
