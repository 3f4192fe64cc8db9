"""Run folders: which are ours, which are not, and who may write in them."""

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import processes
from processes.values.earlier import names as of_earlier_names
from processes.values.locks import held
from processes.values.whole_file import PART, write_json

from ..errors import Busy, RecipeError, RunError
from ..machine import environment
from ..machine.environment import Leg
from ..recipe import Recipe, from_json
from . import checkpoints
from .checkpoints import GATHERED, PARAMETERS, STATES

SCHEMA = 4
"""Version of the layout of a run folder."""
READABLE = 3
"""The earliest layout that is read as it is: its checkpoints are folders of Orbax."""
HISTORY = "history.npz"
"""Written last: a run that has it is finished."""
ORIGIN = "origin"
"""The run that another starts from, where that stands in a folder by itself and in no store."""
OURS = (
    *("report.json", "evidence.npz", HISTORY, "figures", "claims", ORIGIN, STATES, PARAMETERS, GATHERED),
    *("process.json", "recipe.json", "unfolding.npz"),
)
"""Everything a run folder may hold."""
ELSEWHERE = "choose another folder (--out of a run, --store of a claim or a sweep)"
"""What to do where a run cannot be kept."""


def entries(path: Path) -> list[Path]:
    """What is in a folder, but for locks and unfinished writes of ours. Raises `RunError` if it cannot be
    listed.
    """
    try:
        return [p for p in path.iterdir() if p.name != ".lock" and p.suffix != PART] if path.exists() else []
    except OSError as error:
        raise RunError(f"cannot use {path} as a run folder: {error.strerror or error}; {ELSEWHERE}") from None


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a run folder. Raises `Busy` if it is held, `RunError` if nothing can be written there."""
    with contextlib.ExitStack() as lock:
        try:
            lock.enter_context(held(path / ".lock"))
        except BlockingIOError:
            raise Busy(f"another process is using {path}; wait for it, or {ELSEWHERE}") from None
        except OSError as error:
            raise RunError(
                f"cannot use {path} as a run folder: {error.strerror or error}; {ELSEWHERE}"
            ) from None
        yield


@contextlib.contextmanager
def _making(path: Path) -> Iterator[None]:
    """Hold a folder that is made if it is absent. Raises `RunError` if it is held or cannot be written."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with locked(path):
            yield
    except OSError as error:
        raise RunError(f"cannot use {path} as a run folder: {error.strerror or error}; {ELSEWHERE}") from None


def opened(path: Path, recipe: Recipe | None, fresh: bool, accept_other_bits: bool) -> Recipe:
    """The recipe of the run folder here, as it is stored: that of `recipe`, made if the folder is absent or
    empty, or made again if it is to be `fresh`. Raises `RunError` as `train.open_run` does.
    """
    if _unmade(path, recipe):
        if recipe is None:
            raise RunError(f"there is no run in {path}; `toylab run` makes one")
        with _making(path):
            if _unmade(path, recipe):  # still, now that no other process can make it
                return write_recipe(path, recipe)
    stored, legs = read_recipe(path)
    if recipe is not None and recipe.hash != stored.hash:
        raise RunError(
            f"{path} holds the run of another recipe ({stored.hash}, not {recipe.hash}); choose another "
            "folder with --out"
        )
    if fresh:
        with _making(path):
            forget(path)
            return write_recipe(path, recipe or stored)
    if recipe is not None and not (accept_other_bits or (path / HISTORY).exists()):
        _refuse_other_bits(path, environment.differences(legs[-1].versions, environment.versions(stored)))
    return stored


def _unmade(path: Path, recipe: Recipe | None) -> bool:
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


def admit(path: Path, recipe: Recipe, step: int, accept_other_bits: bool) -> None:
    """Let the training in this folder, which is held, go on here from a step, and note it if that is another
    place: what was computed beyond the step elsewhere is forgotten.

    Raises `RunError` if its bits would not be those of where the run was made last, unless that is accepted.
    """
    legs = read_recipe(path, recipe)[1]
    here = environment.versions(recipe)
    changed = environment.differences(legs[-1].versions, here)
    if not accept_other_bits:
        _refuse_other_bits(path, changed)
    tidy(path)
    before = tuple(leg for leg in legs if leg.step < step)
    now = before if before and before[-1].versions == here else (*before, Leg(step, here))
    if now != legs:
        checkpoints.forget(path / STATES, since=step + 1)
        checkpoints.forget_parameters(path, since=step + 1 if before else 0)
        write_recipe(path, recipe, now)


def _refuse_other_bits(path: Path, changed: str) -> None:
    if changed:
        raise RunError(
            f"{path} was begun in another place ({changed}), so resuming would not give the same bits; go on "
            "there, use --accept-other-bits to go on here and have the run say so ever after, or --fresh to "
            "start again"
        )


def write_recipe(path: Path, recipe: Recipe, legs: Sequence[Leg] = ()) -> Recipe:
    """Write the recipe of a run folder, and where the run was made: first (by default here) and, if it was
    continued with other bits, from which steps on. Returns the recipe as it is stored.
    """
    begun, *more = legs or (Leg(0, environment.versions(recipe)),)
    own = path / "process.json"
    if recipe.from_file and recipe.process != str(own):  # the run must not depend on a file outside it
        processes.write(recipe.ground_truth(), own)
        recipe = replace(recipe, process=str(own))
    content = {
        "schema": SCHEMA,
        "hash": recipe.hash,
        "recipe": recipe.to_json(),
        "versions": dict(begun.versions),
        **({"continued": [leg._asdict() for leg in more]} if more else {}),
    }
    write_json(path / "recipe.json", content)
    return recipe


def read_recipe(path: Path, known: Recipe | None = None) -> tuple[Recipe, tuple[Leg, ...]]:
    """The recipe of a run folder, which is not made again if it is `known`, and where its run was made.

    Raises `RunError` if there is none, if it is damaged, or if today's code means something else by it.
    """
    file = path / "recipe.json"
    if not file.exists():
        raise RunError(f"{path} is not empty and not a run folder (it has no recipe.json); {ELSEWHERE}")
    try:
        content = json.loads(file.read_text())
        own = path / "process.json"
        fields = content["recipe"] | (
            {"process": str(own)} if own.exists() else {}
        )  # wherever the folder is now
        recipe = known or from_json(fields)
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
    if isinstance(schema, int) and schema < READABLE:
        raise RunError(
            f"{path} was made by an earlier version of the lab (format {schema}); `toylab migrate "
            f"{path.parent}` takes its runs over"
        )
    if schema not in (READABLE, SCHEMA) or stored != recipe.hash:
        raise RunError(
            f"{path} was made by another version of the lab (schema {schema}, hash {stored}; today {SCHEMA}, "
            f"{recipe.hash}), "
            f"so it is not the run of this recipe; move it away or {ELSEWHERE}"
        )
    return recipe, legs


def earlier(store: Path) -> int:
    """How many runs of earlier formats a store holds, which are not found by the hashes of today."""
    runs = 0
    for file in store.glob("*/recipe.json"):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            runs += json.loads(file.read_text())["schema"] < READABLE
    return runs


def forget(path: Path) -> None:
    """Remove what a run produced from its folder, which stays that run's. Raises `RunError`, removing
    nothing, if it holds anything else.
    """
    others = [p.name for p in entries(path) if p.name not in OURS]
    if others:
        raise RunError(f"{path} holds {others[0]!r}, which is not the run's; move it away before --fresh")
    tidy(path)
    for name in OURS:
        entry, gone = path / name, path / f"{name}{PART}"
        if name in ("recipe.json", "process.json") or not (entry.exists() or entry.is_symlink()):
            continue
        entry.rename(gone)  # at once: a folder half removed would look damaged
        _remove(gone)


def tidy(path: Path) -> None:
    """Remove what writes and removals that were killed left in a run folder. Only for whoever holds it."""
    for left in leftovers(path):
        _remove(left)


def leftovers(path: Path) -> list[Path]:
    """What writes and removals that were killed may have left in a run folder."""
    inner = [left for name in (STATES, PARAMETERS) for left in (path / name).glob(f"*{PART}*")]
    return [*(path / f"{name}{PART}" for name in OURS), *inner]


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink(missing_ok=True)


EARLIER = {
    "SEAL": "train.runs.sealed:SEAL",
    "sealed": "train.runs.sealed:sealed",
    "read_sealed": "train.runs.sealed:read_sealed",
    "write_npz": "train.runs.sealed:write_npz",
    "read_npz": "train.runs.sealed:read_npz",
    "npz_seal": "train.runs.sealed:npz_seal",
}

__getattr__ = of_earlier_names(__name__, EARLIER)
