"""Sweeps: many recipes, each trained once, here or on a Dask cluster, and one tidy table of what came out."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

import processes
from processes.values import earlier
from toy.checks import fitted
from toy.sites import shown

from ..errors import Busy, RecipeError, RunError
from ..fit import Progress
from ..program import form
from ..recipe import Recipe
from .grid import Cell, varying
from .outcome import Measure, Outcome, Status, at_the_end, outcome
from .table import INSTALL, PER_SEED, Row, check_table, write_table


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
    table = fitted("table", Path | str | None, table, RunError)
    scheduler = fitted("scheduler", str | None, scheduler, RunError)
    measure = fitted("measure", Callable | None, measure, RecipeError)
    watch = fitted("watch", Callable, watch, RecipeError)
    if table is not None:
        check_table(table := Path(table), _columns(cells))
    recipes_by_hash = {cell.recipe.hash: cell.recipe for cell in cells if cell.recipe is not None}
    source = _here if scheduler is None else _cluster(scheduler)
    outcomes: dict[str, Outcome] = {}
    took, saved_at = 0.0, time.monotonic()
    try:
        ordered = by_shape(recipes_by_hash)
        for hash, outcome in source(ordered, Path(store).absolute(), measure or at_the_end, watch):
            outcomes[hash] = outcome
            # Long tables take long to write: at most a twentieth of the time.
            if table is not None and time.monotonic() - saved_at > 20 * took:
                began = time.monotonic()
                write_table(table, _columns(cells), _table(cells, outcomes))
                took, saved_at = time.monotonic() - began, time.monotonic()
    finally:  # also on Ctrl-C; an earlier table stays until there is something to put in its place
        if table is not None and (outcomes or not recipes_by_hash):
            write_table(table, _columns(cells), _table(cells, outcomes))
    return _table(cells, outcomes)


def _columns(cells: Sequence[Cell]) -> list[str]:
    swept = (name for cell in cells for name in cell.values)
    return list(dict.fromkeys(("hash", "process", *swept, *PER_SEED)))


def _table(cells: Sequence[Cell], outcomes: Mapping[str, Outcome]) -> list[Row]:
    """The rows of all cells that have come to their end, in the order of the cells."""
    rows: list[Row] = []
    for cell in cells:
        hash = None if cell.recipe is None else cell.recipe.hash
        outcome = Outcome(error=cell.refused) if hash is None else outcomes.get(hash)
        rows += [] if outcome is None else _rows(cell, hash, outcome)
    return rows


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


def by_shape(recipes: Mapping[str, Recipe]) -> dict[str, Recipe]:
    """The same recipes, those that one compiled program serves next to one another."""
    first: dict[str, int] = {}
    place = {hash: first.setdefault(_shape(recipe), len(first)) for hash, recipe in recipes.items()}
    return dict(sorted(recipes.items(), key=lambda item: place[item[0]]))


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
                result = outcome(recipe, store, measure, seen)
                break
            except Busy:
                waiting.append((hash, recipe))
                passed += 1
                if passed >= len(waiting):
                    time.sleep(1)
        else:
            return
        passed = 0
        yield hash, result
        watch(Status(done, len(recipes), {}, (hash, result)))


def _cluster(scheduler: str):
    try:
        from .cluster import outcomes
    except ImportError:
        raise RunError(
            f"a sweep on a Dask cluster needs dask.distributed; run {INSTALL % 'cluster'}"
        ) from None
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


__getattr__ = earlier.names(__name__, {"Measured": "train.sweeps.outcome:Measured"})
