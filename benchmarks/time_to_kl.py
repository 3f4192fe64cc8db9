"""Training until a network has learned: by this lab's recipe, and as a user would write it, with Adam on
sampled next tokens.

python -m benchmarks.time_to_kl mess3 expected --optimiser muon --batch 32 --learning-rate 1e-2 --steps 450
python -m benchmarks.time_to_kl mess3 sampled --batch 64 --learning-rate 1e-3 --steps 50000 --seeds 2
python -m benchmarks.time_to_kl rrxor population --optimiser muon --learning-rate 2e-2 --steps 400
python -m benchmarks.time_to_kl rrxor sampled --batch 64 --learning-rate 3e-3 --steps 3000 --seeds 2

Each call is one trial: the paper's transformer, 50 steps of warm-up, then a cosine to zero at the last step.
It trains all seeds to the end and adds a line to docs/time_to_kl.jsonl with the exact KL of each over all
contexts and the curve on the way; no time is taken, so it may run on a busy machine. A setting reaches the
target if the median network does. `make bench` measures how long a step of each takes and multiplies.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import tyro

import toy
import train
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import observe
from analysis.recipes import descent, standard

from .table import ROOT, commit, keep, kept

TRIALS = ROOT / "docs" / "time_to_kl.jsonl"
TARGETS: Mapping[str, float] = {"mess3": 1e-4, "rrxor": 1e-3}
"""Median KL over networks that counts as learned, nats per token, by process."""
POINTS = 24
"""Of the curve that is kept."""


@dataclass(frozen=True)
class Trial:
    """A setting."""

    process: tyro.conf.Positional[str]
    objective: tyro.conf.Positional[Literal["expected", "sampled", "population"]]
    learning_rate: float
    steps: int
    batch: int | None = None
    """None for the population objective."""
    optimiser: Literal["adam", "muon"] = "adam"
    momentum: float | None = None
    """Of Muon; None for the lab's."""
    seeds: int = 8

    @property
    def recipe(self) -> train.Recipe:
        """As it is trained."""
        return replace(
            descent(standard(self.process))[0],
            objective=self.objective,
            batch=self.batch,
            optimiser=train.Optimiser(
                self.optimiser, self.learning_rate, warmup=50, schedule="cosine", momentum=self.momentum
            ),
            steps=self.steps,
            seeds=self.seeds,
        )


def exact_kl(recipe: train.Recipe, params: toy.Params) -> list[float]:
    """KL to the exact predictor over all contexts, nats per token, of every network."""
    what = contexts(recipe.ground_truth(), recipe.model.n_ctx)
    return [evidence.excess for evidence in observe(recipe.model, params, what, [])]


def run(trial: Trial) -> dict:
    """Train, and measure what came of it exactly."""
    recipe = trial.recipe
    for last in train.fit(recipe, report_every=20.0):
        print(f"step {last.step}: {last.excess.mean():.2e} nats after {last.seconds:.0f} s", flush=True)
    kl = [float(f"{value:.4g}") for value in exact_kl(recipe, last.state.params)]
    edges = np.unique(np.geomspace(1, recipe.steps, POINTS + 1).round().astype(int))
    passed = np.median(np.asarray(last.state.excess), axis=0)
    means = [passed[a:b].mean() for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit()[0],
        **vars(trial),
        "kl": kl,
        "median": float(np.median(kl)),
        "curve": {"step": edges[1:].tolist(), "excess": [float(f"{value:.3g}") for value in means]},
    }


def trials() -> list[dict]:
    """All trials recorded."""
    return kept(TRIALS)


def cheapest(process: str, objectives: tuple[str, ...], entries: list[dict]) -> dict | None:
    """The trial that `reached` the target on the fewest words (steps, where all are seen); if none did, the
    longest, and of these the nearest.
    """
    mine = [
        t | {"reached": t["median"] <= TARGETS[process]}
        for t in entries
        if t["process"] == process and t["objective"] in objectives
    ]

    def cost(t: dict) -> int:
        return t["steps"] * (t["batch"] or 1)

    return min(
        mine,
        key=lambda t: (not t["reached"], cost(t) if t["reached"] else -cost(t), t["median"]),
        default=None,
    )


def main() -> None:
    """Run one trial and keep it."""
    trial = tyro.cli(Trial)
    train.use_all_cores()
    entry = run(trial)
    print(entry)
    keep(TRIALS, entry)


if __name__ == "__main__":
    main()
