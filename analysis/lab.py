"""A claim put to a process: the runs it asks for are obtained, its evidence is judged, and all of it is kept
in a folder.

STORE/HASH/                 the runs, by recipe; claims share them
STORE/claims/ID-KEY/        shown.npz (the numbers its figure is drawn from), then verdict.json, which knows
                            its seal: whole each, and a pair
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

import train
from processes.values import earlier
from processes.values.whole_file import write_json
from train.runs.sealed import SEAL, npz_seal, read_npz, read_sealed, sealed, write_npz

from .claim import Claim, Kept, Measured, Role, Verdict, judged, measure
from .claim.latest import SHOWN
from .claim.shown import LayoutError, joined_arrays
from .instruments.overview import Measurements
from .trial import SCHEMA as SCHEMA
from .trial import Trial as Trial

Announce = Callable[[str, train.Progress | None], None]
"""Told what is being done, and how far a training is."""
NUMBERS = "numbers"
"""Under this name a verdict on disk has the seal of its numbers."""


def verdict(
    trial: Trial,
    store: Path,
    announce: Announce = lambda stage, progress: None,
    *,
    fresh: bool = False,
    accept_other_bits: bool = False,
    measurements: Measurements | None = None,
) -> Kept:
    """The verdict of a trial: read if it is there (and not asked for afresh), made if not, or
    carried on if it is undecided and more looks are asked for. It is kept after every look.

    Runs are taken from the store or trained, unless `measurements` brings those of the first look, finished;
    `accept_other_bits` is that of `train.open_run`. Raises `ClaimError` if the claim cannot be tested on this
    process, `train.RunError` if a run cannot be had or diverged, or if the verdict that is there is damaged.
    """
    folder = trial.folder(store)
    there = None if fresh else kept(folder)
    if there is not None and not _of_this_layout(trial, folder):
        there = None
    if there is not None and _over(trial, there):
        return replace(there, **_words(trial))
    if (reason := trial.refusal()) is not None:
        raise reason
    while there is None or not _over(trial, there):
        given = measurements if there is None else None
        there = _look(
            trial,
            folder,
            there,
            given or _obtained(trial, store, there, announce, accept_other_bits),
            announce,
        )
    return there


def _over(trial: Trial, there: Kept) -> bool:
    """Whether a verdict stands, or as many looks were taken as may be."""
    return there.outcome != "undecided" or there.look >= min(trial.setting.looks, len(trial.looks.networks))


def _obtained(
    trial: Trial, store: Path, before: Kept | None, announce: Announce, accept_other_bits: bool
) -> Measurements:
    """The networks of the next look, from the store or trained."""
    recipes = trial.added(before.look if before else 0)
    begun = time.monotonic()
    runs = {
        role: _obtain(trial, role, recipe, store, announce, accept_other_bits)
        for role, recipe in recipes.items()
    }
    return Measurements(runs, time.monotonic() - begun)


def _look(
    trial: Trial,
    folder: Path,
    before: Kept | None,
    measurements: Measurements,
    announce: Announce,
) -> Kept:
    """Measure the networks of one look, join them with those before, judge, and keep the verdict."""
    announce("measuring", None)
    begun, process = time.monotonic(), trial.source
    evidence = measurements.of(trial.claim.evidence) if measurements.runs else process
    look = before.look if before else 0
    there = read_npz(folder / SHOWN, "") if before else {}
    blocks = [*([_measured(before)] if before else ()), measure(trial.claim, evidence)]
    numbers = joined_arrays(trial.claim.drawn_from, there, trial.claim.numbers(evidence))
    looks = trial.looks if trial.recipes else None  # what needs no network is drawn once
    found = judged(trial.claim, blocks, process, trial.n_ctx, looks, look)
    seconds = {"training": measurements.seconds, "measuring": time.monotonic() - begun}
    made = _words(trial) | _provenance(trial, measurements.runs, before)
    reached = Kept(**(vars(found) | made), look=look + 1, seconds=_added(before, seconds))
    folder.mkdir(parents=True, exist_ok=True)
    seal = write_npz(folder / SHOWN, **numbers)
    write_json(folder / "verdict.json", sealed(reached.to_json() | {NUMBERS: seal}))
    return reached


def _measured(before: Verdict) -> Measured:
    """What was measured at the looks of a verdict that is kept."""

    def of(values: Iterable[Sequence[float] | None]) -> tuple[Float[np.ndarray, "networks"] | None, ...]:
        return tuple(np.array(v, np.float64) if v else None for v in values)

    return Measured(
        of(f.values for f in before.criteria),
        of(f.values for f in before.controls),
        of(p.values for p in before.published),
        of(p.untrained_values for p in before.published),
        before.sampled,
    )


def _added(before: Kept | None, seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds of all looks."""
    return {name: took + (before.seconds[name] if before else 0.0) for name, took in seconds.items()}


def _provenance(trial: Trial, runs: Mapping[Role, train.Run], before: Kept | None) -> dict[str, Any]:
    """What a verdict was made from: the recipes of the first look, and where the networks of every look were
    made.
    """
    recipes = {str(role): r.to_json() | {"hash": r.hash} for role, r in trial.recipes.items()}
    made = {str(role): [leg._asdict() for leg in run.made] for role, run in runs.items()}
    return {
        "schema": SCHEMA,
        "key": trial.key,
        "setting": trial.setting,
        "recipes": recipes,
        "made": (*(before.made if before else ()), made),
    }


def kept(folder: Path) -> Kept | None:
    """The verdict in the folder of a test; None if there is none, one without a seal or of another schema
    (as earlier versions wrote them), or if beside it stand the numbers of a later trial, killed before its
    verdict.

    Raises `train.RunError` if it is not what was written there.
    """
    file = folder / "verdict.json"
    if not file.exists():
        return None
    try:
        if isinstance(content := json.loads(file.read_text()), dict) and SEAL not in content:
            return None
        content = read_sealed(file)
        if content.get("schema") != SCHEMA:
            return None
        found = Kept.from_json(content)
        if folder.name != f"{found.claim}-{found.key}":
            raise ValueError(f"it is that of {found.claim}-{found.key}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise train.RunError(
            f"{file} is damaged ({error}); call the same claim with --fresh to measure it again"
        ) from None
    own, beside = content.get(NUMBERS, ""), npz_seal(folder / SHOWN)
    return None if own and beside and own != beside else found


def _words(trial: Trial) -> dict[str, Any]:
    """What a verdict says that is not measured: today's, whenever it was made."""
    claim = trial.claim
    told = {
        "statement": claim.statement,
        "source": claim.source,
        "literature": dict(claim.literature),
        "limits": claim.limits,
        "means": dict(claim.means),
    }
    return told | {"asked": trial.process}


def _of_this_layout(trial: Trial, folder: Path) -> bool:
    """Whether the numbers beside a verdict can be drawn; those of an earlier version are measured again."""
    try:
        trial.claim.drawing(read_npz(folder / SHOWN, ""))
    except LayoutError:
        return False
    except train.RunError:  # damaged or gone: whoever draws will be told
        pass
    return True


def shown(trial: Trial, store: Path) -> Any:
    """The numbers that the figure of a verdict is drawn from."""
    return drawn(trial.claim, trial.folder(store) / SHOWN)


def drawn(claim: Claim, file: Path) -> Any:
    """The same, from the file of these numbers."""
    return claim.drawing(read_npz(file, "call the same claim with --fresh to measure it again"))


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
