"""Runs and verdicts of an earlier format, taken over: `toylab migrate STORE`.

What is taken over is only known under another name: recipes, parameters and measured values stay as they are.
A run is taken over if the hash that it was written under is that of its recipe as hashes were made then, a
verdict if its key is; anything else stays untouched and is named. Every file is replaced whole, the one that
says which format it is last, so a call that is killed is called again.

Formats     2   hashes of the numbers of a process as LAPACK gave them (`processes.names.former`); verdicts
                without a seal
            3   hashes of the identity of a process (`processes.values.identity`)
            4   of runs alone: one file of parameters, no folders of Orbax
"""

import contextlib
import dataclasses
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import processes
import train
from processes.values.whole_file import write_json, write_text
from train import Recipe
from train.recipe import from_json
from train.runs import checkpoints, folder
from train.runs.folder import HISTORY, READABLE, SCHEMA
from train.runs.sealed import SEAL, read_sealed, sealed

from ..claim import Setting
from ..families import CLAIMS
from ..lab import SCHEMA as TOLD
from ..lab import Trial

FORMER = 2
"""The format of runs, and of reports and verdicts, before this one."""
Digests = Mapping[str, str | None]
"""Former digest by written process."""


class Moved(NamedTuple):
    """What became of one run or verdict."""

    path: Path
    done: bool
    told: str  # where it is now, or why it stays


def migrate(
    store: Path, *, unverified: bool = False, watch: Callable[[Moved], None] = lambda moved: None
) -> list[Moved]:
    """Take over every run and verdict in a store, a run folder, or a folder of published verdicts.

    `unverified` takes over runs also where the former hash cannot be made again on this machine, as it hangs
    on the CPU that made it. Raises `train.RunError` if there is no such folder.
    """
    if not store.is_dir():
        raise train.RunError(
            f"there is no folder {store}; give the folder of runs and verdicts that is to be taken over"
        )
    runs = [p for p in (store, *sorted(store.iterdir())) if (p / "recipe.json").is_file()]
    verdicts = [
        *sorted((store / "claims").glob("*/verdict.json")),
        *sorted(p for id in CLAIMS for p in (store / id).glob("*.json")),
    ]
    digests = _former_digests(runs, verdicts)
    found = []
    for mover, paths in ((_run, runs), (_verdict, verdicts)):
        for path in paths:
            moved = mover(path, digests, unverified)
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
        return _renamed(
            path, recipe, content.get("was", [])
        )  # nothing, unless a call was killed before the last step
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
    """Give a folder that is named by a former hash the name of today's."""
    former = next((h for h in was if path.name.endswith(h)), None)
    if former is None:
        return None
    to = path.with_name(path.name.removesuffix(former) + recipe.hash)
    if to.exists():
        return Moved(path, False, f"{to} exists already; move one of them away")
    path.rename(to)
    return Moved(path, True, str(to))


def _verdict(file: Path, digests: Digests, unverified: bool) -> Moved | None:
    """A verdict.json in the folder of its test, or a published one."""
    try:
        values = json.loads(file.read_text())
        test = _test(values)
        stored = values["key"]
        if stored == test.key and values.get("schema") == TOLD:
            return _filed(file, test)  # nothing, unless a call was killed before the last step
        former = former_key(test, digests)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Moved(file, False, f"it is no verdict of a claim that this version knows ({error})")
    if stored != former and not (unverified and _asks_the_same(values, test)):
        return Moved(
            file,
            False,
            "it is of other rules, or of a CPU on which former keys were others; the claim is tested anew "
            "when it is asked for",
        )
    recipes = {role: recipe.to_json() | {"hash": recipe.hash} for role, recipe in test.recipes.items()}
    values = {k: v for k, v in values.items() if k != SEAL} | {
        "schema": TOLD,
        "key": test.key,
        "recipes": recipes,
    }
    if file.name != "verdict.json":
        write_text(file, json.dumps(values, indent=1) + "\n")
        return Moved(file, True, str(file))
    write_json(file, sealed(values))
    return _filed(file, test)


def _filed(file: Path, test: Trial) -> Moved | None:
    """Give the folder of a verdict the name of its test."""
    to = file.parent.with_name(f"{test.claim.id}-{test.key}")
    if file.name != "verdict.json" or file.parent == to:
        return None
    if to.exists():
        return Moved(file.parent, False, f"{to} exists already; move one of them away")
    file.parent.rename(to)
    return Moved(file.parent, True, str(to))


def _asks_the_same(values: Mapping[str, Any], test: Trial) -> bool:
    """Whether a verdict was reached by today's rules on today's recipes, as far as it says so itself."""
    rules = [
        [f["name"], f["above"], f["below"], f["every_seed"]]
        for side in ("criteria", "controls")
        for f in values[side]
    ]
    theirs = {
        role: {k: v for k, v in recipe.items() if k != "hash"} for role, recipe in values["recipes"].items()
    }
    ours = {role: json.loads(json.dumps(recipe.to_json())) for role, recipe in test.recipes.items()}
    return rules == json.loads(json.dumps(test.claim.rules)) and theirs == ours


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


def former_key(test: Trial, digests: Digests) -> str:
    """The key of a test as it was made in format 2."""
    claim = test.claim
    identity = [
        2,
        claim.id,
        claim.revision,
        claim.seeds,
        claim.rules,
        dataclasses.asdict(test.setting),
        digests.get(test.process),
    ]
    hashes = {role: former_hash(recipe, digests) for role, recipe in test.recipes.items()}
    return hashlib.sha256(json.dumps([identity, hashes], sort_keys=True).encode()).hexdigest()[:12]


def _recipe(path: Path, content: Mapping[str, Any]) -> Recipe:
    own = path / "process.json"
    return from_json(content["recipe"] | ({"process": str(own)} if own.exists() else {}))


def _former_digests(runs: list[Path], verdicts: list[Path]) -> Digests:
    """Former digests of every process that runs and verdicts speak of, by a program that makes them as they
    were made.
    """
    asked: set[str] = set()
    for path in (*runs, *verdicts):
        # What cannot be read is said when it is its turn.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            if path.suffix == ".json":
                test = _test(json.loads(path.read_text()))
                asked |= {test.process, *_named(list(test.recipes.values()))}
            else:
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


def _test(values: Mapping[str, Any]) -> Trial:
    """The test that a verdict is of."""
    return Trial(CLAIMS[values["claim"]], values["asked"], Setting(**values["setting"]))


def _named(recipes: list[Recipe]) -> Iterator[str]:
    """Every process that recipes and their origins name."""
    for recipe in recipes:
        yield recipe.process
        if recipe.origin is not None:
            yield from _named([recipe.origin.recipe])
