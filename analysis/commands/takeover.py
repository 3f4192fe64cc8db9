"""Runs of an earlier format, taken over: `toylab migrate STORE`. Verdicts of an earlier rule of evidence stay
as they are, and their claims are tested anew when they are asked for.

What is taken over is only known under another name: recipes, parameters and measured values stay as they are.
A run is taken over if the hash that it was written under is that of its recipe as hashes were made then;
anything else stays untouched and is named. Every file is replaced whole, the one that
says which format it is last, so a call that is killed is called again.

Formats     2   hashes of the numbers of a process as LAPACK gave them (`processes.names.former`)
            3   hashes of the identity of a process (`processes.values.identity`)
            4   of runs alone: one file of parameters, no folders of Orbax
"""

import contextlib
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import processes
import train
from processes.values.whole_file import write_json
from train import Recipe
from train.recipe import from_json
from train.runs import checkpoints, folder
from train.runs.folder import HISTORY, READABLE, SCHEMA
from train.runs.sealed import SEAL, read_sealed, sealed

from ..lab import SCHEMA as TOLD
from .listing import contents

FORMER = 2
"""The format of runs before this one."""
Digests = Mapping[str, str | None]
"""Former digest by written process."""


class Moved(NamedTuple):
    """What became of one run."""

    path: Path
    done: bool
    told: str  # where it is now, or why it stays


def migrate(
    store: Path, *, unverified: bool = False, watch: Callable[[Moved], None] = lambda moved: None
) -> list[Moved]:
    """Take over every run in a store, or a run folder.

    `unverified` takes over runs also where the former hash cannot be made again on this machine, as it hangs
    on the CPU that made it. Raises `train.RunError` if there is no such folder.
    """
    if not store.is_dir():
        raise train.RunError(
            f"there is no folder {store}; give the folder of runs and verdicts that is to be taken over"
        )
    runs = [p for p in (store, *sorted(store.iterdir())) if (p / "recipe.json").is_file()]
    digests = _former_digests(runs)
    found = []
    for path in runs:
        moved = _run(path, digests, unverified)
        if moved is not None:
            found.append(moved)
            watch(moved)
    return found


def _run(path: Path, digests: Digests, unverified: bool) -> Moved | None:
    """A run folder; None if there is nothing to do."""
    try:
        content = json.loads((path / "recipe.json").read_text())
        recipe = _recipe(path, content)
        schema, stored = content["schema"], content["hash"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Moved(path, False, f"its recipe.json cannot be read ({error})")
    if schema == SCHEMA:
        # Nothing, unless a call was killed before the last step.
        return _renamed(path, recipe, content.get("was", []))
    if schema not in (FORMER, READABLE):
        return Moved(path, False, f"it is of format {schema}, of which this version knows nothing")
    if schema == READABLE and stored != recipe.hash:
        return Moved(path, False, f"{stored} is not the hash of its recipe, which is {recipe.hash}")
    if schema == FORMER and former_hash(recipe, digests) != stored and not unverified:
        return Moved(
            path,
            False,
            f"{stored} is not the former hash of its recipe on this CPU: take it over on a CPU like the one "
            "that made it, or with --unverified",
        )
    try:
        with folder.locked(path):
            _checkpoints(path)
            if schema == READABLE:
                write_json(path / "recipe.json", content | {"schema": SCHEMA})
                return _renamed(path, recipe, content.get("was", [])) or Moved(
                    path, True, f"{path}, rewritten"
                )
            if (path / "process.json").exists():
                processes.write(recipe.ground_truth(), path / "process.json")
            if (path / "report.json").exists():
                report = {k: v for k, v in read_sealed(path / "report.json").items() if k != SEAL}
                write_json(
                    path / "report.json",
                    sealed(report | {"hash": recipe.hash, "recipe": recipe.to_json(), "schema": TOLD}),
                )
            write_json(
                path / "recipe.json",
                content
                | {"schema": SCHEMA, "hash": recipe.hash, "recipe": recipe.to_json(), "was": [stored]},
            )
    except (OSError, ValueError) as error:
        return Moved(path, False, str(error))
    return _renamed(path, recipe, [stored]) or Moved(path, True, str(path))


def _checkpoints(path: Path) -> None:
    """Checkpoints as they are written today: of a run that has been trained, its parameters in one file."""
    checkpoints.rewrite(path)
    if (path / HISTORY).exists():
        checkpoints.gather(path, checkpoints.parameter_steps(path))


def _renamed(path: Path, recipe: Recipe, was: list[str]) -> Moved | None:
    """Give a folder that has the name which was given by itself to a run of a former hash that of today's."""
    if path.name not in _given(path, was):
        return None
    to = path.with_name(recipe.hash)
    if to.exists():
        return Moved(path, False, f"{to} exists already; move one of them away")
    path.rename(to)
    return Moved(path, True, str(to))


def _given(path: Path, was: list[str]) -> set[str]:
    """The names that a run of these former hashes was given where nobody chose one: the hash, and of `toylab
    run` once EXPERIMENT-HASH. They are made from what the run records of itself, and whole names compared: a
    folder of any other name was named by somebody, whatever it ends in.
    """
    experiments = [experiment["name"] for experiment in contents()["experiments"]]
    with contextlib.suppress(OSError, ValueError, KeyError):  # unfinished, or without a report
        experiments.append(read_sealed(path / "report.json")["experiment"])
    return {*was, *(f"{name}-{former}" for name in experiments for former in was)}


def former_hash(recipe: Recipe, digests: Digests) -> str:
    """The hash of a recipe as it was made in format 2."""
    identity = recipe.to_json() | {"process": digests.get(recipe.process), "format": 2}
    identity.pop("origin")
    if recipe.origin is not None:
        identity["origin"] = [
            former_hash(recipe.origin.recipe, digests),
            recipe.origin.fresh,
            recipe.origin.frozen,
        ]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


def _recipe(path: Path, content: Mapping[str, Any]) -> Recipe:
    own = path / "process.json"
    return from_json(content["recipe"] | ({"process": str(own)} if own.exists() else {}))


def _former_digests(runs: list[Path]) -> Digests:
    """Former digests of every process that runs speak of, by a program that makes them as they were made."""
    asked: set[str] = set()
    for path in runs:
        # What cannot be read is said when it is its turn.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            asked |= set(_named([_recipe(path, json.loads((path / "recipe.json").read_text()))]))
    if not asked:
        return {}
    done = subprocess.run(
        [sys.executable, "-m", "processes.names.former", *sorted(asked)], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise train.RunError(
            f"former hashes could not be made: {(done.stderr.splitlines() or ['no reason given'])[-1]}"
        )
    return json.loads(done.stdout)


def _named(recipes: list[Recipe]) -> Iterator[str]:
    """Every process that recipes and their origins name."""
    for recipe in recipes:
        yield recipe.process
        if recipe.origin is not None:
            yield from _named([recipe.origin.recipe])
