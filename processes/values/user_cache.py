"""Where a user keeps what can be made again: compiled programs, processes without a name, locks."""

import os
from pathlib import Path


def user_cache(name: str) -> Path:
    """A folder of the user's cache, which need not be there yet: $XDG_CACHE_HOME/toylab/NAME, by default
    ~/.cache/toylab/NAME.

    Raises `RuntimeError` where no home can be found, as `Path.home` does.
    """
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toylab" / name
