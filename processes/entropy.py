"""Shannon entropy of a distribution, and how far two are apart: Kullback-Leibler divergence, nats, and total
variation.
"""

import numpy as np
from jaxtyping import Float, Float64

from .process import ProcessError
from .values.checks import checked


@checked
def entropy(p: Float[np.ndarray, "*batch V"]) -> Float[np.ndarray, "*batch"]:
    """-sum p log p over the last axis, nats, with 0 log 0 = 0; in float32 of what a network says in
    float32. Raises `ProcessError` on what is no probability.
    """
    if not ((p > -1e-6) & (p < 1 + 1e-6)).all():  # the rounding of float32, of which probabilities may come
        worst = p[~((p > -1e-6) & (p < 1 + 1e-6))].flat[0]
        raise ProcessError(
            f"an entropy of {worst:g} was asked for; probabilities are from 0 to 1: normalise them first"
        )
    return np.asarray(np.maximum(terms(p).sum(-1), 0.0) + 0.0)  # + 0.0: -0 is 0


def terms(p: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """-p log p of every number, nats, with 0 log 0 = 0."""
    return np.asarray(-p * np.log(np.where(p > 0, p, 1.0)))


def total_variation(
    p: Float[np.ndarray, "*#batch V"], q: Float[np.ndarray, "*#batch V"]
) -> Float[np.ndarray, "*#batch"]:
    """Half of sum |p - q| over the last axis; of what sums to less than one, in units of that mass."""
    return np.asarray(np.abs(p - q).sum(-1) / 2)


def divergence(p: Float64[np.ndarray, "N V"], q: Float64[np.ndarray, "N V"]) -> Float64[np.ndarray, "N"]:
    """KL(p || q) of distributions, row by row, where q is zero only if p is: sum p (e^d - 1 - d), d = log(q /
    p), plus q where p = 0: no term is negative, so small ones stay exact.
    """
    both = (p > 0) & (q > 0)
    d = np.log(np.where(both, q, 1.0) / np.where(both, p, 1.0))
    series = d**2 * (1 / 2 + d / 6 + d**2 / 24 + d**3 / 120)
    term = p * np.where(np.abs(d) < 1e-3, series, np.expm1(d) - d)
    return np.where(both, term, np.where(p > 0, 0.0, q)).sum(1)
