"""Shannon entropy of a distribution, nats."""

import numpy as np
from jaxtyping import Float

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
    return np.asarray(
        np.maximum(-np.sum(p * np.log(np.where(p > 0, p, 1.0)), -1), 0.0) + 0.0
    )  # + 0.0: -0 is 0
