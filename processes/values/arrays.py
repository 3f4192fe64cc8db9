"""Arrays as they are given, made into those that are meant: real, whole, binary; refused in one sentence."""

import numbers
import re
from decimal import Decimal
from typing import Any

import numpy as np

LARGEST = 1e100
"""Largest number in an array of probabilities or coordinates: a few of these can still be multiplied and
added.
"""


WORD = re.compile(r"[0-9]+|[0-9]{1,9}(,\s*[0-9]{1,9})*")
"""A word as text: digits side by side, or numbers with commas between them."""


class ProcessError(ValueError):
    """A matrix, start distribution, word or name that is not what it claims to be; the message says what,
    which value and the remedy.

    It is one line: whatever cannot be printed in what it quotes is shown escaped.
    """

    def __init__(self, message: str):
        super().__init__("".join(c if c.isprintable() else repr(c)[1:-1] for c in message))


def shown(value: Any) -> str:
    """A value as an error message shows it: short, and with its type."""
    if isinstance(value, np.ndarray) and value.size > 12:
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # an integer of more digits than Python prints
        text = "a number of thousands of digits"
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def real(array: Any, what: str) -> np.ndarray:
    """An array of finite float64 numbers, small enough for their sums and products to be finite as well."""
    array = floats(rectangular(array, what), what)
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ProcessError(f"{what}{list(where)} is {array[where]}; every entry must be a finite number")
    if array.size and np.abs(array).max() > LARGEST:
        raise ProcessError(
            f"{what} has the entry {np.abs(array).max():g}; entries must be at most {LARGEST:g} in size: "
            "rescale them"
        )
    return np.asarray(array + 0.0)  # -0 is 0


def integers(array: Any, what: str) -> np.ndarray:
    """An array of integers; an empty one may have any dtype, because NumPy gives it one of floats.

    Strings of digits are words, `"0110"`, or with commas where symbols are above 9, `"3,12,0"`; so are the
    strings in a list.
    """
    array = rectangular(spelled(array), what)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise ProcessError(f"{what} has dtype {array.dtype}; it must be an array of integers")
    return array if array.dtype.kind == "i" else array.astype(np.int64)


def spelled(array: Any) -> Any:
    """Strings of digits as lists of numbers; anything else as it is."""
    if isinstance(array, str):
        text = array.strip().removesuffix(",")
        if not text or not WORD.fullmatch(text):
            return [] if array == "" else array
        return [int(x) for x in (text.split(",") if "," in array else text)]
    if isinstance(array, list | tuple) and array and all(isinstance(v, str) for v in array):
        return [spelled(v) for v in array]
    return array


def binary(array: Any, what: str) -> np.ndarray:
    """An array of zeros and ones, or of False and True, as booleans."""
    array = rectangular(array, what)
    if array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        values = np.unique(array)[:4].tolist() if array.dtype.kind in "biuf" else f"of dtype {array.dtype}"
        raise ProcessError(
            f"{what} has values {values}; it must be 0 or 1 everywhere (a 0/1 matrix or vector)"
        )
    return array.astype(bool)


def not_a_distribution(array: Any, what: str, total: float, each: str) -> ProcessError:
    """What to say of numbers that do not sum to one; float32 cannot: dividing leaves them 1e-7 away."""
    coarse = isinstance(array, np.ndarray) and array.dtype.kind == "f" and array.dtype.itemsize < 8
    first = (
        f"convert to float64 first, since {array.dtype} cannot come within 1e-9, and then " if coarse else ""
    )
    last = ", in float64" if abs(total - 1) < 1e-5 and not coarse else ""
    return ProcessError(
        f"{what} sums to {total:.12g}; it must sum to 1: {first}divide {each} by that value{last}"
    )


def rectangular(array: Any, what: str) -> np.ndarray:
    """Whatever NumPy makes an array of numbers of; raises `ProcessError` on anything else."""
    try:
        found = np.asarray(array)
    except (TypeError, ValueError, OverflowError) as error:
        why = "its rows have different lengths" if "inhomogeneous" in str(error) else error
        raise ProcessError(
            f"{what} is not an array of numbers ({why}); pass a rectangular array of numbers"
        ) from None
    numeric = (
        all(isinstance(v, numbers.Number | Decimal) for v in found.flat)
        if found.dtype.kind == "O"
        else found.dtype.kind in "biufc"
    )
    if not numeric:
        raise ProcessError(
            f"{what} is not an array of numbers but {shown(array)}; pass a rectangular array of numbers"
        )
    return found


def floats(array: np.ndarray, what: str) -> np.ndarray:
    """The same in float64; raises `ProcessError` on complex entries and on integers beyond it."""
    if array.dtype.kind == "c" or (
        array.dtype.kind == "O" and any(isinstance(v, complex) for v in array.flat)
    ):
        raise ProcessError(
            f"{what} has complex entries (dtype {array.dtype}); probabilities are real: pass {what}.real if "
            "that is meant"
        )
    try:
        return array.astype(np.float64)
    except OverflowError:
        raise ProcessError(
            f"{what} has an integer that is too large for a float; pass numbers of at most 1e308"
        ) from None
