"""Sweeps: many recipes, each trained once, here or on a Dask cluster, and one tidy table of what came out."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

import processes
from toy.checks import fitted
from toy.sites import shown

from ..errors import Busy, RunError
from ..fit import Progress
from ..program import form
from ..recipe import Recipe, RecipeError
from ..runs.run import Run, open_run
from ..runs.store import obtain
from .grid import Cell, varying
from .table import INSTALL, Row, check_table, write_table

PER_SEED = ("seed", "measurement", "value", "unit", "error")
"""Columns beside the hash, the process and the swept fields."""


class Measured(NamedTuple):
    """One quantity, measured on every network of a run."""

    value: Float[np.ndarray, "seeds"]  # NaN where it is not defined
    unit: str


Measure = Callable[[Run], Mapping[str, Measured]]


class Outcome(NamedTuple):
    """What a sweep keeps of a run."""

    measured: Mapping[str, Measured] = {}
    diverged: tuple[int, ...] = ()  # networks, from 0, that ended without a finite loss
    seconds: float | None = None  # of training in this call; None for a run that was found finished
    error: str = ""  # why there is no run


class Status(NamedTuple):
    """Where a sweep is: what an observer may see."""

    done: int  # recipes
    total: int
    training: Mapping[
        str, tuple[int, float]
    ]  # step and mean excess in nats, by hash of the recipes in training
    finished: tuple[str, Outcome] | None = None  # the recipe, by hash, that has just come to its end
    workers: int | None = None  # of the cluster; None on this machine
    retried: int = 0  # recipes begun again because their worker was lost


def sweep(
    recipes: Sequence[Recipe] | Sequence[Cell],
    store: Path | str,
    *,
    scheduler: str | None = None,
    measure: Measure | None = None,
    table: Path | str | None = None,
    watch: Callable[[Status], None] = lambda status: None,
) -> list[Row]:
    """Train every recipe, or `grid` of them, that `store` does not hold yet, and measure all: one row per
    run, network and quantity.

    Recipes are trained one after another in this process, those of equal shape in turn; or by the workers of
    the Dask `scheduler`. `measure` defaults to `at_the_end`. Rows have the columns hash, process, the fields
    in which recipes differ, seed, measurement, value, unit, error. What concerns the whole run has no seed. A
    network that diverged and a recipe that was refused have a row that says so in `error`. `table` (.csv or
    .parquet) is written as results come. Raises `RunError` if it cannot be, or for the scheduler, and
    `RecipeError` for arguments that are none, before anything is made.
    """
    cells, store = _cells(recipes), fitted("store", Path | str, store, RunError)
    table, scheduler = (
        fitted("table", Path | str | None, table, RunError),
        fitted("scheduler", str | None, scheduler, RunError),
    )
    measure, watch = (
        fitted("measure", Callable | None, measure, RecipeError),
        fitted("watch", Callable, watch, RecipeError),
    )
    columns = list(
        dict.fromkeys(("hash", "process", *(name for cell in cells for name in cell.values), *PER_SEED))
    )
    by_hash = {cell.recipe.hash: cell.recipe for cell in cells if cell.recipe is not None}
    hashes = [None if cell.recipe is None else cell.recipe.hash for cell in cells]
    outcomes: dict[str, Outcome] = {}

    def rows() -> list[Row]:
        found = [
            (c, h, Outcome(error=c.refused) if h is None else outcomes.get(h))
            for c, h in zip(cells, hashes, strict=True)
        ]
        return [
            row for cell, hash, outcome in found if outcome is not None for row in _rows(cell, hash, outcome)
        ]

    def save() -> float:
        began = time.monotonic()
        if table is not None:
            write_table(Path(table), columns, rows())
        return time.monotonic() - began

    if table is not None:
        check_table(Path(table), columns)
    source = _here if scheduler is None else _cluster(scheduler)
    took, saved_at = 0.0, time.monotonic()
    try:
        for hash, outcome in source(by_shape(by_hash), Path(store).absolute(), measure or at_the_end, watch):
            outcomes[hash] = outcome
            if (
                time.monotonic() - saved_at > 20 * took
            ):  # long tables take long to write: at most a twentieth of the time
                took, saved_at = save(), time.monotonic()
    finally:  # also on Ctrl-C; an earlier table stays until there is something to put in its place
        if outcomes or not by_hash:
            save()
    return rows()


def _cells(recipes: Sequence[Recipe] | Sequence[Cell]) -> Sequence[Cell]:
    given: list[Any] = (
        [] if isinstance(recipes, str | Mapping) or not isinstance(recipes, Iterable) else list(recipes)
    )
    if not given and recipes != [] and recipes != ():
        raise RecipeError(
            f"recipes is {shown(recipes)}; it must be a list of recipes, or a train.grid of them"
        )
    kind = Cell if given and isinstance(given[0], Cell) else Recipe
    for i, one in enumerate(given):
        fitted(
            f"recipes[{i}]", kind, one, RecipeError, "a sweep is over recipes, or over the cells of a grid"
        )
        if isinstance(one, Cell):
            fitted(f"the recipe of recipes[{i}]", Recipe | None, one.recipe, RecipeError)
            fitted(f"the values of recipes[{i}]", Mapping, one.values, RecipeError)
    return given if kind is Cell else varying(given)


def at_the_end(run: Run) -> dict[str, Measured]:
    """Loss and excess over the exact predictor, nats per token: means over the last hundredth of the
    steps."""
    last = max(1, run.recipe.steps // 100)
    return {
        f"training_{name}": Measured(values[:, -last:].mean(1, dtype=np.float64), "nats")
        for name, values in run.history().items()
    }


def by_shape(recipes: Mapping[str, Recipe]) -> dict[str, Recipe]:
    """The same recipes, those that one compiled program serves next to one another."""
    first: dict[str, int] = {}
    place = {hash: first.setdefault(_shape(recipe), len(first)) for hash, recipe in recipes.items()}
    return dict(sorted(recipes.items(), key=lambda item: place[item[0]]))


def outcome(recipe: Recipe, store: Path, measure: Measure, watch: Callable[[Progress], None]) -> Outcome:
    """Train a recipe, unless the store holds its run, and measure it; any error is part of the outcome.
    Raises `Busy`, though.
    """
    began = trained = time.monotonic()

    def seen(progress: Progress) -> None:
        nonlocal trained
        trained = time.monotonic()
        watch(progress)

    try:
        path = store / recipe.hash
        if (path / "recipe.json").exists() and not (begun := open_run(path)).finished and begun.other_bits:
            open_run(
                path, recipe, fresh=True
            )  # begun on another kind of worker, it cannot go on here with the same bits
        run = obtain(recipe, store, seen)
        diverged = np.flatnonzero(~np.isfinite(run.history()["excess"][:, -1]))
        return Outcome(
            _checked(measure(run), recipe.seeds),
            tuple(diverged.tolist()),
            trained - began if trained > began else None,
        )
    except Busy:
        raise
    except Exception as error:  # one recipe that fails, in whatever way, must not cost the others
        ours = isinstance(error, ValueError) and type(error).__module__.split(".")[0] in (
            "processes",
            "toy",
            "train",
            "analysis",
        )
        return Outcome(error=str(error) if ours else f"{type(error).__name__}: {error}")


def _checked(measured: Any, seeds: int) -> Mapping[str, Measured]:
    """What a measure gave. Raises `RunError` unless it is one value a network under each name."""
    good = isinstance(measured, Mapping) and all(
        isinstance(m, Measured) and np.shape(m.value) == (seeds,) for m in measured.values()
    )
    if not good:
        raise RunError(
            f"measure returned {shown(measured)}; it must return "
            f"{{name: Measured(values of shape ({seeds},), unit)}}"
        )
    return measured


def _here(
    recipes: Mapping[str, Recipe], store: Path, measure: Measure, watch: Callable[[Status], None]
) -> Iterator[tuple[str, Outcome]]:
    """Outcomes in this process. A recipe that another process is training is waited for, but last."""
    waiting, passed = deque(recipes.items()), 0
    for done in count(1):
        while waiting:
            hash, recipe = waiting.popleft()

            def seen(progress: Progress, hash=hash, done=done) -> None:
                watch(Status(done - 1, len(recipes), {hash: (progress.step, float(progress.excess.mean()))}))

            try:
                found = outcome(recipe, store, measure, seen)
                break
            except Busy:
                waiting.append((hash, recipe))
                passed += 1
                if passed >= len(waiting):
                    time.sleep(1)
        else:
            return
        passed = 0
        yield hash, found
        watch(Status(done, len(recipes), {}, (hash, found)))


def _cluster(scheduler: str):
    try:
        from .cluster import outcomes
    except ImportError:
        raise RunError(f"a sweep on a Dask cluster needs dask.distributed; run {INSTALL}") from None
    return outcomes(scheduler)


def _shape(recipe: Recipe) -> str:
    """What a compiled program depends on."""
    truth = recipe.source()
    # The sizes of a question follow from the vocabulary and the context, which the form has.
    size = (truth.kind, truth.T.shape) if isinstance(truth, processes.Process) else (type(truth),)
    return repr((form(recipe), recipe.seeds, recipe.steps, *size))


def _rows(cell: Cell, hash: str | None, outcome: Outcome) -> Iterator[Row]:
    recipe = cell.recipe
    whole = {"hash": hash, "process": None if recipe is None else recipe.process, **cell.values}
    if recipe is None or outcome.error:
        yield whole | {"error": outcome.error}
        return
    for network in range(recipe.seeds):
        seed = whole | {"seed": recipe.first_seed + network}
        if network in outcome.diverged:
            yield seed | {
                "error": "training diverged: no finite loss at the end; lower optimiser.learning_rate"
            }
            continue
        for name, measured in outcome.measured.items():
            value = float(measured.value[network])
            yield seed | {
                "measurement": name,
                "value": value if np.isfinite(value) else None,
                "unit": measured.unit,
            }
    yield whole | {"measurement": "steps", "value": float(recipe.steps), "unit": "steps"}
    yield whole | {"measurement": "seconds", "value": outcome.seconds, "unit": "s"}
