"""The room that a store takes on disk, and what of it nobody needs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import Busy, RunError
from .checkpoints import STATES, forget
from .folder import HISTORY, leftovers, locked, tidy
from .run import open_run

Kind = Literal["finished runs", "states of finished runs", "unfinished runs", "left by killed writes"]


class Held(NamedTuple):
    """Something that a run folder holds."""

    kind: Kind
    folder: Path
    size: int
    """Bytes."""

    @property
    def needed(self) -> bool:
        """Whether anybody reads it: nobody goes on from the states of a run that is finished."""
        return self.kind in ("finished runs", "unfinished runs")


def held(store: Path) -> list[Held]:
    """What the runs in a store take, part by part; the store may be a run folder itself."""
    found: list[Held] = []
    for file in sorted(store.rglob("recipe.json")):
        path, finished = file.parent, (file.parent / HISTORY).exists()
        parts = {part: size(part) for part in leftovers(path)}
        left = sum(parts.values())
        among = sum(there for part, there in parts.items() if part.parent.name == STATES)
        states = size(path / STATES) - among if finished else 0
        inner = sum(size(other.parent) for other in path.glob("*/recipe.json"))  # which has a row of its own
        rest = size(path) - left - states - inner
        found.append(Held("finished runs" if finished else "unfinished runs", path, rest))
        if states:
            found.append(Held("states of finished runs", path, states))
        if left:
            found.append(Held("left by killed writes", path, left))
    return found


def free(parts: list[Held]) -> Iterator[tuple[Held, str]]:
    """Remove what is not needed of some parts, one by one; yields each with the reason why it stays, or "".

    States go only where the losses and the last parameters of their run can be read.
    """
    for part in parts:
        if part.needed:
            continue
        try:
            with locked(part.folder):
                tidy(part.folder)
                if part.kind == "states of finished runs":
                    run = open_run(part.folder)
                    run.history(), run.params()
                    forget(part.folder / STATES, since=0)
            yield part, ""
        except (Busy, RunError, OSError) as reason:
            yield part, str(reason)


def size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; 0 if it is not there."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file())
