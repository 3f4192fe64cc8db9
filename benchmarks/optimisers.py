"""How near to the floor an optimiser comes, and what it costs: one setting a call.

python -m benchmarks.optimisers mess3 --steps 1200
python -m benchmarks.optimisers mess3 --steps 1200 --optimiser.name adam --optimiser.learning-rate 3e-3
python -m benchmarks.optimisers rrxor --steps 1500 --finish 1000
python -m benchmarks.optimisers rrxor --steps 1500 --finish 20 --by gauss_newton
python -m benchmarks.optimisers rrxor --networks BG8:gru
python -m benchmarks.optimisers --show                 the table of all settings tried

The lab's standard network and objective, or those of a claim. A trial adds a line to docs/optimisers.jsonl
for each stage: the exact KL of every network over all contexts, what these are worth, the largest excess of
a step in the last three quarters (a spike), and the CPU seconds a network took, compilation left out. Seconds
are the machine's: compare within one day.
"""

import datetime
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import tyro
from jaxtyping import Float32
from rich.console import Console
from rich.table import Table

import toy
import train
from analysis.claim import DEFAULT
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.recipes import descent, standard
from train.optimiser import ALWAYS

from . import gauss_newton
from .table import ROOT, commit, keep, kept
from .time_to_kl import exact_kl

TRIALS = ROOT / "docs" / "optimisers.jsonl"

WIDTH = 140
"""Of the table: wide enough that no row wraps."""


@dataclass(frozen=True)
class Trial:
    """A setting."""

    process: tyro.conf.Positional[str] = "mess3"
    networks: str | None = None
    """Of a claim's, as CL2:gru; the lab's standard ones by default."""
    optimiser: train.Optimiser = train.Optimiser("muon", 1e-2, 50, "cosine")
    steps: int = 1200
    batch: int | None = None
    """Words a step; None for the standard recipe's, where it draws any."""
    seeds: int = 8
    finish: int = 0
    """Iterations of second order afterwards, where the loss has no noise."""
    by: Literal["lbfgs", "gauss_newton"] = "lbfgs"
    """Which: the lab's finish, or one that only this benchmark knows."""
    show: bool = False
    """Show what was tried, and try nothing."""

    @property
    def recipe(self) -> train.Recipe:
        """As it is trained, but for the finish."""
        if self.networks is None:
            usual = standard(self.process)
        else:
            claim, _, role = self.networks.partition(":")
            asked = CLAIMS[claim].recipes(self.process, DEFAULT)
            usual = {str(name): recipe for name, recipe in asked.items()}[role]
        return replace(
            descent(usual)[0],
            optimiser=self.optimiser,
            steps=self.steps,
            batch=self.batch if self.batch and usual.batch else usual.batch,
            seeds=self.seeds,
        )


def trained(recipe: train.Recipe, state: train.State | None = None) -> tuple[train.State, float]:
    """The state at the end, and the CPU seconds that it took after the first call, which compiles."""
    reports = train.fit(recipe, state, report_every=10.0)
    last = next(reports)
    began = time.process_time()
    for last in reports:
        print(f"step {last.step}: {last.excess} nats after {last.seconds:.0f} s", flush=True)
    return last.state, time.process_time() - began


class Stage(NamedTuple):
    """What came of a part of a training."""

    made: dict[str, Any]  # by which rule
    objective: str
    batch: int | None
    params: toy.Params
    excess: Float32[np.ndarray, "seeds steps"]
    cpu: float


def stages(trial: Trial) -> Iterator[Stage]:
    """The descent, then the finish if there is one."""
    recipe = trial.recipe

    def stage(of: train.Recipe, state: train.State, cpu: float) -> Stage:
        made, excess = of.optimiser.to_json(), np.asarray(state.excess)
        return Stage(made, of.objective, of.batch, state.params, excess, cpu)

    state, cpu = trained(recipe)
    yield stage(recipe, state, cpu)
    if trial.finish and trial.by == "gauss_newton":
        found = gauss_newton.finish(recipe, state.params, trial.finish)
        yield Stage(gauss_newton.MADE, recipe.objective, recipe.batch, *found)
    elif trial.finish:
        last = train.finish(recipe, trial.finish)
        yield stage(last, *trained(last, train.initial(last, state.params)))


def run(trial: Trial) -> Iterator[dict]:
    """Train, and measure exactly what came of each stage."""
    recipe = trial.recipe
    worth = contexts(recipe.ground_truth(), recipe.model.n_ctx).worth
    for stage in stages(trial):
        steps = stage.excess.shape[1]
        yield {
            "date": datetime.date.today().isoformat(),
            "commit": commit()[0],
            "process": trial.process,
            "networks": trial.networks,
            "objective": stage.objective,
            "batch": stage.batch,
            "optimiser": stage.made,
            "steps": steps,
            "kl": [float(f"{value:.3g}") for value in exact_kl(recipe, stage.params)],
            "worth": float(f"{worth:.4g}"),
            "highest": float(f"{stage.excess[:, steps // 4 :].max():.3g}"),
            "cpu_seconds_a_network": float(f"{stage.cpu / recipe.seeds:.3g}"),
        }


def show() -> None:
    """All trials as a table."""
    columns = (
        "process",
        "optimiser",
        "objective",
        "steps",
        "median KL",
        "worst KL",
        "of worth",
        "spike",
        "CPU s a network",
    )
    table = Table(*columns)
    for trial in kept(TRIALS):
        made = trial["optimiser"]
        more = "".join(f" {name} {value:g}" for name, value in made.items() if name not in ALWAYS)
        drawn = f" x {trial['batch']}" if trial["batch"] else ""
        table.add_row(
            " ".join(filter(None, (trial["process"], trial.get("networks")))),
            f"{made['name']} {made['learning_rate']:g} {made['schedule']}{more}",
            trial["objective"] + drawn,
            str(trial["steps"]),
            f"{np.median(trial['kl']):.1e}",
            f"{max(trial['kl']):.1e}",
            f"{max(trial['kl']) / trial['worth']:.0e}",
            f"{trial['highest']:.1e}" if "highest" in trial else "",
            f"{trial['cpu_seconds_a_network']:g}",
        )
    Console(width=WIDTH).print(table)


def main() -> None:
    """Run one trial and keep it."""
    trial = tyro.cli(Trial)
    if trial.show:
        return show()
    train.use_all_cores()
    for entry in run(trial):
        print(entry)
        keep(TRIALS, entry)


if __name__ == "__main__":
    main()
