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
from processes.values.whole_file import write_json
from train.runs.sealed import SEAL, npz_seal, read_npz, read_sealed, sealed, write_npz

from .claim import DEFAULT, Claim, Role, Setting, judge, single
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

    @property
    def recipes(self) -> Mapping[Role, train.Recipe]:
        """What is trained, by role."""
        return self.claim.recipes(self.process, self.setting)

    @property
    def n_ctx(self) -> int:
        """Longest context of its networks."""
        return max((r.model.n_ctx for r in self.recipes.values()), default=CONTEXT)

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
            dataclasses.asdict(self.setting),
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
) -> dict[str, Any]:
    """The verdict of a test as plain values: read if it is there (and not asked for afresh), made if not.

    Runs are taken from the store or trained; `accept_other_bits` is that of `train.open_run`. Raises
    `ClaimError` if the claim cannot be tested on this process, `train.RunError` if a run cannot be had or
    diverged, or if the verdict that is there is damaged.
    """
    folder = trial.folder(store)
    if not fresh and (there := kept(folder)) is not None and _of_this_layout(trial, folder):
        return there | _words(trial)
    process = processes.source(trial.process)
    trial.claim.check(process, trial.n_ctx)
    if trial.claim.evidence is single and isinstance(process, processes.Process):
        check(process, trial.n_ctx)  # what cannot be probed is refused before it is trained
    begun = time.monotonic()
    runs = {
        role: _obtain(trial, role, recipe, store, announce, accept_other_bits)
        for role, recipe in trial.recipes.items()
    }
    trained = time.monotonic()
    announce("measuring", None)
    evidence = trial.claim.evidence(runs) if runs else process
    found = judge(trial.claim, evidence, process, trial.n_ctx)
    numbers = trial.claim.numbers(evidence)
    values = (
        found.to_json()
        | _words(trial)
        | {
            "schema": SCHEMA,
            "key": trial.key,
            "setting": dataclasses.asdict(trial.setting),
            "recipes": {
                str(role): recipe.to_json() | {"hash": recipe.hash} for role, recipe in trial.recipes.items()
            },
            "made": {str(role): [leg._asdict() for leg in run.made] for role, run in runs.items()},
            "seconds": {"training": trained - begun, "measuring": time.monotonic() - trained},
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    seal = write_npz(folder / "shown.npz", **numbers)
    write_json(folder / "verdict.json", sealed(values | {NUMBERS: seal}))
    return values


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
    run = train.obtain(
        recipe,
        store,
        lambda progress: announce(f"training {role}", progress),
        accept_other_bits=accept_other_bits,
    )
    last = run.history()["excess"][:, -1]
    if not np.isfinite(last).all():
        seed = recipe.first_seed + int(np.argmin(np.isfinite(last)))
        raise train.RunError(
            f"{run.path}: the training for {trial.claim.id} diverged (seed {seed} ends without a finite "
            "loss); lower the learning rate"
        )
    return run
