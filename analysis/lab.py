"""A claim put to a process: the runs it asks for are obtained, its evidence is judged, and all of it is kept
in a folder.

STORE/HASH/                 the runs, by recipe; claims share them
STORE/claims/ID-KEY/        shown.npz (the numbers its figure is drawn from), then verdict.json, which knows
                            its seal: whole each, and a pair
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import processes
import train
from processes.values import earlier
from processes.values.whole_file import write_json
from train.runs.sealed import SEAL, npz_seal, read_npz, read_sealed, sealed, write_npz

from .claim import DEFAULT, Claim, ClaimError, Role, Setting, judge, single
from .instruments.overview import Measurements
from .instruments.study import check
from .keys.source import source
from .schema import SCHEMA
from .shown import LayoutError

Announce = Callable[[str, train.Progress | None], None]
"""Told what is being done, and how far a training is."""
NUMBERS = "numbers"
"""Under this name a verdict on disk has the seal of its numbers."""
CONTEXT = 10
"""Context length at which a claim without networks is asked whether it can be tested."""


@dataclass(frozen=True)
class Trial:
    """A claim, a process to put it to, and the size of the trial: everything that is fixed before anything
    runs.
    """

    claim: Claim
    process: str
    setting: Setting = DEFAULT
    networks: Mapping[Role, train.Recipe] | None = None
    """What is trained, by role, if not what the claim itself asks for."""

    @cached_property
    def recipes(self) -> Mapping[Role, train.Recipe]:
        """What is trained, by role."""
        return self.networks or self.claim.recipes(self.process, self.setting)

    @property
    def n_ctx(self) -> int:
        """Longest context of its networks."""
        return max((r.model.n_ctx for r in self.recipes.values()), default=CONTEXT)

    def refusal(self) -> ValueError | None:
        """Why it cannot be carried out, told before anything is trained: a `ClaimError`, or the
        `processes.ProcessError` of a process whose beliefs cannot be probed.
        """
        process = processes.source(self.process)
        try:
            self.claim.check(process, self.n_ctx)
            if self.claim.evidence is single and isinstance(process, processes.Process):
                check(process, self.n_ctx)
        except (ClaimError, processes.ProcessError) as reason:
            return reason
        return None

    @cached_property
    def key(self) -> str:
        """Twelve hexadecimal digits that change whenever what is tested, on what, or how it is decided
        changes.

        Raises `ClaimError` for a claim of one's own of which that cannot be told (see `source`).
        """
        identity = [
            SCHEMA,
            self.claim.id,
            self.claim.revision,
            self.claim.seeds,
            self.claim.rules,
            # How far networks are trained is told by the recipes, whoever asked for them.
            {"seeds": self.setting.seeds, "size": self.setting.size},
            processes.source(self.process).digest,
        ]
        hashes = {str(role): recipe.hash for role, recipe in self.recipes.items()}
        own = [made] if (made := source(self.claim)) else []
        return hashlib.sha256(json.dumps([identity, hashes, *own], sort_keys=True).encode()).hexdigest()[:12]

    def folder(self, store: Path) -> Path:
        """Where its verdict is kept."""
        return store / "claims" / f"{self.claim.id}-{self.key}"


def verdict(
    trial: Trial,
    store: Path,
    announce: Announce = lambda stage, progress: None,
    *,
    fresh: bool = False,
    accept_other_bits: bool = False,
    measurements: Measurements | None = None,
) -> dict[str, Any]:
    """The verdict of a trial as plain values: read if it is there (and not asked for afresh), made if not.

    Runs are taken from the store or trained, unless `measurements` brings them, finished; `accept_other_bits`
    is that of `train.open_run`. Raises `ClaimError` if the claim cannot be tested on this process,
    `train.RunError` if a run cannot be had or diverged, or if the verdict that is there is damaged.
    """
    folder = trial.folder(store)
    if not fresh and (there := kept(folder)) is not None and _of_this_layout(trial, folder):
        return there | _words(trial)
    if (reason := trial.refusal()) is not None:
        raise reason
    begun = time.monotonic()
    if measurements is None:
        runs = {
            role: _obtain(trial, role, recipe, store, announce, accept_other_bits)
            for role, recipe in trial.recipes.items()
        }
        measurements = Measurements(runs)
    trained = time.monotonic()
    announce("measuring", None)
    process = processes.source(trial.process)
    evidence = measurements.of(trial.claim.evidence) if measurements.runs else process
    found = judge(trial.claim, evidence, process, trial.n_ctx)
    seconds = {"training": trained - begun, "measuring": time.monotonic() - trained}
    values = found.to_json() | _words(trial) | _provenance(trial, measurements.runs) | {"seconds": seconds}
    folder.mkdir(parents=True, exist_ok=True)
    seal = write_npz(folder / "shown.npz", **trial.claim.numbers(evidence))
    write_json(folder / "verdict.json", sealed(values | {NUMBERS: seal}))
    return values


def _provenance(trial: Trial, runs: Mapping[Role, train.Run]) -> dict[str, Any]:
    """What a verdict was made from, as plain values."""
    recipes = {str(role): r.to_json() | {"hash": r.hash} for role, r in trial.recipes.items()}
    return {
        "schema": SCHEMA,
        "key": trial.key,
        "setting": dataclasses.asdict(trial.setting),
        "recipes": recipes,
        "made": {str(role): [leg._asdict() for leg in run.made] for role, run in runs.items()},
    }


def kept(folder: Path) -> dict[str, Any] | None:
    """The verdict in the folder of a test; None if there is none, one without a seal (as earlier versions
    wrote them: `takeover` reads those), or if beside it stand the numbers of a later trial, killed before its
    verdict.

    Raises `train.RunError` if it is not what was written there.
    """
    file = folder / "verdict.json"
    if not file.exists():
        return None
    try:
        if isinstance(content := json.loads(file.read_text()), dict) and SEAL not in content:
            return None
        values = {name: value for name, value in read_sealed(file).items() if name != SEAL}
        if folder.name != f"{values['claim']}-{values['key']}":
            raise ValueError(f"it is that of {values['claim']}-{values['key']}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise train.RunError(
            f"{file} is damaged ({error}); call the same claim with --fresh to measure it again"
        ) from None
    own, beside = values.pop(NUMBERS, ""), npz_seal(folder / "shown.npz")
    return None if own and beside and own != beside else values


def _words(trial: Trial) -> dict[str, Any]:
    """What a verdict says that is not measured: today's, whenever it was made."""
    claim = trial.claim
    told = {
        "statement": claim.statement,
        "source": claim.source,
        "literature": dict(claim.literature),
        "limits": claim.limits,
    }
    return told | {"asked": trial.process}


def _of_this_layout(trial: Trial, folder: Path) -> bool:
    """Whether the numbers beside a verdict can be drawn; those of an earlier version are measured again."""
    try:
        trial.claim.drawing(read_npz(folder / "shown.npz", ""))
    except LayoutError:
        return False
    except train.RunError:  # damaged or gone: whoever draws will be told
        pass
    return True


def shown(trial: Trial, store: Path) -> Any:
    """The numbers that the figure of a verdict is drawn from."""
    file = trial.folder(store) / "shown.npz"
    return trial.claim.drawing(read_npz(file, "call the same claim with --fresh to measure it again"))


def _obtain(
    trial: Trial, role: Role, recipe: train.Recipe, store: Path, announce: Announce, accept_other_bits: bool
) -> train.Run:
    announce(f"training {role}", None)

    def watch(progress: train.Progress) -> None:
        announce(f"training {role}", progress)

    run = train.obtain(recipe, store, watch, accept_other_bits=accept_other_bits)
    converged(run)
    return run


def converged(run: train.Run) -> None:
    """Raises `train.RunError` if a network of a finished run ended without a finite loss."""
    last = run.history()["excess"][:, -1]
    if not np.isfinite(last).all():
        seed = run.recipe.first_seed + int(np.argmin(np.isfinite(last)))
        raise train.RunError(
            f"{run.path}: training diverged (seed {seed} ends without a finite loss); lower "
            "optimiser.learning_rate"
        )


__getattr__ = earlier.names(__name__, {"Test": "Trial"})
