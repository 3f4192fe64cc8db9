"""What the files of a folder say, so that two folders can be compared: all but times, and how many looks were
asked for.
"""

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

FINISHED = ("history.npz", "report.json", "verdict.json")
"""Files that say that something is finished: they are written once."""
UNREAD = ("resume", "checkpoints", "xla")
"""Folders whose files differ from call to call; what they hold is read by the work itself."""


BESIDE = ("seconds", "sha256", "looks")
"""Entries of JSON that say nothing of what was found."""


def truths(folder: Path) -> dict[str, Any]:
    """What every file says, by its name, but for what is `BESIDE`; what cannot be read says so."""
    found = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        if (
            file.is_file()
            and not set(UNREAD) & set(name.parts)
            and file.name != ".lock"
            and file.suffix != ".part"
        ):
            with contextlib.suppress(FileNotFoundError):
                found[str(name)] = _truth(file)
    return found


def _truth(file: Path) -> Any:
    content = file.read_bytes()
    try:
        if file.suffix == ".json":
            return json.dumps(_found(json.loads(content)), sort_keys=True)
        if file.suffix == ".npz":
            with np.load(file) as arrays:
                return hashlib.sha256(
                    b"".join(name.encode() + arrays[name].tobytes() for name in sorted(arrays.files))
                ).hexdigest()
        if file.suffix == ".csv":
            if not content.endswith(b"\n"):
                raise ValueError("it ends within a line")
            return frozenset(line for line in content.decode().splitlines() if ",seconds," not in line)
    except Exception as error:
        return f"unreadable: {type(error).__name__}: {error}"
    return hashlib.sha256(content).hexdigest()


def _found(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _found(v) for k, v in value.items() if k not in BESIDE}
    return [_found(v) for v in value] if isinstance(value, list) else value


def finished(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """The files that say that something is finished, each as it would not be if it were made anew."""
    files = [file for file in folder.rglob("*") if file.name in FINISHED]
    return {
        str(f.relative_to(folder)): (f.stat().st_ino, f.stat().st_mtime_ns, f.read_bytes()) for f in files
    }
