"""Information dimension of a weighted cloud of points: exact beliefs, or whatever a probe reads out of a
network.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from ..entropy import entropy
from ..process import ProcessError
from ..structure.belief_distribution import alike
from ..values.arrays import real
from ..values.checks import checked
from ..values.record import Record

GRIDS = 8
"""Randomly shifted grids over which the box entropy is averaged, because a single grid cuts a fractal at
arbitrary places.
"""
POINTS_PER_BOX = 30
"""Boxes that hold fewer points than this on (geometric) average hide entropy, so finer scales are left out of
the fit.
"""

ONE_POINT = 1e-12
"""Points closer than this share of the extent, in every coordinate, are copies of one; no box of the fit is
so small.
"""


@dataclass(frozen=True, eq=False)
class InformationDimension(Record):
    """Slope of the box entropy against log(1/box), with the whole curve so that one can see whether it is
    straight.
    """

    value: float
    # standard error: scatter of the curve about its line, and of the slope over grids; no sampling error of
    # the points
    error: float
    box: Float64[np.ndarray, "K"]  # side of the boxes, as a fraction of the cloud's extent, coarse to fine
    information: Float64[np.ndarray, "K"]  # -sum_boxes p log p, nats, mean over grids
    fitted: Bool[np.ndarray, "K"]  # scales that the line was fitted to


@checked
def information_dimension(
    points: Float64[np.ndarray, "N D"],
    weight: Float64[np.ndarray, "N"] | None = None,
    *,
    fit: tuple[float, float] | None = None,
) -> InformationDimension:
    """d H(eps) / d log(1/eps) of the distribution that gives points[n] the probability weight[n] (equal ones
    by default) (Renyi 1959).

    `fit` is the range (finest, coarsest) of box sides, as fractions of the largest extent; by default those
    from 1/8 of the extent down to where boxes hold 30 points on average: exp(H(points) - H(eps)) >= 30. The
    estimate is as good as the straightness of the curve: look at it. Raises `ProcessError` on weights that
    are negative or sum to nothing, on points that are not finite, and if fewer than three scales are left to
    fit.
    """
    points, weight = _checked(points, weight)
    if fit is not None and not 2.0**-40 <= fit[0] < fit[1]:
        raise ProcessError(
            f"fit is {fit}; give the finest and the coarsest box side, as fractions of the extent from 1e-12 "
            "on"
        )
    low = points.min(0)
    extent = float((points.max(0) - low).max())
    if extent == 0:
        return InformationDimension(0.0, 0.0, np.ones(1), np.zeros(1), np.ones(1, bool))
    unit = (points - low) / extent
    whole = float(entropy(np.bincount(alike(unit, ONE_POINT), weights=weight)))  # of the distinct points
    deepest = 3
    while deepest < 40 and _curve(unit + 0.3, weight, 2.0**-deepest, 1)[0] < whole - 1:
        deepest += 1
    deepest = max(deepest, int(np.ceil(-np.log2(fit[0])))) if fit else deepest
    shifts = np.random.default_rng(0).random((GRIDS, points.shape[1]))
    halves = [
        np.array([_curve(unit + s, weight, step * 2.0**-deepest, deepest - 1) for s in shifts])
        for step in (1.0, 2.0**0.5)
    ]
    curve = (
        np.stack(halves, -1).reshape(GRIDS, -1)[:, ::-1].T
    )  # coarse to fine, both families of scales interleaved
    box = 2.0 ** (-0.5 * np.arange(3, 3 + len(curve)))
    information = curve.mean(1)
    fitted = (
        (box >= fit[0]) & (box <= fit[1])
        if fit
        else (box < 0.13) & (information <= whole - np.log(POINTS_PER_BOX))
    )
    if fitted.sum() < 3:
        raise ProcessError(
            f"{len(points)} points ({np.exp(whole):.0f} effective) leave {fitted.sum()} scales to fit a "
            "dimension to, and 3 are needed; "
            "pass more points, or fit=(finest, coarsest) box sides"
        )
    slope, residual = _line(-np.log(box[fitted]), information[fitted])
    slopes = [_line(-np.log(box[fitted]), c)[0] for c in curve[fitted].T]
    return InformationDimension(
        slope, float(np.hypot(residual, np.std(slopes, ddof=1) / np.sqrt(GRIDS))), box, information, fitted
    )


def _checked(points, weight) -> tuple[np.ndarray, np.ndarray]:
    weight = np.ones(len(points)) if weight is None else real(weight, "weight")
    if points.ndim != 2 or len(points) == 0 or weight.shape != points.shape[:1]:
        raise ProcessError(
            f"points have shape {points.shape} and weights {weight.shape}; they must be (N, D) and (N,) with "
            "N at least 1"
        )
    points = points.astype(np.float64)
    if not np.isfinite(points).all():
        raise ProcessError(
            f"point {int(np.argmin(np.isfinite(points).all(1)))} is not finite; leave such points out"
        )
    if (weight < 0).any() or not weight.sum() > 0:
        raise ProcessError(
            f"weights sum to {weight.sum():.6g} with least {weight.min():.6g}; they must be nonnegative and "
            "not all zero"
        )
    return points[weight > 0], weight[weight > 0] / weight.sum()


def _curve(points: np.ndarray, weight: np.ndarray, box: float, scales: int) -> list[float]:
    """Box entropies at sides box, 2 box, 4 box, ...: boxes of one scale are merged into those of the next."""
    cell, out = np.floor(points / box).astype(np.int64), []
    for _ in range(scales):
        number = np.zeros(len(cell), np.int64)
        for column in cell.T:
            span = int(column.max()) + 1
            if number.max(initial=0) >= 2**62 // span:
                number = np.unique(number, return_inverse=True)[1].reshape(-1)
            number = number * span + column
        _, first, label = np.unique(number, return_index=True, return_inverse=True)
        weight, cell = np.bincount(label.reshape(-1), weights=weight), cell[first] >> 1
        out.append(float(entropy(weight)))
    return out


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope of the least-squares line and its standard error."""
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    residual = y - y.mean() - slope * centred
    return slope, float(np.sqrt(residual @ residual / (len(x) - 2) / (centred @ centred)))
