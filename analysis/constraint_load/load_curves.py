"""Curves of accuracy over the logarithm of a load, one for each network or null: where they fall, how
steeply, and how well those of other widths foretell them.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import expit, logit

CRITICAL = 0.9
"""Balanced accuracy at the critical load: a fifth of what there is above chance is lost (fixed before any
run).
"""
LEAST_ERROR = 0.01
"""Smallest standard error of a predicted accuracy that is believed, in likelihoods of held-out curves."""


def fitted(x: Float[np.ndarray, "L"], accuracy: Float[np.ndarray, "L"]) -> tuple[float, float]:
    """Middle m and sharpness s of 1/2 + 1/2 expit(-s (x - m)), by least squares; its steepest slope is s / 8
    per unit of x.
    """
    from scipy.optimize import least_squares  # slow to import, which every command would pay

    m, s = np.meshgrid(np.linspace(x[0] - 1, x[-1] + 1, 24), np.geomspace(0.3, 60, 16), indexing="ij")
    squares = ((0.5 + 0.5 * expit(-s[..., None] * (x - m[..., None])) - accuracy) ** 2).sum(-1)
    k = np.unravel_index(
        int(np.argmax(squares <= squares.min() + 1e-12)), squares.shape
    )  # the first of those that fit a flat curve alike
    start = np.array([m[k], np.log(s[k])])
    bounds = ([x[0] - 2, np.log(0.1)], [x[-1] + 2, np.log(200.0)])
    found = least_squares(
        lambda v: 0.5 + 0.5 * expit(-np.exp(v[1]) * (x - v[0])) - accuracy, start, bounds=bounds
    ).x
    return float(found[0]), float(np.exp(found[1]))


def critical(fits: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n"]:
    """Load (no logarithm) at which curves of these middles and sharpnesses are at `CRITICAL`."""
    return np.asarray(np.exp(fits[..., 0] - logit(2 * CRITICAL - 1) / fits[..., 1]))


def held_out(x: Float[np.ndarray, "W L"], y: Float[np.ndarray, "W L seeds"]) -> Float[np.ndarray, "seeds"]:
    """Gaussian log-likelihood, nats a point, of each width's curve as predicted by the curves of the others
    at the same x.

    The prediction is the mean over the other widths of their curves, interpolated linearly and constant
    beyond their ends; its error is what predicting these widths from one another shows (at least
    `LEAST_ERROR`), so that no width is used to judge itself.
    """
    W = len(x)
    scores = []
    for w in range(W):
        others = [v for v in range(W) if v != w]
        inner = [y[v] - _predicted(x, y, [u for u in others if u != v], x[v]) for v in others]
        error = np.maximum(np.sqrt(np.mean(np.square(inner), axis=(0, 1))), LEAST_ERROR)
        miss = y[w] - _predicted(x, y, others, x[w])
        scores.append((-np.log(error) - 0.5 * np.log(2 * np.pi) - miss**2 / (2 * error**2)).mean(0))
    return np.asarray(np.mean(scores, axis=0))


def _predicted(x: np.ndarray, y: np.ndarray, widths: list[int], at: np.ndarray) -> np.ndarray:
    return np.mean([[np.interp(at, x[v], curve) for curve in y[v].T] for v in widths], axis=0).T
