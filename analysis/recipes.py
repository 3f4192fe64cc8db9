"""How a process is learned unless a claim asks for something else: one rule, so that claims share their
runs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import processes
import toy
from processes.values.user_cache import user_cache
from train import Optimiser, Recipe, Run, finish, open_run
from train.runs.folder import ORIGIN

from .claim import DEFAULT, Setting, Training

PAPER = toy.TransformerConfig(vocab=2, n_ctx=10, n_layers=4, n_heads=1, d_model=64, d_head=8, d_mlp=256)
"""The transformer of Shai et al. 2024, for two symbols."""
SMALL = replace(PAPER, n_ctx=7, n_layers=2, d_model=32, d_mlp=128)
"""One that trains several times faster, for searches over many processes."""
FOUR_HEADS = replace(PAPER, n_ctx=8, n_heads=4, d_head=16)
"""The transformer of Riechers et al. 2025: four heads of sixteen, contexts of eight tokens."""
FEW = 4000
"""Up to so many prefixes, every one is seen in every step (measured: what it costs, it repays; see the log).
"""


TRAINED = 1e-4
"""Share of what contexts are worth that networks at the floor may not have learned."""


class Effort(NamedTuple):
    """How networks come near to the floor: of what was tried, the cheapest that does it in every seed of most
    processes (docs/training.md has the table, and tells of those that need more or are not learned).
    """

    rate: float
    """Of Muon; the finish finds its own."""
    steps: int
    words: int | None
    """Drawn in a step; None where every prefix is seen."""
    finish: int
    """Iterations of L-BFGS afterwards."""
    momentum: float | None = None
    """Of Muon; None for optax's .95, with which in some seeds a network is late."""

    @property
    def optimiser(self) -> Optimiser:
        """The update rule of the descent."""
        return Optimiser("muon", self.rate, warmup=50, schedule="cosine", momentum=self.momentum)


EFFORTS: Mapping[tuple[str, bool], Effort] = {
    ("floor", False): Effort(1e-2, 2000, 32, 0),
    ("floor", True): Effort(5e-3, 1000, None, 150),
    ("sharp", False): Effort(1e-2, 6000, 64, 0, momentum=0.85),
    ("sharp", True): Effort(1e-2, 1000, None, 600, momentum=0.8),
}
"""By training, and by whether every prefix is seen in every step."""


def written(process: processes.Process) -> str:
    """A text that means this process: what it was made by, or the path of a file in the cache."""
    if process.spec:
        return str(process.spec)
    file = user_cache("processes") / f"{process.digest}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        processes.write(process, file)
    return str(file)


def standard(
    process: str | processes.Process,
    setting: Setting = DEFAULT,
    *,
    model: toy.Config | None = None,
    population: bool | None = None,
) -> Recipe:
    """The recipe by which this lab learns a process: exact targets, and every prefix in every step where
    these are few, or where `population` says so.

    `model` is taken as it is but for its vocabulary, which is the process's; by default it is the paper's, or
    `SMALL` if so asked.
    """
    process = written(process) if isinstance(process, processes.Process) else process
    model = model or (SMALL if setting.size == "small" else PAPER)
    vocab = processes.named(process).vocab
    if population is None:
        population = sum(vocab**length for length in range(1, model.n_ctx + 1)) <= FEW
    short = Recipe(
        process=process,
        model=replace(model, vocab=vocab),
        objective="population" if population else "expected",
        optimiser=Optimiser("adam", learning_rate=2e-3 if population else 3e-3, warmup=50, schedule="cosine"),
        steps=1500 if population else 1200,
        batch=None if population else 32,
        seeds=setting.seeds,
    )
    return trained(short, setting.training)


def trained(short: Recipe, training: Training) -> Recipe:
    """The same networks and data, trained as far as asked: as they are, to the floor, or sharply.

    Muon takes the place of the recipe's optimiser, and where every prefix is seen, so that the loss has no
    noise, L-BFGS finishes what it began.
    """
    if training == "short":
        return short
    effort = EFFORTS[training, short.objective == "population"]
    descends = replace(short, optimiser=effort.optimiser, steps=effort.steps, batch=effort.words)
    return finish(descends, effort.finish) if effort.finish else descends


def sharper(setting: Setting) -> Setting:
    """The setting of a claim that the default training is not enough for: as near to the floor as float32
    gets in minutes, unless it is asked for less.
    """
    return replace(setting, training="sharp") if setting.training == "floor" else setting


def descent(recipe: Recipe) -> tuple[Recipe, int]:
    """The recipe that a finish of L-BFGS starts from, and the iterations of that; a recipe without one, and
    none.
    """
    if recipe.optimiser.name == "lbfgs" and recipe.origin is not None:
        return recipe.origin.recipe, recipe.steps
    return recipe, 0


def legs(run: Run) -> list[Run]:
    """A finished run and, before it, that of the descent which it finishes, where that is kept beside it."""
    first, _ = descent(run.recipe)
    there = [folder for folder in (run.path / ORIGIN, run.path.parent / first.hash) if folder.exists()]
    return [run] if first is run.recipe or not there else [open_run(there[0], first), run]


def one_run(process: str, setting: Setting) -> Mapping[str, Recipe]:
    """What a claim about the networks of one recipe has trained for it."""
    return {"transformer": standard(process, setting)}


def one_sharp_run(process: str, setting: Setting) -> Mapping[str, Recipe]:
    """The same, where the default training is not enough."""
    return one_run(process, sharper(setting))
