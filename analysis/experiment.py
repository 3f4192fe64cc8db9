"""Experiments: a default recipe, the claims put to its networks, and the figures drawn of them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

import toy
import train
from train import Optimiser, Recipe
from train.run import write_json, write_npz

from .claim import judge
from .claims import CLAIMS
from .study import BASELINES, CONCATENATED, Study, study

SCHEMA = 1
"""Version of the layout of report.json."""
BAND = 100
"""Label shuffles behind the band that a figure shows for layers no claim is about."""


@dataclass(frozen=True)
class Experiment:
    """A question with its default recipe. `figures` name what `analysis.figures` draws of it."""

    name: str
    question: str
    recipe: Recipe
    claims: Sequence[str]
    figures: Sequence[str]


PAPER = toy.TransformerConfig(vocab=2, n_ctx=10, n_layers=4, n_heads=1, d_model=64, d_head=8, d_mlp=256)
"""The transformer of Shai et al. 2024, for two symbols."""

EXPERIMENTS: Mapping[str, Experiment] = {
    "mess3": Experiment(
        name="mess3",
        question="Does a transformer trained on Mess3 hold the fractal of beliefs in its final residual stream?",
        recipe=Recipe(
            process="mess3",
            model=replace(PAPER, vocab=3),
            objective="expected",
            optimiser=Optimiser("adam", learning_rate=3e-3, warmup=50, schedule="cosine"),
            steps=1500,
            batch=32,
            seeds=8,
        ),
        claims=("BG1", "BG2"),
        figures=("simplex", "layers", "loss"),
    ),
    "rrxor": Experiment(
        name="rrxor",
        question="Where next-token laws merge beliefs, does a transformer keep them apart, and in which layers?",
        recipe=Recipe(
            process="rrxor",
            model=PAPER,
            objective="population",
            optimiser=Optimiser("adam", learning_rate=2e-3, warmup=50, schedule="cosine"),
            steps=1500,
            batch=None,
            seeds=8,
        ),
        claims=("BG2", "BG3", "BG4"),
        figures=("clouds", "layers", "loss"),
    ),
}


def analyse(run: train.Run, experiment: Experiment, announce: Callable[[str], None] = lambda stage: None) -> dict[str, Any]:
    """From a finished run to its report: evidence, probes, controls, verdicts. Writes evidence.npz, then report.json.

    `announce` is told what is being done. Returns the report as it is written.
    """
    begun = time.monotonic()
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
        verdicts.append(asdict(judge(claim, s)))
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
        "units": "nats per token",
        "floor": float(s.truth.floor.mean()),
        "floor_by_position": s.truth.floor.tolist(),
        "excess": {"trained": [e.excess for e in s.trained], "untrained": [e.excess for e in s.untrained]},
        "layers": layers,
        "baselines": baselines,
        "verdicts": verdicts,
        "refused": refused,
        "seconds": {"analysis": time.monotonic() - begun},
    }
    write_json(run.path / "report.json", report)
    return report


def _layer(s: Study, features: str) -> dict[str, Any]:
    """Everything measured at one layer, seed by seed."""

    def scores(trained: bool) -> dict[str, list[float]]:
        probes = s.probes(features, trained=trained)
        return {key: [getattr(p, key) for p in probes] for key in ("r2", "r2_in_sample", "rmse")}

    null = s.shuffled(features, BAND)
    reference = s.baseline("token_window").r2
    return {
        "features": features,
        "trained": scores(True) | {"gain_over_token_window": [(p.r2 - reference) / (1 - reference) for p in s.probes(features)]},
        "untrained": scores(False),
        "decoy": {"r2": s.r2(features, labels="decoy").tolist(), "r2_untrained": s.r2(features, labels="decoy", trained=False).tolist()},
        "shuffled": {"n": null.size, "low": float(null.min()), "high": float(null.max())},
    }


def _write_evidence(run: train.Run, s: Study) -> None:
    """The numbers behind the figures: the truth, what each network predicts, and the beliefs probed from it."""
    t = s.truth
    scored = t.fold >= 0
    # Principal axes of the true beliefs, for drawing simplices of more than three states.
    mean = t.weight @ t.belief
    axes = np.linalg.svd((t.belief - mean) * np.sqrt(t.weight)[:, None], full_matrices=False)[2][:2]
    arrays = {"axes": axes * np.sign(axes[:, [0]] + 1e-300), "mean": mean}
    for which, networks in (("trained", s.trained), ("untrained", s.untrained)):
        arrays[f"{which}_log_prediction"] = np.stack([e.log_prediction for e in networks]).astype(np.float32)
        arrays[f"{which}_excess_by_position"] = np.stack([e.excess_by_position for e in networks])
        for features in (s.final_layer, CONCATENATED):
            points = np.stack(s.points(features, trained=which == "trained")).astype(np.float32)
            arrays[f"{which}_points_{'final' if features == s.final_layer else CONCATENATED}"] = points
    write_npz(
        run.path / "evidence.npz",
        words=t.words.astype(np.int8),
        length=t.length.astype(np.int16),
        weight=t.weight,
        belief=t.belief,
        next_token=t.next_token,
        scored=scored,
        fold=t.fold.astype(np.int8),
        **arrays,
    )
