"""The affine map from a cloud onto a distribution of beliefs that brings the two distributions nearest, found
without knowing which point is which.

Both are whitened, so that a frame W (m axes to D coordinates, orthonormal columns) is all that is left to
find. Distances are sliced (Bonneel et al. 2015): along a direction u both are
distributions of numbers, and their quantiles are compared,

    d(W)^2 = mean over u and levels q of (Q[cloud W u](q) - Q[exact u](q))^2 .

For given quantiles the best frame is the polar factor of sum over u, q of z(q) Q[exact u](q) u^T, where z(q)
is the point of the cloud at that level; going back and forth never makes d larger. It ends at whichever
minimum is near, so it starts from many frames.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from ..statistics import systematic
from .beliefs import BeliefDistribution
from .plane import Cloud
from .sliced import quantiles

POINTS = 4096
"""Of a cloud that frames are improved on; its distance is that of the whole cloud."""
ANGLES = 72
"""Frames that the search begins from where the plane is given and of two dimensions: so many rotations, and
as many turned over.
"""
FRAMES = 256
"""Random frames that it begins from elsewhere."""
ROUNDS, LAST_ROUNDS = 20, 60
"""Of improvement, of all frames and of the best ones."""
KEPT, FINE = 6, 2
"""Frames that are improved to the end on few points, and of these those that are on many."""
SETTLED = 1e-9
"""Improvement of the squared distance that ends it."""
TIED = 1e-7
"""Squared distances nearer than this are equal: frames that a symmetry of the distribution takes to each
other. The first of them is taken, as rounding would choose otherwise on another processor.
"""


@dataclass(frozen=True, eq=False)
class Match:
    """A cloud as it lies on a distribution of beliefs."""

    exact: BeliefDistribution
    frame: Float64[np.ndarray, "m D"]
    distance: float  # sliced Wasserstein, in standard deviations of beliefs along a direction
    belief: Float64[np.ndarray, "N S"]  # what each point of the cloud is mapped to


def match(cloud: Cloud, exact: BeliefDistribution) -> Match:
    """Lay a cloud on a distribution of beliefs: with as many axes as the distribution has dimensions in
    whichever way, with more in whichever plane of theirs. The same cloud gives the same match every time.

    A cloud of fewer axes than the distribution has dimensions is not laid on it: its distance is infinite.
    """
    D, m = exact.dimension, cloud.whitened.shape[1]
    if m < D:
        everywhere = np.broadcast_to(exact.mean, (len(cloud.weight), len(exact.mean)))
        return Match(exact, np.zeros((m, D)), np.inf, everywhere)
    along, target = exact.coarse
    few = _sample(cloud, len(target))
    frames = _starts(m, D)
    for _ in range(0 if m == D == 2 else ROUNDS):
        frames = _improved(few, frames, along, target)
    kept = _first_of_the_best(few, frames, along, target)
    coarse = sorted((_settled(few, frame, along, target) for frame in kept), key=lambda s: round(s[1], 9))
    along, target = exact.fine
    many = _sample(cloud, POINTS)
    settled = [_settled(many, frame, along, target) for frame, _ in coarse[:FINE]]
    squared = np.array([value for _, value in settled])
    frame = settled[int(np.argmax(squared <= squared.min() + TIED))][0]
    values = quantiles(cloud.whitened @ frame @ along, cloud.weight, len(target))[1]
    distance = float(np.sqrt(((values - target) ** 2).mean()))
    return Match(exact, frame, distance, exact.mean + cloud.whitened @ frame @ exact.back)


def explained(
    points: Float64[np.ndarray, "N S"], belief: Float64[np.ndarray, "N S"], weight: Float64[np.ndarray, "N"]
) -> float:
    """R2 of points as beliefs, as they lie: nothing is fitted."""
    w = weight / weight.sum()
    return float(1 - w @ ((points - belief) ** 2).sum(1) / (w @ ((belief - w @ belief) ** 2).sum(1)))


def between(a: BeliefDistribution, b: BeliefDistribution) -> float:
    """Distance of two distributions of one dimension: of the first, as a cloud, from the second."""
    return match(Cloud(a.whitened, a.weight, np.full(a.dimension, 1 / a.dimension)), b).distance


def _sample(cloud: Cloud, points: int) -> Float64[np.ndarray, "n m"]:
    """Equally likely points of a cloud: systematically by weight, in an order that is drawn once for all."""
    order = np.random.default_rng(0).permutation(len(cloud.weight))
    return cloud.whitened[order[systematic(cloud.weight[order], points)]]


def _starts(m: int, D: int) -> Float64[np.ndarray, "B m D"]:
    if m == D == 1:
        return np.array([[[1.0]], [[-1.0]]])
    if m == D == 2:
        angle = 2 * np.pi * np.arange(ANGLES) / ANGLES
        turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        rotations = turned.transpose(2, 0, 1)
        return np.concatenate([rotations, rotations * np.array([1, -1])])
    return _polar(np.random.default_rng(0).normal(size=(FRAMES, m, D)))


def _improved(
    points: np.ndarray, frames: np.ndarray, along: np.ndarray, target: np.ndarray
) -> Float64[np.ndarray, "B m D"]:
    """Every frame after one round, on equally likely points, as many as there are levels."""
    projected = np.einsum("nm,bmk->bkn", points, frames @ along)
    order = np.argsort(projected, axis=2, kind="stable")
    wanted = np.empty_like(projected)
    np.put_along_axis(wanted, order, np.broadcast_to(target.T, projected.shape), axis=2)
    return _polar(np.einsum("bkm,dk->bmd", wanted @ points, along))


def _first_of_the_best(
    points: np.ndarray, frames: np.ndarray, along: np.ndarray, target: np.ndarray
) -> Float64[np.ndarray, "k m D"]:
    projected = np.sort(np.einsum("nm,bmk->bkn", points, frames @ along), axis=2)
    squared = ((projected - target.T) ** 2).mean((1, 2))
    return frames[np.argsort(squared.round(9), kind="stable")[:KEPT]]


def _settled(
    points: np.ndarray, frame: np.ndarray, along: np.ndarray, target: np.ndarray
) -> tuple[Float64[np.ndarray, "m D"], float]:
    """A frame improved on equally likely points until it no longer changes, and its squared distance."""
    best, last, equally = frame, np.inf, np.full(len(points), 1 / len(points))
    for _ in range(LAST_ROUNDS):
        rows, values = quantiles(points @ frame @ along, equally, len(target))
        squared = float(((values - target) ** 2).mean())
        gained, last = last - squared, min(last, squared)
        best = frame if gained > 0 else best
        if gained < SETTLED:
            break
        moment = np.einsum("qkm,qk,dk->md", points[rows], target, along, optimize=True)
        frame = _polar(moment[None])[0]
    return best, last


def _polar(matrices: Float64[np.ndarray, "B m D"]) -> Float64[np.ndarray, "B m D"]:
    """The nearest matrices with orthonormal columns."""
    left, _, right = np.linalg.svd(matrices, full_matrices=False)
    return left @ right
