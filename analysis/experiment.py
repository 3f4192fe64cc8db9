"""Experiments: a default recipe, and the claims put to its networks."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import processes
import train
from train import Recipe
from train.folder import RunError, sealed, write_json, write_npz

from .claim import judge
from .claims import CLAIMS
from .controls import gain
from .recipes import standard
from .show import SCHEMA
from .study import BASELINES, CONCATENATED, Study, study

BAND = 100
"""Label shuffles behind the band that a figure shows at every layer, of the first network only: the null hardly varies between them."""


@dataclass(frozen=True)
class Experiment:
    """A question, the recipe that answers it by default, and the claims it is about."""

    name: str
    question: str
    recipe: Recipe
    claims: Sequence[str]


EXPERIMENTS: Mapping[str, Experiment] = {
    "mess3": Experiment(
        name="mess3",
        question="Does a transformer trained on Mess3 hold the fractal of beliefs in its final residual stream?",
        recipe=standard("mess3"),
        claims=("BG1", "BG2"),
    ),
    "rrxor": Experiment(
        name="rrxor",
        question="Where next-token laws merge beliefs, does a transformer keep them apart, and in which layers?",
        recipe=standard("rrxor"),
        claims=("BG2", "BG3", "BG4"),
    ),
}


def analyse(run: train.Run, experiment: Experiment, announce: Callable[[str], None] = lambda stage: None) -> dict[str, Any]:
    """From a finished run to its report: evidence, probes, controls, verdicts. Writes evidence.npz, then report.json.

    `announce` is told what is being done. Returns the report as it is written.
    """
    begun = time.monotonic()
    history = run.history()
    last = history["excess"][:, -1]
    if not np.isfinite(last).all():
        seed = run.recipe.first_seed + int(np.argmin(np.isfinite(last)))
        raise RunError(f"training diverged (seed {seed} ends without a finite loss); lower optimiser.learning_rate")
    announce("reading every network on every context")
    s = study(run)
    announce("probes and controls")
    layers = [_layer(s, features) for features in (*s.layers, CONCATENATED)]
    baselines = {name: {"r2": p.r2, "r2_in_sample": p.r2_in_sample, "rmse": p.rmse} for name in BASELINES for p in [s.baseline(name)]}
    verdicts, refused = [], []
    for name in experiment.claims:
        claim = CLAIMS[name]
        reason = claim.refusal(s.truth.process, s.truth.n_ctx)
        if reason is not None:
            refused.append({"claim": name, "statement": claim.statement, "reason": reason})
            continue
        announce(f"claim {name}")
        verdicts.append(judge(claim, s, s.truth.process, s.truth.n_ctx).to_json())
    announce("writing")
    _write_evidence(run, s)
    report = {
        "schema": SCHEMA,
        "experiment": experiment.name,
        "question": experiment.question,
        "hash": run.recipe.hash,
        "recipe": run.recipe.to_json(),
        "process": s.truth.process.name,
        "contexts": len(s.truth.weight),
        "sampled": s.truth.sampled,
        "units": "nats per token",
        "floor": float(s.truth.floor.mean()),
        "floor_by_position": s.truth.floor.tolist(),
        "excess": {"trained": [e.excess for e in s.trained], "untrained": [e.excess for e in s.untrained]},
        "excess_interval": [e.excess_interval for e in s.trained],
        "training": _training_curve(history),
        "layers": layers,
        "baselines": baselines,
        "verdicts": verdicts,
        "refused": refused,
        "seconds": {"analysis": time.monotonic() - begun},
    }
    write_json(run.path / "report.json", sealed(report))
    return report


def is_current(report: Mapping[str, Any], run: train.Run, experiment: Experiment) -> bool:
    """Whether a report is this run's, has today's layout and speaks of all the experiment's claims."""
    spoken = {v["claim"] for v in (*report.get("verdicts", ()), *report.get("refused", ()))}
    today = (SCHEMA, run.recipe.hash, set(experiment.claims))
    return (report.get("schema"), report.get("hash"), spoken) == today and (run.path / "evidence.npz").exists()


def _layer(s: Study, features: str) -> dict[str, Any]:
    """Everything measured at one layer, seed by seed."""

    def scores(trained: bool) -> dict[str, list[float]]:
        probes = s.probes(features, trained=trained)
        return {key: [getattr(p, key) for p in probes] for key in ("r2", "r2_in_sample", "rmse")}

    null = s.shuffled(features, BAND, networks=1)
    gains = gain(s.r2(features), s.baseline("token_window").r2)
    return {
        "features": features,
        "trained": scores(True) | {"gain_over_token_window": [g if np.isfinite(g) else None for g in gains.tolist()]},
        "untrained": scores(False),
        "shuffled": {"n": null.size, "low": float(null.min()), "high": float(null.max())},
    }


def _training_curve(history: Mapping[str, np.ndarray], points: int = 60) -> dict[str, Any]:
    """Excess of every seed over training, averaged over log-spaced windows of steps."""
    steps = history["excess"].shape[1]
    edges = np.unique(np.r_[0, np.geomspace(1, steps, points).round()]).astype(int)
    mean = np.stack([history["excess"][:, a:b].mean(1) for a, b in zip(edges[:-1], edges[1:], strict=True)], 1)
    return {"step": edges[1:].tolist(), "excess": mean.tolist()}


def _write_evidence(run: train.Run, s: Study) -> None:
    """The numbers behind the figures: the truth, what each network predicts, and the beliefs probed from it."""
    t = s.truth
    arrays = {"state": np.full(len(t.weight), -1, np.int16)}
    finite = processes.mixed_states(t.process)
    if finite is not None:
        arrays["state_belief"] = finite.belief
        arrays["state"] = np.abs(t.belief[:, None] - finite.belief).max(2).argmin(1).astype(np.int16)
    # Principal axes of the true beliefs, for drawing simplices of more than three states.
    arrays["mean"] = t.weight @ t.belief
    arrays["axes"] = np.linalg.svd((t.belief - arrays["mean"]) * np.sqrt(t.weight)[:, None], full_matrices=False)[2]
    for which, networks in (("trained", s.trained), ("untrained", s.untrained)):
        arrays[f"{which}_log_prediction"] = np.stack([e.log_prediction for e in networks]).astype(np.float32)
        arrays[f"{which}_excess_by_position"] = np.stack([e.excess_by_position for e in networks])
        for name, features in (("final", s.final_layer), ("concatenated", CONCATENATED)):
            arrays[f"{which}_points_{name}"] = np.stack(s.points(features, trained=which == "trained")).astype(np.float32)
    write_npz(
        run.path / "evidence.npz",
        words=t.words.astype(np.min_scalar_type(-t.process.vocab)),
        length=t.length.astype(np.int16),
        fold=t.fold.astype(np.int8),
        weight=t.weight,
        belief=t.belief,
        next_token=t.next_token,
        **arrays,
    )
