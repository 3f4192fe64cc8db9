"""Numbers that were float32 once: rows that sum to one within its rounding are divided by their sums, and
that is said.
"""

import warnings
from typing import Any

import numpy as np

UNIT = 2.0**-24
"""Relative error of one float32 rounding."""


DIGITS = 7
"""Of a decimal that rounding left, not a person."""


class Float32Warning(UserWarning):
    """Rows of float32 numbers were divided by their sums."""


def normal(array: np.ndarray, given: Any, *, axes: tuple[int, ...], what: str) -> np.ndarray:
    """The array (float64), its rows along `axes` divided by their sums where these are one within float32
    rounding and the numbers are float32's; else as it is.

    `given` is what the array was made of: an array of float32, or numbers that are such, exactly or in
    shortest decimals, as whoever writes float32 as text leaves them. Warns by how much, if that is more than
    float64's own rounding.
    """
    sums = array.sum(axes, keepdims=True)
    n = int(np.prod([array.shape[axis] for axis in axes]))
    off = float(np.abs(sums - 1).max()) if sums.size else 0.0
    if not _rounded(array, given, off, n):
        return array
    _say(
        f"{what} holds float32 numbers, so its rows sum to 1 within {off:.0e} only; each was divided by its "
        "sum"
    )
    return array / sums


def rescaled(T: np.ndarray, given: Any) -> np.ndarray:
    """Signed matrices (V, S, S) divided by the eigenvalue of sum_x T[x] nearest 1, likewise."""
    if not (_dtype(given) or _once_float32(T)):
        return T
    values = np.linalg.eigvals(T.sum(0))
    nearest = values[np.argmin(np.abs(values - 1))]
    off = float(abs(nearest - 1))
    if nearest.imag or not _rounded(T, given, off, T.shape[0] * T.shape[1]):
        return T
    _say(f"T holds float32 numbers, so its eigenvalue is 1 within {off:.0e} only; T was divided by it")
    return T / nearest.real


def _rounded(array: np.ndarray, given: Any, off: float, n: int) -> bool:
    """Whether sums of n numbers are off by so much because the numbers are float32's."""
    return 8 * n * UNIT**2 < off <= (n + 1) * UNIT and (_dtype(given) or _once_float32(array))


def _say(sentence: str) -> None:
    warnings.warn(f"{sentence}; float64 numbers are taken as they are", Float32Warning, stacklevel=5)


def _dtype(given: Any) -> bool:
    dtype = getattr(given, "dtype", None)
    return getattr(dtype, "itemsize", 8) < 8 and getattr(np.asarray(given).dtype, "kind", "") == "f"


def _once_float32(array: np.ndarray) -> bool:
    """Whether every number is one of float32, or the shortest decimals of one, and some have as many digits
    as only rounding leaves: 0.333333 was written by a person.
    """
    coarse = array.astype(np.float32)
    differs = coarse.astype(np.float64) != array
    if not differs.any():
        return True
    many_digits = False
    for number, value in zip(coarse[differs], array[differs], strict=True):
        text = str(number)
        if float(text) != value:
            return False  # at the first one, as a rule
        many_digits = many_digits or len(text.partition("e")[0].strip("-0.").replace(".", "")) >= DIGITS
    return many_digits
