"""Experiments: a default recipe, and the claims put to its networks."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import processes
import train
from processes.algebra.pivots import principal_axes
from processes.values.whole_file import write_json
from train import Recipe
from train.errors import RunError
from train.runs.sealed import sealed, write_npz

from .claim import DEFAULT, judge
from .constraint_load import cl2_load_decides as constraint_load
from .constraint_load.subset_violation import measured, satisfied
from .controls import gain
from .families import CLAIMS
from .instruments.contexts import Truth, truth
from .instruments.evidence import Evidence, observe
from .instruments.study import BASELINES, CONCATENATED, Study, check, study, untrained
from .keys.source import source
from .recipes import standard
from .schema import SCHEMA

BAND = 100
"""Label shuffles behind the band that a figure shows at every layer, of the first network only: the null
hardly varies between them.
"""
SAMPLES = 64
"""Bodies sampled from each network for every subset of constraints."""


@dataclass(frozen=True)
class Experiment:
    """A question, the recipe that answers it by default, and the claims it is about."""

    name: str
    question: str
    recipe: Recipe
    claims: Sequence[str]
    about: Literal["beliefs", "constraints"] = "beliefs"
    """What its networks are measured for: probes of beliefs, or violation of what their controls switch on.
    """


EXPERIMENTS: Mapping[str, Experiment] = {
    "mess3": Experiment(
        name="mess3",
        question=(
            "Does a transformer trained on Mess3 hold the fractal of beliefs in its final residual stream?"
        ),
        recipe=standard("mess3"),
        claims=("BG1", "BG2"),
    ),
    "rrxor": Experiment(
        name="rrxor",
        question=(
            "Where next-token laws merge beliefs, does a transformer keep them apart, and in which layers?"
        ),
        recipe=standard("rrxor"),
        claims=("BG2", "BG3", "BG4"),
    ),
    "guarded": Experiment(
        name="guarded",
        question=(
            "What does a transformer violate of constraints that control tokens switch on: by their load, or "
            "by their number?"
        ),
        recipe=constraint_load.recipes(constraint_load.DEFAULT_PROCESS, DEFAULT)["transformer"],
        claims=("CL2",),
        about="constraints",
    ),
}


@dataclass(frozen=True)
class Measured:
    """What an experiment's own measurements came to."""

    truth: Truth
    trained: Sequence[Evidence]
    untrained: Sequence[Evidence]
    evidence: Any  # what claims are judged on
    report: Mapping[str, Any]  # the part of the report that is its own
    arrays: Mapping[str, np.ndarray]  # the numbers behind its figures


def refuse(experiment: Experiment, recipe: Recipe) -> None:
    """Raises, before anything is trained, `ProcessError` or `ClaimError` if networks of the recipe could not
    be measured for the experiment.
    """
    process = recipe.ground_truth()
    if experiment.about == "beliefs":
        check(process, recipe.model.n_ctx)
        return
    for claim in experiment.claims:
        CLAIMS[claim].check(process, recipe.model.n_ctx)
    truth(process, recipe.model.n_ctx)


def analyse(
    run: train.Run, experiment: Experiment, announce: Callable[[str], None] = lambda stage: None
) -> dict[str, Any]:
    """From a finished run to its report: evidence, probes, controls, verdicts. Writes evidence.npz, then
    report.json.

    `announce` is told what is being done. Returns the report as it is written.
    """
    begun, asked = time.monotonic(), rules(experiment)
    history = run.history()
    last = history["excess"][:, -1]
    if not np.isfinite(last).all():
        seed = run.recipe.first_seed + int(np.argmin(np.isfinite(last)))
        raise RunError(
            f"training diverged (seed {seed} ends without a finite loss); lower optimiser.learning_rate"
        )
    found = (_probed if experiment.about == "beliefs" else _obeyed)(run, announce)
    t = found.truth
    verdicts, refused = [], []
    for name in experiment.claims:
        claim = CLAIMS[name]
        reason = claim.refusal(t.process, t.n_ctx)
        if reason is not None:
            refused.append({"claim": name, "statement": claim.statement, "reason": reason})
            continue
        announce(f"claim {name}")
        verdicts.append(judge(claim, found.evidence, t.process, t.n_ctx).to_json())
    announce("writing")
    write_npz(run.path / "evidence.npz", **_excess_by_position(found), **found.arrays)
    report = {
        "schema": SCHEMA,
        "experiment": experiment.name,
        "question": experiment.question,
        "hash": run.recipe.hash,
        "recipe": run.recipe.to_json(),
        "rules": asked,
        "about": experiment.about,
        "made": [leg._asdict() for leg in run.made],
        "process": t.process.name,
        "contexts": len(t.weight),
        "sampled": t.sampled,
        "units": "nats per token",
        "floor": float(t.floor.mean()),
        "floor_by_position": t.floor.tolist(),
        "excess": {
            "trained": [e.excess for e in found.trained],
            "untrained": [e.excess for e in found.untrained],
        },
        "excess_interval": [e.excess_interval for e in found.trained],
        "training": _training_curve(history),
        **found.report,
        "verdicts": verdicts,
        "refused": refused,
        "seconds": {"analysis": time.monotonic() - begun},
    }
    write_json(run.path / "report.json", sealed(report))
    return report


def is_current(report: Mapping[str, Any], run: train.Run, experiment: Experiment) -> bool:
    """Whether a report is this run's, has today's layout and judges all the experiment's claims by today's
    rules.
    """
    today = (SCHEMA, run.recipe.hash, rules(experiment))
    return (report.get("schema"), report.get("hash"), report.get("rules")) == today and (
        run.path / "evidence.npz"
    ).exists()


def rules(experiment: Experiment) -> str:
    """Twelve hexadecimal digits that change with any rule by which one of its claims is decided, and with any
    measure.
    """
    told = [
        [c.id, c.revision, c.seeds, c.rules, *([made] if (made := source(c)) else [])]
        for c in (CLAIMS[name] for name in experiment.claims)
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


def _probed(run: train.Run, announce: Callable[[str], None]) -> Measured:
    """Beliefs probed at every layer, beside everything that needs no network."""
    announce("reading every network on every context")
    s = study(run)
    announce("probes and controls")
    layers = [_layer(s, features) for features in (*s.layers, CONCATENATED)]
    baselines = {
        name: {"r2": p.r2, "r2_in_sample": p.r2_in_sample, "rmse": p.rmse}
        for name in BASELINES
        for p in [s.baseline(name)]
    }
    return Measured(
        s.truth, s.trained, s.untrained, s, {"layers": layers, "baselines": baselines}, _points(s)
    )


def _obeyed(run: train.Run, announce: Callable[[str], None]) -> Measured:
    """Violation of every subset of the constraints."""
    announce("reading every network on every context")
    config, t = run.recipe.model, truth(run.recipe.ground_truth(), run.recipe.model.n_ctx)
    trained, fresh = (observe(config, params, t, ()) for params in (run.params(), untrained(run.recipe)))
    announce("violation of every subset")
    m, kept = measured(run), satisfied(run, n=SAMPLES)
    columns = {"violation": m.mass, "relative": m.relative, "divergence": m.divergence, "satisfied": kept}
    subsets = [
        {"on": list(on), "load": float(m.load[i])}
        | {name: values[:, i].tolist() for name, values in columns.items()}
        for i, on in enumerate(m.subsets)
    ]
    evidence = {getattr(config, "cell", "transformer"): m}
    return Measured(t, trained, fresh, evidence, {"subsets": subsets}, CLAIMS["CL2"].shown(evidence))


def _layer(s: Study, features: str) -> dict[str, Any]:
    """Everything measured at one layer, seed by seed."""

    def scores(trained: bool) -> dict[str, list[float]]:
        probes = s.probes(features, trained=trained)
        return {key: [getattr(p, key) for p in probes] for key in ("r2", "r2_in_sample", "rmse")}

    null = s.shuffled(features, BAND, networks=1)
    gains = gain(s.r2(features), s.baseline("token_window").r2)
    return {
        "features": features,
        "trained": scores(True)
        | {"gain_over_token_window": [g if np.isfinite(g) else None for g in gains.tolist()]},
        "untrained": scores(False),
        "shuffled": {"n": null.size, "low": float(null.min()), "high": float(null.max())},
    }


def _training_curve(history: Mapping[str, np.ndarray], points: int = 60) -> dict[str, Any]:
    """Excess of every seed over training, averaged over log-spaced windows of steps."""
    steps = history["excess"].shape[1]
    edges = np.unique(np.r_[0, np.geomspace(1, steps, points).round()]).astype(int)
    mean = np.stack(
        [history["excess"][:, a:b].mean(1) for a, b in zip(edges[:-1], edges[1:], strict=True)], 1
    )
    return {"step": edges[1:].tolist(), "excess": mean.tolist()}


def _excess_by_position(found: Measured) -> dict[str, np.ndarray]:
    both = (("trained", found.trained), ("untrained", found.untrained))
    return {
        f"{which}_excess_by_position": np.stack([e.excess_by_position for e in networks])
        for which, networks in both
    }


def _points(s: Study) -> dict[str, np.ndarray]:
    """The numbers behind the figures of beliefs: the truth, what each network predicts, and the beliefs
    probed from it.
    """
    t = s.truth
    arrays = {"state": np.full(len(t.weight), -1, np.int16)}
    finite = processes.mixed_states(t.process)
    if finite is not None:
        arrays["state_belief"] = finite.belief
        arrays["state"] = np.abs(t.belief[:, None] - finite.belief).max(2).argmin(1).astype(np.int16)
    # Principal axes of the true beliefs, for drawing simplices of more than three states.
    arrays["mean"] = t.weight @ t.belief
    arrays["axes"] = principal_axes((t.belief - arrays["mean"]) * np.sqrt(t.weight)[:, None])
    for which, networks in (("trained", s.trained), ("untrained", s.untrained)):
        arrays[f"{which}_log_prediction"] = np.stack([e.log_prediction for e in networks]).astype(np.float32)
        for name, features in (("final", s.final_layer), ("concatenated", CONCATENATED)):
            arrays[f"{which}_points_{name}"] = np.stack(
                s.points(features, trained=which == "trained")
            ).astype(np.float32)
    return arrays | {
        "words": t.words.astype(np.min_scalar_type(-t.process.vocab)),
        "length": t.length.astype(np.int16),
        "fold": t.fold.astype(np.int8),
        "weight": t.weight,
        "belief": t.belief,
        "next_token": t.next_token,
    }
