"""Arrays inside a page: one compressed block of bytes, which the page's script reads back."""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

LEVELS = 65535
"""Steps into which the range of an array of floats is divided: finer than any screen shows."""


def packed(arrays: Mapping[str, np.ndarray]) -> str:
    """Base64 of the gzip of: the length of a header in four bytes (little-endian), the header as JSON, then
    every array in C order where the header says.

    Floats are kept as uint16 between the least and the greatest of their array, uint8 and int8 as they are,
    other integers as int32.
    """
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    at = 0
    for name, array in arrays.items():
        stored, scale = _stored(np.asarray(array))
        content = stored.tobytes()
        header[name] = {"dtype": stored.dtype.name, "shape": stored.shape, "at": at, "scale": scale}
        padding = -len(content) % 4  # typed arrays begin at multiples of their size
        parts += [content, bytes(padding)]
        at += len(content) + padding
    said = json.dumps(header).encode()
    said += b" " * (-len(said) % 4)
    whole = b"".join([len(said).to_bytes(4, "little"), said, *parts])
    return base64.b64encode(gzip.compress(whole, 9, mtime=0)).decode()


def _stored(array: np.ndarray) -> tuple[np.ndarray, list[float] | None]:
    """An array as it is kept, and the range that its levels span."""
    if array.dtype.kind != "f":
        kind = array.dtype if array.dtype.itemsize == 1 else np.dtype(np.int32)
        return np.ascontiguousarray(array.astype(kind.newbyteorder("<"))), None
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    steps = (np.asarray(array, np.float64) - low) * (LEVELS / ((high - low) or 1.0))
    return steps.round().astype("<u2"), [low, high]
