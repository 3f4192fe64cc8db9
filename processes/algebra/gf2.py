"""Linear equations over GF(2), each packed into the bits of one integer: bit 0 is the right side, bit v + 1
says whether variable v is in it.

Integers are of a NumPy type, many instances at a time, or of any length, as Python's in an array of objects.
The same elimination on a device stands in `train/samplers.py`.
"""

import numpy as np
from jaxtyping import Bool, Int

Rows = np.ndarray
"""Integers (*batch, m): m equations of each instance, unsigned or Python's own."""


def packed(checks: Bool[np.ndarray, "m n"], right: Bool[np.ndarray, "m"]) -> Rows:
    """checks @ x = right as m integers of Python, whatever the number of variables."""
    bits = np.packbits(np.column_stack([right, checks]).astype(bool), axis=1, bitorder="little")
    rows = np.empty(len(bits), object)
    rows[:] = [int.from_bytes(row.tobytes(), "little") for row in bits]
    return rows


def eliminated(rows: Rows, *, fully: bool = False) -> Rows:
    """Equations of the same solutions, each with a variable, its lowest, that none of those after it has;
    `fully`: that no other has.

    Row by row, in m steps of a batch. Rows that follow from those before become 0, and contradictions 1.
    `fully` eliminated, the rows other than 0, sorted, are the one reduced basis of what the equations span.
    """
    rows, right = rows.copy(), rows.dtype.type(1) if rows.dtype != object else 1
    for i in range(rows.shape[-1]):
        row, others = rows[..., i, None], rows if fully else rows[..., i + 1 :]
        left = row & ~right
        hit = (others & left & -left) != 0
        if fully:
            hit[..., i] = False
        others ^= np.where(hit, row, row ^ row)
    return rows


def rank(rows: Rows) -> Int[np.ndarray, "*b"]:
    """Rank of the left sides of eliminated equations."""
    return np.asarray((rows > 1).sum(-1))


def consistent(rows: Rows) -> Bool[np.ndarray, "*b"]:
    """Whether eliminated equations have a solution: none of them says 0 = 1."""
    return np.asarray((rows != 1).all(-1))
