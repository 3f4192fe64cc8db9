"""Run folders: which are ours, which are not, and how a file is written whole or not at all."""

import contextlib
import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import processes
from processes.values.whole_file import replacing, write_json

from ..errors import Busy as Busy
from ..errors import RunError as RunError
from ..machine import environment
from ..machine.environment import Leg
from ..recipe import Recipe, RecipeError, from_json

SCHEMA = 3
"""Version of the layout of a run folder."""
OURS = (
    "report.json",
    "evidence.npz",
    "history.npz",
    "figures",
    "resume",
    "checkpoints",
    "process.json",
    "recipe.json",
)
"""Everything a run folder may hold."""
SEAL = "sha256"
"""Under this name a file that is read as a whole carries the hash of everything else in it."""


def entries(path: Path) -> list[Path]:
    """What is in a folder, but for locks and unfinished writes of ours. Raises `RunError` if it cannot be
    listed.
    """
    if set("[]*?") & set(str(path)):
        raise RunError(
            f"{str(path)!r} has one of the characters [ ] * ? in it, which checkpoints cannot be stored "
            "under; choose another with --out"
        )
    try:
        return (
            [p for p in path.iterdir() if p.name != ".lock" and not p.name.endswith(".part")]
            if path.exists()
            else []
        )
    except OSError as error:
        raise RunError(
            f"cannot use {path} as a run folder: {error.strerror or error}; choose another with --out"
        ) from None


def unmade(path: Path, recipe: Recipe | None) -> bool:
    """Whether there is nothing in a folder but what a making of this recipe's run, killed half-way,
    leaves."""
    there = entries(path)
    if [p.name for p in there] != ["process.json"] or recipe is None:
        return not there
    try:
        mine, left = recipe.ground_truth(), processes.named(str(there[0]))
        return recipe.from_file and mine.digest == left.digest
    except processes.ProcessError:
        return False


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a run folder. Raises `Busy` if it is held, `RunError` if nothing can be written there."""
    with contextlib.ExitStack() as held:
        try:
            fcntl.flock(held.enter_context(open(path / ".lock", "w")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"another process is using {path}; wait for it, or choose another folder with --out"
            ) from None
        except OSError as error:
            raise RunError(
                f"cannot use {path} as a run folder: {error.strerror or error}; choose another with --out"
            ) from None
        yield


@contextlib.contextmanager
def making(path: Path) -> Iterator[None]:
    """Hold a folder that is made if it is absent. Raises `RunError` if it is held or cannot be written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with locked(path):
            yield
    except OSError as error:
        raise RunError(
            f"cannot use {path} as a run folder: {error.strerror or error}; choose another with --out"
        ) from None


def create(path: Path, recipe: Recipe) -> Recipe:
    """Write what makes a folder that is held the run folder of a recipe; returns the recipe as it is
    stored."""
    if recipe.from_file:  # the run must not depend on a file outside it
        processes.write(recipe.ground_truth(), path / "process.json")
        recipe = replace(recipe, process=str(path / "process.json"))
    write_recipe(path, recipe, (Leg(0, environment.versions(recipe)),))
    return recipe


def write_recipe(path: Path, recipe: Recipe, legs: Sequence[Leg]) -> None:
    """Write the recipe of a run folder, and where the run was made: first and, if it was continued with other
    bits, from which steps on.
    """
    begun, *more = legs
    content = {
        "schema": SCHEMA,
        "hash": recipe.hash,
        "recipe": recipe.to_json(),
        "versions": dict(begun.versions),
    }
    write_json(
        path / "recipe.json", content | ({"continued": [leg._asdict() for leg in more]} if more else {})
    )


def read_recipe(path: Path) -> tuple[Recipe, tuple[Leg, ...]]:
    """The recipe of a run folder and where its run was made.

    Raises `RunError` if there is none, if it is damaged, or if today's code means something else by it.
    """
    file = path / "recipe.json"
    if not file.exists():
        raise RunError(
            f"{path} is not empty and not a run folder (it has no recipe.json); choose another with --out"
        )
    try:
        content = json.loads(file.read_text())
        own = path / "process.json"
        fields = content["recipe"] | (
            {"process": str(own)} if own.exists() else {}
        )  # wherever the folder is now
        recipe = from_json(fields)
        legs = (
            Leg(0, dict(content["versions"])),
            *(Leg(int(leg["step"]), dict(leg["versions"])) for leg in content.get("continued", ())),
        )
        schema, stored = content["schema"], content["hash"]
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecipeError,
        processes.ProcessError,
    ) as error:
        raise RunError(
            f"{file} is damaged or from another version ({error}); move the folder away or choose another "
            "with --out"
        ) from None
    if isinstance(schema, int) and schema < SCHEMA:
        raise RunError(
            f"{path} was made by an earlier version of the lab (format {schema}); `toylab migrate "
            f"{path.parent}` takes its runs over"
        )
    if schema != SCHEMA or stored != recipe.hash:
        raise RunError(
            f"{path} was made by another version of the lab (schema {schema}, hash {stored}; today {SCHEMA}, "
            f"{recipe.hash}), "
            "so it is not the run of this recipe; move it away or choose another with --out"
        )
    return recipe, legs


def earlier(store: Path) -> int:
    """How many runs of earlier formats a store holds, which are not found by the hashes of today."""
    found = 0
    for file in store.glob("*/recipe.json"):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            found += json.loads(file.read_text())["schema"] < SCHEMA
    return found


def forget(path: Path) -> None:
    """Remove what a run produced from its folder, which stays that run's. Raises `RunError`, removing
    nothing, if it holds anything else.
    """
    others = [p.name for p in entries(path) if p.name not in OURS]
    if others:
        raise RunError(f"{path} holds {others[0]!r}, which is not the run's; move it away before --fresh")
    tidy(path)
    for name in OURS:
        entry, gone = path / name, path / f"{name}.part"
        if name in ("recipe.json", "process.json") or not (entry.exists() or entry.is_symlink()):
            continue
        entry.rename(gone)  # at once: a folder half removed would look damaged
        _remove(gone)


def tidy(path: Path) -> None:
    """Remove what writes and removals that were killed left in a run folder. Only for whoever holds it."""
    for left in (path / f"{name}.part" for name in OURS):
        _remove(left)
    for inner in ("resume", "checkpoints"):
        for left in (path / inner).glob("*.part*"):
            _remove(left)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink(missing_ok=True)


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
    seal = _seal(arrays)
    with replacing(path) as part, open(part, "wb") as file:
        np.savez(file, **arrays, **{SEAL: seal})  # type: ignore[arg-type]
    return seal.tobytes().hex()


def read_npz(path: Path, remedy: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz file. Raises `RunError` with the remedy if it is missing or not what was
    written."""
    try:
        with np.load(path) as file:
            arrays = dict(file)
        if not np.array_equal(arrays.pop(SEAL), _seal(arrays)):
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


def _seal(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The checksums of a zip file cover each array, but not which name it goes by."""
    hashed = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        hashed.update(f"{name} {array.dtype} {array.shape} ".encode() + array.tobytes())
    return np.frombuffer(hashed.digest(), np.uint8)
