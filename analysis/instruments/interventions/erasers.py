"""Erasers of labels from features, by the rule by which they choose what to take out.

With S the covariance of the features x, C their covariance with the labels y, U an orthonormal basis of what
is taken out and Q = 1 - U U^T, a linear probe with a ridge s reads

    f(U) = tr C^T Q (Q S Q + s)^-1 Q C

of the variance of the labels afterwards. It reads nothing if and only if Q C = 0 (Belrose et al. 2023,
arXiv:2306.03819, theorem 3.1), so of as many directions as C has there is one subspace that an orthogonal
projection may take out: what C spans. Mean projection takes just that; LEACE
(`erasure`, beside this file) takes it obliquely, changing the features least; INLP takes what the best
probe reads, again and again (Ravfogel et al. 2020, arXiv:2004.07667); an adversarial eraser of some rank
searches for the least f (Ravfogel et al. 2022, arXiv:2201.12091, who let the probe learn by gradients; here
it answers with its best). All of it follows from second moments.
"""

from collections.abc import Callable, Mapping
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

import toy
from processes.algebra.span import column_space

from ..probing import probe
from ..probing.ridge import Moments
from .erasure import FAINT, Eraser, leace

How = Literal["leace", "mean", "inlp", "adversarial"]
HOW: tuple[How, ...] = get_args(How)
STRENGTH = 1e-6
"""Ridge of the probe that erasers are fitted against, beside the mean variance of a feature: the weaker, the
fainter the directions that it reads.
"""
CONTINUED = tuple(10.0**k for k in range(0, -6, -1))
"""Ridges of the weaker probes that a continued search begins with, strongest first."""
READ = 0.01
"""R2 on other folds below which INLP ends."""
STEPS = 500
"""Of L-BFGS, for each ridge."""


class Read:
    """What a probe reads of labels when a subspace of the features is taken out; features and labels in units
    of their mean variance and of their variance.
    """

    def __init__(self, moments: Moments, folds: Int[np.ndarray, "n"]):
        self.mean, covariance = moments.feature_moments(folds)
        cross = moments.cross_covariance(folds)
        tiny = np.finfo(float).tiny
        unit = max(float(np.trace(covariance)) / len(covariance), tiny)
        self.units = unit, max(moments.label_variance(folds), tiny)
        self.S, self.C = covariance / unit, cross / np.sqrt(unit * self.units[1])

    def probe(
        self, taken: Float[np.ndarray, "d k"], ridge: float = STRENGTH
    ) -> tuple[float, Float[np.ndarray, "d m"]]:
        """Share of the labels' variance that is read once an orthonormal basis is taken out, and by which
        coefficients.
        """
        Q = np.eye(len(self.S)) - taken @ taken.T
        left, B = self._best(Q, ridge)
        coef = Q @ B
        return float((coef * left).sum()), coef

    def judged_by(self, other: "Read", taken: Float[np.ndarray, "d k"]) -> float:
        """The share that the probe which is best here reads on other folds."""
        (unit, own), (of_features, of_labels) = self.units, other.units
        B = np.sqrt(own / unit * of_features / of_labels) * self.probe(taken)[1]
        return float((2 * B * other.C - B * (other.S @ B)).sum())

    def slope(self, flat: Float[np.ndarray, "dk"], ridge: float) -> tuple[float, Float[np.ndarray, "dk"]]:
        """The share that is read without the columns of A (d, k), which need not be orthonormal, and its
        gradient in A: the probe is the best, so that how it answers adds nothing.
        """
        A = flat.reshape(len(self.S), -1)
        inverse = np.linalg.inv(A.T @ A)
        Q = np.eye(len(A)) - A @ inverse @ A.T
        left, B = self._best(Q, ridge)
        by_q = 2 * self.C @ B.T - 2 * self.S @ Q @ B @ B.T
        return float((B * left).sum()), (-Q @ (by_q + by_q.T) @ A @ inverse).ravel()

    def _best(
        self, Q: Float[np.ndarray, "d d"], ridge: float
    ) -> tuple[Float[np.ndarray, "d m"], Float[np.ndarray, "d m"]]:
        """What a projection leaves of the covariance with the labels, Q C, and what the best probe on the
        projected features makes of it.
        """
        left = Q @ self.C
        return left, np.linalg.solve(Q @ self.S @ Q + ridge * np.eye(len(Q)), left)


def mean_projection(moments: Moments, folds: Int[np.ndarray, "n"]) -> Eraser:
    """The orthogonal projection away from what features and labels share: of classes the differences of their
    means, of numbers their covariances with the features.
    """
    return _orthogonal(
        moments.feature_moments(folds)[0], column_space(moments.cross_covariance(folds), FAINT)
    )


def inlp(moments: Moments, folds: Int[np.ndarray, "n"], *, read: float = READ) -> Eraser:
    """What the best linear probe reads is projected away, and of the rest again, until a probe that is fitted
    on every other fold reads no more than `read` of the labels' variance on those between.
    """
    game, fitted, judged = Read(moments, folds), Read(moments, folds[::2]), Read(moments, folds[1::2])
    taken = np.zeros((len(game.S), 0))
    while taken.shape[1] < len(game.S) and fitted.judged_by(judged, taken) > read:
        coef = game.probe(taken)[1]
        rest = coef - taken @ (taken.T @ coef)
        taken = np.linalg.qr(np.column_stack([taken, column_space(rest, FAINT)]))[0]
    return _orthogonal(game.mean, taken)


def shared_directions(moments: Moments, folds: Int[np.ndarray, "n"]) -> int:
    """Directions that features share with labels; one less than features at most."""
    return min(column_space(moments.cross_covariance(folds), FAINT).shape[1], moments.x.shape[1] - 1)


def adversarial(
    moments: Moments,
    folds: Int[np.ndarray, "n"],
    rank: int,
    *,
    seed: int,
    ridge: float = STRENGTH,
    continued: bool = False,
) -> Eraser:
    """The orthogonal projection of so many directions after which the best probe reads least, as L-BFGS finds
    it from a random start.

    A continued search begins against a probe that reads loud directions only, and goes on from there against
    ever stronger ones.
    """
    from scipy.optimize import minimize  # slow to import, which every command would pay

    game = Read(moments, folds)
    # Drawn in the features' own coordinates, as the search sees them.
    A = np.random.default_rng(seed).normal(size=(len(game.S), rank))
    for against in (*CONTINUED, ridge) if continued else (ridge,):
        A = np.linalg.qr(A)[0]  # any basis of the subspace is as good, and this one does not overflow
        found = minimize(
            game.slope,
            A.ravel(),
            (against,),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": STEPS, "maxfun": 2 * STEPS, "ftol": 1e-15, "gtol": 1e-10},
        )
        A = found.x.reshape(A.shape)
    return _orthogonal(game.mean, np.linalg.qr(A)[0])


def left_to_read(moments: Moments, folds: Int[np.ndarray, "n"], eraser: Eraser | None = None) -> float:
    """Share of the labels' variance that the best linear probe reads, in sample, of features as they are or
    erased.
    """
    covariance, cross = moments.feature_moments(folds)[1], moments.cross_covariance(folds)
    rounding = STRENGTH**2 * max(float(np.linalg.norm(covariance, 2)), np.finfo(float).tiny)
    if eraser is not None:
        keeps = np.eye(len(covariance)) - eraser.removal
        covariance, cross = keeps @ covariance @ keeps.T, keeps @ cross
    values, basis = np.linalg.eigh(covariance)
    varies = values > rounding
    read = ((basis[:, varies].T @ cross) ** 2 / values[varies, None]).sum()
    return float(read / max(moments.label_variance(folds), np.finfo(float).tiny))


def taken_out(eraser: Eraser) -> Float[np.ndarray, "d k"]:
    """An orthonormal basis of the directions in which features are changed: what the eraser maps to its mean,
    about it.
    """
    return np.linalg.svd(eraser.removal)[0][:, : eraser.rank]


def read_along(
    eraser: Eraser, x: Float[np.ndarray, "N d"], weight: Float[np.ndarray, "N"]
) -> Float[np.ndarray, "N k"]:
    """What is taken out of every row, as functions of the rows that are orthonormal under the weights: the
    same in whatever coordinates the features stand.
    """
    by = np.linalg.svd(eraser.removal)[2][: eraser.rank]
    values = (np.asarray(x, np.float64) - eraser.mean) @ by.T
    w = weight / weight.sum()
    return np.linalg.qr((values - w @ values) * np.sqrt(w)[:, None])[0]


def eraser(
    x: np.ndarray,
    y: np.ndarray,
    how: str = "leace",
    *,
    weight: np.ndarray | None = None,
    rank: int | None = None,
    seed: int = 0,
) -> Eraser:
    """An eraser of labels from activations of your own, x (N, d): labels are numbers (N, m), or whole numbers
    (N,) that name classes. An adversarial eraser takes as many directions as labels have, or `rank`.

    Raises `toy.ModelError` for what is no such data.
    """
    made: Mapping[str, Callable[[Moments, np.ndarray], Eraser]] = {
        "leace": leace,
        "mean": mean_projection,
        "inlp": inlp,
        "adversarial": lambda m, f: adversarial(m, f, _rank(m, f, rank), seed=seed),
    }
    if how not in made:
        raise toy.ModelError(f"the eraser is {how!r}; choose one of {', '.join(HOW)}")
    return made[how](moments_of(x, y, weight), np.arange(2))


def moments_of(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> Moments:
    """Second moments of activations (N, d) and labels, numbers (N, m) or classes (N,): every other row is
    of one fold.

    Raises `toy.ModelError` for what is no such data.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y)
    y = np.eye(int(y.max()) + 1)[y] if _classes(y) else y.astype(np.float64)
    w = np.ones(len(x)) if weight is None else np.asarray(weight, np.float64)
    if x.ndim != 2 or y.ndim != 2 or not len(x) == len(y) == len(w) or w.ndim != 1 or len(x) < 2:
        raise toy.ModelError(
            f"activations have shape {x.shape}, labels {y.shape} and weights {w.shape}; give (N, d), numbers "
            "(N, m) or classes 0, 1, ... (N,), and (N,), of at least two rows"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(w).all() and (w >= 0).all()):
        raise toy.ModelError("activations, labels and weights must be finite, and weights at least zero")
    if not (w > 0).any() or not np.ptp(y[w > 0], axis=0).any() or not np.ptp(x[w > 0], axis=0).any():
        raise toy.ModelError("activations or labels do not vary, so that there is nothing to erase")
    rows = np.arange(len(x))
    return probe.moments_of(x, y, w, (rows[::2], rows[1::2], rows[:0]))


def _classes(y: np.ndarray) -> bool:
    return y.ndim == 1 and y.dtype.kind in "iub" and bool(len(y)) and int(y.min()) >= 0


def _rank(moments: Moments, folds: np.ndarray, rank: int | None) -> int:
    d = moments.x.shape[1]
    if rank is not None and not 1 <= rank < d:
        raise toy.ModelError(f"{rank} directions are to be taken out of {d}; ask for 1 to {d - 1} of them")
    return shared_directions(moments, folds) if rank is None else rank


def _orthogonal(mean: np.ndarray, taken: Float[np.ndarray, "d k"]) -> Eraser:
    return Eraser(taken @ taken.T, mean)
