"""Files that carry the hash of what is in them, so that no other number is ever read from them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from processes.values.whole_file import replacing

from ..errors import RunError

SEAL = "sha256"
"""Under this name a file that is read as a whole carries the hash of everything else in it."""


def sealed(value: dict[str, Any]) -> dict[str, Any]:
    """A JSON value with its seal, so that no other number is ever read from it."""
    as_read = json.loads(json.dumps(value))  # where keys are strings, which sort differently from numbers
    return value | {SEAL: hashlib.sha256(json.dumps(as_read, sort_keys=True).encode()).hexdigest()}


def read_sealed(path: Path) -> dict[str, Any]:
    """The JSON value that was written `sealed`. Raises `ValueError` if it is another."""
    value = json.loads(path.read_text())
    if not isinstance(value, dict) or sealed({k: v for k, v in value.items() if k != SEAL}) != value:
        raise ValueError("it is not what was written")
    return value


def write_npz(path: Path, **arrays: np.ndarray) -> str:
    """Write an .npz file with its seal, all at once or not at all; returns the seal in hexadecimal."""
    seal = seal_of(arrays)
    with replacing(path) as part, open(part, "wb") as file:
        np.savez(file, **arrays, **{SEAL: seal})  # type: ignore[arg-type]
    return seal.tobytes().hex()


def read_npz(path: Path, remedy: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz file. Raises `RunError` with the remedy if it is missing or not what was
    written."""
    try:
        with np.load(path) as file:
            arrays = dict(file)
        if not np.array_equal(arrays.pop(SEAL), seal_of(arrays)):
            raise ValueError("it is not what was written")
        return arrays
    except Exception as error:  # zipfile, zlib and NumPy each have their own kinds for a damaged file
        raise RunError(f"{path} is missing or damaged ({type(error).__name__}); {remedy}") from None


def npz_seal(path: Path) -> str:
    """The seal that an .npz file carries, whether or not it is true of it; none if it is missing or
    damaged."""
    try:
        with np.load(path) as file:
            return file[SEAL].tobytes().hex()
    except Exception:
        return ""


def seal_of(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The checksums of a zip file cover each array, but not which name it goes by."""
    hashed = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        hashed.update(f"{name} {array.dtype} {array.shape} ".encode() + array.tobytes())
    return np.frombuffer(hashed.digest(), np.uint8)
