"""Nothing may stand in the place of the lab's packages, whose names are common ones.

A file train.py in the folder of a script is found before our package of that name, and a distribution that
brings a package `processes` overwrites ours; either makes what imports it fail far from the cause. Importing
this module checks it, and is what the rooms do that import others.
"""

import base64
import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path

from . import ROOMS

HOME = Path(__file__).resolve().parents[1]


def check(home: Path = HOME) -> None:
    """Raise `ImportError`, in one sentence, if something else stands where a package of the lab should be."""
    for room in ROOMS:
        there = _found(room)
        if there is not None and there != home / room / "__init__.py":
            raise ImportError(
                f"{there} stands in the way of the lab's package {room!r}, which is in {home}; rename that "
                "file or folder, or start Python elsewhere"
            )
    if home.name in ("site-packages", "dist-packages"):
        from importlib import metadata  # which takes longer than all the rest

        for room in _overwritten(home):
            owners = metadata.packages_distributions().get(room, ())
            others = ", ".join(sorted(set(owners) - {"toylab"})) or "something"
            raise ImportError(
                f"{others} has overwritten the lab's package {room!r} in {home}; uninstall that, then "
                "install toylab again"
            )


def _found(room: str) -> Path | None:
    """The file that an import of a room gets, or has got."""
    if room in sys.modules:
        there = getattr(sys.modules[room], "__file__", None)
    else:
        spec = find_spec(room)
        there = None if spec is None else spec.origin
    return None if there is None else Path(there).resolve()


def _overwritten(home: Path) -> list[str]:
    """Rooms whose first file is not what was installed there."""
    from importlib import metadata

    try:
        installed = metadata.distribution("toylab").files or []
    except metadata.PackageNotFoundError:
        return []
    noted = {str(file): file.hash for file in installed}
    found = []
    for room in ROOMS:
        stamp, file = noted.get(f"{room}/__init__.py"), home / room / "__init__.py"
        if stamp is not None and stamp.mode == "sha256" and file.exists():
            digest = base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).rstrip(b"=")
            found += [room] if digest.decode() != stamp.value else []
    return found


check()
