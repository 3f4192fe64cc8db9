"""How near to the floor an optimiser comes, and what it costs: one setting a call.

python -m benchmarks.optimisers mess3 --steps 1200
python -m benchmarks.optimisers mess3 --steps 1200 --optimiser.name adam --optimiser.learning-rate 3e-3
python -m benchmarks.optimisers rrxor --steps 1500 --finish 1000
python -m benchmarks.optimisers --show                 the table of all settings tried

The lab's standard network and objective, unless told otherwise. A trial adds a line to docs/optimisers.jsonl
for each stage: the exact KL of every network over all contexts, the largest excess of a step in the last
three quarters (a spike), and the CPU seconds a network took, compilation left out. Seconds are the machine's:
compare within one day.
"""

import datetime
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

import train
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import observe
from analysis.recipes import standard

from .table import ROOT, commit

TRIALS = ROOT / "docs" / "optimisers.jsonl"

WIDTH = 130
"""Of the table: wide enough that no row wraps."""


@dataclass(frozen=True)
class Trial:
    """A setting."""

    process: tyro.conf.Positional[str] = "mess3"
    optimiser: train.Optimiser = train.Optimiser("muon", 1e-2, 50, "cosine")
    steps: int = 1200
    batch: int | None = None
    """Words a step; None for the standard recipe's, where it draws any."""
    seeds: int = 8
    finish: int = 0
    """Iterations of L-BFGS afterwards, where the loss has no noise."""
    show: bool = False
    """Show what was tried, and try nothing."""

    @property
    def recipe(self) -> train.Recipe:
        """As it is trained, but for the finish."""
        usual = standard(self.process)
        return replace(
            usual,
            optimiser=self.optimiser,
            steps=self.steps,
            batch=self.batch if self.batch and usual.batch else usual.batch,
            seeds=self.seeds,
        )


@dataclass
class Watched:
    """A training as it goes, and what it has cost in CPU seconds after the first, compiling, call."""

    recipe: train.Recipe
    cpu: float = 0.0

    def run(self, state: train.State | None = None) -> train.State:
        """The state at the end."""
        last, began = None, 0.0
        for last in train.fit(self.recipe, state, report_every=10.0):
            began = began or time.process_time()
            print(f"step {last.step}: {last.excess} nats after {last.seconds:.0f} s", flush=True)
        assert last is not None
        self.cpu = time.process_time() - began
        return last.state


def stages(trial: Trial) -> Iterator[tuple[train.Recipe, train.State, float]]:
    """The descent, then the finish if there is one: each with the state at its end and its CPU seconds."""
    first = Watched(trial.recipe)
    state = first.run()
    yield first.recipe, state, first.cpu
    if trial.finish:
        second = Watched(train.finish(first.recipe, trial.finish))
        state = second.run(train.initial(second.recipe, state.params))
        yield second.recipe, state, second.cpu


def run(trial: Trial) -> Iterator[dict]:
    """Train, and measure exactly what came of each stage."""
    for recipe, state, cpu in stages(trial):
        what = contexts(recipe.ground_truth(), recipe.model.n_ctx)
        seen = observe(recipe.model, state.params, what, [])
        late = np.asarray(state.excess)[:, recipe.steps // 4 :]
        yield {
            "date": datetime.date.today().isoformat(),
            "commit": commit()[0],
            "process": trial.process,
            "objective": recipe.objective,
            "batch": recipe.batch,
            "optimiser": recipe.optimiser.to_json(),
            "steps": recipe.steps,
            "kl": [float(f"{e.excess:.3g}") for e in seen],
            "highest": float(f"{late.max():.3g}"),
            "cpu_seconds_a_network": float(f"{cpu / recipe.seeds:.3g}"),
        }


def show() -> None:
    """All trials as a table."""
    table = Table(
        "process", "optimiser", "objective", "steps", "median KL", "worst KL", "spike", "CPU s a network"
    )
    for line in TRIALS.read_text().splitlines():
        trial = json.loads(line)
        made = trial["optimiser"]
        always = ("name", "learning_rate", "warmup", "schedule")
        more = "".join(f" {name} {value:g}" for name, value in made.items() if name not in always)
        drawn = f" x {trial['batch']}" if trial["batch"] else ""
        table.add_row(
            trial["process"],
            f"{made['name']} {made['learning_rate']:g} {made['schedule']}{more}",
            trial["objective"] + drawn,
            str(trial["steps"]),
            f"{np.median(trial['kl']):.1e}",
            f"{max(trial['kl']):.1e}",
            f"{trial['highest']:.1e}",
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
        with TRIALS.open("a") as file:
            file.write(json.dumps(entry) + "\n")


if __name__ == "__main__":
    main()
