"""Which numbers are one number: sorted and cut at their gaps, so that none sits on the border of a grid."""

import numpy as np
from jaxtyping import Float, Int


def levels(x: Float[np.ndarray, "*m N"], gap: float | Float[np.ndarray, "*m 1"]) -> Int[np.ndarray, "*m N"]:
    """Which of the different values along the last axis each one is, from 0, smallest first.

    Neighbours that are no more than `gap` apart are one value, and so are infinite ones of one sign.
    """
    order = np.argsort(x, axis=-1, kind="stable")
    with np.errstate(invalid="ignore"):  # infinity from infinity
        apart = np.diff(np.take_along_axis(x, order, -1), axis=-1) > gap
    number = np.zeros(x.shape, np.int64)
    number[..., 1:] = np.cumsum(apart, -1)
    out = np.empty_like(number)
    np.put_along_axis(out, order, number, -1)
    return out
