"""What the exact next-token law is worth: training until KL 1e-4 nats on Mess3 with it, and with sampled next
tokens.

python -m benchmarks.time_to_kl expected --batch 32 --learning-rate 3e-3 --steps 1200 --seeds 8
python -m benchmarks.time_to_kl sampled --batch 64 --learning-rate 1e-3 --steps 50000 --seeds 2

Each call is one trial: the paper's transformer, Adam, 50 steps of warm-up, then a cosine to zero at the last
step. It trains all seeds to the end and adds a line to docs/time_to_kl.jsonl with the exact KL of each over
all 88 572 contexts; no time is taken, so it may run on a busy machine. A setting reaches the target if the
median network does. `make bench` measures how long a step of each takes and multiplies.
"""

import datetime
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import tyro

import toy
import train
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import observe
from analysis.recipes import standard

from .table import ROOT, commit, keep, kept

TRIALS = ROOT / "docs" / "time_to_kl.jsonl"
TARGET = 1e-4
"""Median KL over networks that counts as learned, nats per token."""


@dataclass(frozen=True)
class Trial:
    """A setting."""

    objective: tyro.conf.Positional[Literal["expected", "sampled"]]
    batch: int
    learning_rate: float
    steps: int
    seeds: int

    @property
    def recipe(self) -> train.Recipe:
        """As it is trained."""
        optimiser = train.Optimiser("adam", learning_rate=self.learning_rate, warmup=50, schedule="cosine")
        return replace(
            standard("mess3"),
            objective=self.objective,
            batch=self.batch,
            optimiser=optimiser,
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
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit()[0],
        **vars(trial),
        "kl": kl,
        "median": float(np.median(kl)),
    }


def trials() -> list[dict]:
    """All trials recorded."""
    return kept(TRIALS)


def tokens(trial: dict) -> int:
    """Words that one network of a trial has seen in all."""
    return trial["batch"] * trial["steps"]


def cheapest(objective: str, entries: list[dict]) -> dict | None:
    """The trial that `reached` the target on the fewest words; if none did, the longest, and of these the
    nearest.
    """
    mine = [t | {"reached": t["median"] <= TARGET} for t in entries if t["objective"] == objective]
    return min(
        mine,
        key=lambda t: (not t["reached"], tokens(t) if t["reached"] else -tokens(t), t["median"]),
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
