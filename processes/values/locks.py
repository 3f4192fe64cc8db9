"""Locks between processes, on any system: one that is held or refused at once, and turns at writing one file.

filelock is imported where a lock is taken, as it takes a while and those who only read need none.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .user_cache import user_cache

POLL = 0.002
"""Seconds between two looks at a lock that another holds."""


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a lock file, which is made if it is absent and stays. Raises `BlockingIOError` if it is held,
    `OSError` if it cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BlockingIOError(f"{path} is held") from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def turn(path: Path) -> Iterator[None]:
    """Wait until nobody else writes a file, and hold it meanwhile.

    The lock lies elsewhere, so that nothing is left beside a file whose writer was killed: in the cache of
    the user, which machines that share a home share too, or among the temporary files of this machine. It
    goes with whoever held it, since a lock that is waited for is looked at again once it is had. Where
    nothing can be locked, nobody waits: a rename is whole without turns, and two writers are rare.
    """
    from filelock import FileLock

    name = hashlib.sha256(os.path.realpath(path).encode(errors="surrogateescape")).hexdigest()[:32]
    with contextlib.ExitStack() as until:
        for folder in _folders():
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                lock = FileLock(folder / name, poll_interval=POLL)
                lock.acquire()
                until.callback(lock.release)
                until.callback(_remove, folder / name)
                break
        yield


def _folders() -> Iterator[Path]:
    """Where locks may lie, the best place first."""
    with contextlib.suppress(RuntimeError):  # there is no home
        yield user_cache("locks")
    with contextlib.suppress(OSError):  # no folder of temporary files either
        user = os.getuid() if hasattr(os, "getuid") else "user"
        yield Path(tempfile.gettempdir()) / f"toylab-{user}"


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):  # Windows removes it when it is released
        file.unlink()
