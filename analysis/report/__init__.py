"""Experiments: a question and the claims that answer it, put to the networks of one recipe."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import processes
import train
from processes.values.whole_file import write_json
from train.machine.memory import check_memory
from train.runs.sealed import sealed, write_npz

from ..claim import Setting, Training
from ..constraint_load.cl2_load_decides import DEFAULT_PROCESS
from ..constraint_load.subset_violation import protocol_of
from ..families import CLAIMS, family
from ..instruments.contexts import contexts
from ..instruments.overview import Measurements, Overview
from ..lab import SCHEMA, Announce, Trial, converged, verdict
from ..recipes import TRAINED, descent, legs


@dataclass(frozen=True)
class Experiment:
    """A question, the process it is about, and the claims that are put to its networks."""

    name: str
    question: str
    process: str
    claims: tuple[str, ...]
    to_the_floor: bool = True
    """Whether its networks should be trained to the floor; not where what they do wrong is measured."""

    def trained(self, training: Training) -> train.Recipe:
        """What is trained, as far as asked: the first networks that its first claim asks for, so that these
        are the same runs.
        """
        first = Trial(CLAIMS[self.claims[0]], self.process, Setting(training=training))
        return next(iter(first.recipes.values()))

    @property
    def recipe(self) -> train.Recipe:
        """What is trained by default, but for the finish."""
        return descent(self.trained("floor"))[0]

    def trials(self, recipe: train.Recipe) -> dict[str, Trial]:
        """Its claims, by id, put to the networks of a recipe."""
        role = getattr(recipe.model, "cell", "transformer")
        setting = Setting(seeds=recipe.seeds, looks=1)
        return {id: Trial(CLAIMS[id], recipe.process, setting, {role: recipe}) for id in self.claims}


EXPERIMENTS: Mapping[str, Experiment] = {
    e.name: e
    for e in (
        Experiment(
            name="mess3",
            question=(
                "Does a transformer trained on Mess3 hold the fractal of beliefs in its final residual "
                "stream?"
            ),
            process="mess3",
            claims=("BG1", "BG2"),
        ),
        Experiment(
            name="rrxor",
            question=(
                "Where next-token distributions merge beliefs, does a transformer keep them apart, and in "
                "which layers?"
            ),
            process="rrxor",
            claims=("BG2", "BG3", "BG4"),
        ),
        Experiment(
            name="guarded",
            question=(
                "What does a transformer violate of constraints that control tokens switch on: by their "
                "load, or by their number?"
            ),
            process=DEFAULT_PROCESS,
            claims=("CL2",),
            to_the_floor=False,
        ),
    )
}


def experiment(name: str) -> Experiment:
    """The experiment of that name, or the one on a process that has none of its own: whether, and in which
    layers, networks hold its beliefs, of a mixture first which component writes; and what they violate, where
    it has constraints to switch on.

    Raises `processes.ProcessError` if it is neither a name nor a process.
    """
    if name in EXPERIMENTS:
        return EXPERIMENTS[name]
    made = processes.named(name)
    if protocol_of(made) is not None:
        return replace(EXPERIMENTS["guarded"], name=name, process=name)
    if isinstance(made.made_of, processes.Mixture):
        question = f"Does a transformer trained on {made.name} hold which of its sources writes?"
        return Experiment(name, question, name, ("SM1", "BG1", "BG3", "BG4"))
    question = f"Does a transformer trained on {made.name} hold its beliefs, and in which layers?"
    return Experiment(name, question, name, ("BG1", "BG2", "BG3", "BG4"))


def refuse(experiment: Experiment, recipe: train.Recipe) -> None:
    """Raises, before anything is trained, `RecipeError` if this machine's memory cannot hold a step of the
    recipe, `ProcessError` or `ClaimError` if its networks could not be measured for the experiment.
    """
    check_memory(recipe)
    trials = experiment.trials(recipe).values()
    contexts(recipe.ground_truth(), recipe.model.n_ctx)
    refusals = [reason for trial in trials if (reason := trial.refusal()) is not None]
    if len(refusals) == len(trials):
        raise refusals[0]


def report(
    experiment: Experiment, run: train.Run, store: Path, announce: Announce, *, fresh: bool = False
) -> dict[str, Any]:
    """From a finished run to its report: the verdicts of the claims, kept in `store` as any other, and the
    overview that their family gives of the networks. Writes evidence.npz, then report.json, into the run
    folder; returns the report as it is written.
    """
    begun = time.monotonic()
    converged(run)
    trials = experiment.trials(run.recipe)
    (role,) = next(iter(trials.values())).recipes
    measurements = Measurements({role: run})
    verdicts, refused = [], []
    for id, trial in trials.items():
        reason = trial.refusal()
        if reason is not None:
            told = {"claim": id, "statement": trial.claim.statement, "reason": str(reason)}
            refused.append(told)
            continue
        announce(f"claim {id}", None)
        verdicts.append(verdict(trial, store, announce, fresh=fresh, measurements=measurements).to_json())
    announce("overview of the networks", None)
    seen: Overview = family(experiment.claims[0]).overview(measurements)
    announce("writing", None)
    write_npz(run.path / "evidence.npz", **_excess_by_position(seen), **seen.arrays)
    values = {
        "schema": SCHEMA,
        "experiment": experiment.name,
        "question": experiment.question,
        "hash": run.recipe.hash,
        "recipe": run.recipe.to_json(),
        "keys": _keys(trials),
        "made": [leg._asdict() for leg in run.made],
        **_networks(experiment, run, seen),
        **seen.report,
        "verdicts": verdicts,
        "refused": refused,
        "seconds": {"analysis": time.monotonic() - begun},
    }
    write_json(run.path / "report.json", sealed(values))
    return values


def is_current(values: Mapping[str, Any], run: train.Run, experiment: Experiment) -> bool:
    """Whether a report is this run's, has today's layout and holds the verdicts of today's trials."""
    today = (SCHEMA, run.recipe.hash, _keys(experiment.trials(run.recipe)))
    same = (values.get("schema"), values.get("hash"), values.get("keys")) == today
    return same and (run.path / "evidence.npz").exists()


def _keys(trials: Mapping[str, Trial]) -> dict[str, str]:
    return {id: trial.key for id, trial in trials.items()}


def _networks(experiment: Experiment, run: train.Run, seen: Overview) -> dict[str, Any]:
    """The part of a report that is alike for every experiment: how close to the floor its networks came."""
    t = seen.contexts
    excess = {
        "trained": [e.excess for e in seen.trained],
        "untrained": [e.excess for e in seen.untrained],
    }
    return {
        "process": t.process.name,
        "contexts": len(t.weight),
        "sampled": t.sampled,
        "units": "nats per token",
        "floor": float(t.floor.mean()),
        "floor_by_position": t.floor.tolist(),
        "excess": excess,
        "worth": t.worth,
        # Where contexts are worth nothing there is no share of it.
        "unlearned": [value / t.worth for value in excess["trained"]] if t.worth > 0 else None,
        "unlearned_at_most": TRAINED if experiment.to_the_floor else None,
        "excess_interval": [e.excess_interval for e in seen.trained],
        "training": _training_curve(_excess_over_training(run)),
    }


def _excess_over_training(run: train.Run) -> np.ndarray:
    """Excess before every step [seeds, steps]: of the whole training, where a finish follows a descent that
    is kept beside it.
    """
    return np.concatenate([leg.history()["excess"] for leg in legs(run)], 1)


def _training_curve(excess: np.ndarray, points: int = 60) -> dict[str, Any]:
    """Excess of every seed over training, averaged over log-spaced windows of steps."""
    steps = excess.shape[1]
    edges = np.unique(np.r_[0, np.geomspace(1, steps, points).round()]).astype(int)
    windows = zip(edges[:-1], edges[1:], strict=True)
    mean = np.stack([excess[:, a:b].mean(1) for a, b in windows], 1)
    return {"step": edges[1:].tolist(), "excess": mean.tolist()}


def _excess_by_position(seen: Overview) -> dict[str, np.ndarray]:
    both = (("trained", seen.trained), ("untrained", seen.untrained))
    return {
        f"{which}_excess_by_position": np.stack([e.excess_by_position for e in networks])
        for which, networks in both
    }
