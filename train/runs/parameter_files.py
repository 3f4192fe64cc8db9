"""Trees of arrays as safetensors files that are whole or absent, each with the seal of what was written.

A file of one step holds its leaves by their dotted paths. A gathered file holds many steps: each leaf once,
with the steps as its first axis, so that its head stays short however many there are, and one step is read
without the others. safetensors has no checksum of its own: a bit flipped in the numbers, or in a name, would
be read as it stands. So the SHA-256 of every step goes with it, and nothing is given out that it is not true
of.
"""

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from jaxtyping import PyTree
from safetensors.numpy import save

from processes.values.whole_file import replacing
from toy.inputs import by_path

from .sealed import SEAL, seal_of

SUFFIX = ".safetensors"
STEPS = "steps"
"""What the head of a file says beside its seals: the steps that it holds."""
TYPES = {"float16": "F16", "float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64"} | {
    "uint8": "U8",
    "uint32": "U32",
    "bool": "BOOL",
}
"""How safetensors writes the types of NumPy that parameters may have."""


def write(path: Path, step: int, tree: PyTree) -> None:
    """Write the tree of one step. Raises `OSError` if it cannot be written."""
    leaves = {name: np.asarray(leaf) for name, leaf in by_path(tree).items()}
    head = {STEPS: json.dumps([step]), SEAL: json.dumps([_seal(step, leaves)])}
    content = save({name: np.ascontiguousarray(leaf) for name, leaf in leaves.items()}, head)
    with replacing(path) as part:
        part.write_bytes(content)


def read(path: Path, step: int) -> PyTree:
    """The tree of one step, from a file of that step or a gathered one. Raises `LookupError` if it holds
    no such step, `ValueError` if it is not what was written, and what safetensors raises if it is none of its
    files.
    """
    with safetensors.safe_open(path, framework="numpy") as file:
        there, seals = _head(file)
        k = there.index(step) if step in there else None
        if k is None:
            raise LookupError(f"it holds no step {step}")
        if path.stem == str(step):
            leaves = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        else:
            leaves = {name: file.get_slice(name)[k] for name in file.keys()}  # noqa: SIM118
    if seals[k] != _seal(step, leaves):
        raise ValueError("its numbers are not those that were written")
    return _tree(leaves)


def steps(path: Path) -> list[int]:
    """The steps that a file holds, in order; none if it is missing or damaged."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return _head(file)[0]
    except Exception:  # safetensors, JSON and the disk each have their own kinds
        return []


def gather(path: Path, steps: Sequence[int], tree: Callable[[int], PyTree]) -> None:
    """Write one file of many steps, in order; the tree of each is asked for when its turn comes, so that one
    at a time is in memory. Raises `OSError` if it cannot be written.
    """
    first = {name: np.asarray(leaf) for name, leaf in by_path(tree(steps[0])).items()}
    places, end = {}, 0
    for name, leaf in sorted(first.items(), key=lambda item: (-item[1].itemsize, item[0])):
        places[name] = end, end + leaf.nbytes * len(steps)
        end += leaf.nbytes * len(steps)
    # A seal is 64 letters whatever it says, so the head keeps its length when they are filled in.
    seals = ["0" * 64] * len(steps)
    start = len(_written_head(first, places, steps, seals))
    with replacing(path) as part, open(part, "wb") as file:
        for k, step in enumerate(steps):
            leaves = {name: np.asarray(leaf) for name, leaf in by_path(tree(step)).items()}
            seals[k] = _seal(step, leaves)
            for name, leaf in leaves.items():
                file.seek(start + places[name][0] + k * leaf.nbytes)
                file.write(leaf.tobytes())
        file.seek(0)
        file.write(_written_head(first, places, steps, seals))


def _written_head(
    leaves: dict[str, np.ndarray],
    places: dict[str, tuple[int, int]],
    steps: Sequence[int],
    seals: Sequence[str],
) -> bytes:
    """What stands before the numbers of a gathered file: a length, and JSON that says what is where."""
    head: dict[str, Any] = {
        "__metadata__": {STEPS: json.dumps(list(steps)), SEAL: json.dumps(list(seals))}
    } | {
        name: {
            "dtype": TYPES[leaves[name].dtype.name],
            "shape": [len(steps), *leaves[name].shape],
            "data_offsets": list(place),
        }
        for name, place in places.items()
    }
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)  # numbers begin at whole words, as safetensors has it
    return struct.pack("<Q", len(text)) + text


def _head(file: Any) -> tuple[list[int], list[str]]:
    """Steps and seals, as the head of a file says them."""
    said = file.metadata() or {}
    return json.loads(said[STEPS]), json.loads(said[SEAL])


def _seal(step: int, leaves: dict[str, np.ndarray]) -> str:
    """The SHA-256 of a step: of its number, and of each leaf with its name, type and shape."""
    return seal_of({f"{step}.{name}": leaf for name, leaf in leaves.items()}).tobytes().hex()


def _tree(leaves: dict[str, np.ndarray]) -> PyTree:
    """Nested dictionaries out of dotted paths."""
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        *folders, name = path.split(".")
        inner = tree
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner[name] = leaf
    return tree
