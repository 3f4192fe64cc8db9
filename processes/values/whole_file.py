"""Files that are whole or absent: each is written beside its place, then renamed into it."""

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .locks import turn

PART = ".part"
"""How files and folders end that are being written or removed."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """PATH.part, to be written meanwhile; then it becomes `path` at once, or goes if an exception came.
    Writers of one file take turns.

    It is on the disk before it has its name: a loss of power must not leave a name without content. Raises
    `OSError`.
    """
    if not path.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    part = path.with_name(path.name + PART)
    with turn(path):
        open(part, "ab").close()  # where nothing can be written that is said before anything is made
        try:
            yield part
            with open(part, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException as error:
            part.unlink(missing_ok=True)  # on a full disk its space is wanted
            if isinstance(error, OSError) and error.errno and error.filename is None:
                raise OSError(
                    error.errno, error.strerror, str(path)
                ) from None  # a full disk does not say of which file
            raise


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, *, indent: int | None = 2) -> None:
    """Write a strict JSON file."""
    write_text(path, json.dumps(value, indent=indent, allow_nan=False) + "\n")
