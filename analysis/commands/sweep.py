"""The command `toylab sweep`: its flags, its progress, and what it says at the end."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TimeRemainingColumn

import train
from processes.names.grammar import split
from train.sweeps.grid import Cell, field_type, grid
from train.sweeps.outcome import Outcome, Status
from train.sweeps.table import SHARD

from ..instruments.probing.summary import summary
from ..report import Experiment
from .arguments import Refused, parse
from .interrupt import check
from .refusal import store_kept
from .terminal import described, field, printable

LIST = "@"
"""Before the name of a file that has a value in each line."""
HELP = """Train a recipe in every combination of some values, and put what comes out into one tidy table.

  toylab sweep mess3 --over model.d-model=4,16,64 --over optimiser.learning-rate=1e-3,3e-3 --seeds 4

trains 6 recipes of 4 networks. The table has a row for each run, seed and measurement, with the columns
hash, process, every swept field,
seed, measurement, value, unit, error. Runs live in STORE/HASH: one that is finished is never repeated, one
that was stopped goes on, so
the same command after Ctrl-C goes on from there. A recipe that is refused or diverges has a row that says
why; the exit status is then 1.

As a job array, without any server: `sbatch --array=1-8` (or its like) of

  toylab sweep mess3 --over process=@processes.txt --shard $SLURM_ARRAY_TASK_ID/8

does an eighth of the combinations in each job; @FILE is a file with a value in each line. Afterwards `toylab
merge all.csv runs/sweep-*of8.csv` puts their tables together.

On a cluster: `dask scheduler` on one machine, `dask worker tcp://HOST:PORT` on others (or dask-jobqueue for
SLURM, dask-kubernetes, ...),
then --scheduler tcp://HOST:PORT here. A worker trains one recipe at a time with all its threads. Recipes
whose worker is lost are trained
by another, from the last checkpoint where STORE is a folder that workers share."""


@dataclass(frozen=True)
class Options:
    """How to sweep."""

    recipe: Annotated[train.Recipe, tyro.conf.arg(name="")]
    over: Annotated[
        tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="FIELD=VALUE,VALUE,...")
    ] = ()
    """A field of the recipe, named as its flag, and the values it takes; may be given for several fields.
    Where the process is swept, the model's vocabulary follows it.
    """
    store: Path = Path("runs")
    """Folder of all runs, by hash."""
    table: Path | None = None
    """File for the table, .csv or .parquet (the latter needs pyarrow); STORE/sweep-HASH.csv by default."""
    shard: str | None = None
    """I/N: train only every N-th combination, from the I-th on. N such commands, each on a machine of its
    own, do the whole sweep without a scheduler; `toylab merge` makes one table of theirs.
    """
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers do the training; without it, this process does."""


def sweep(argv: list[str], experiment: Experiment, given: train.Recipe | None, console: Console) -> int:
    """Run the command for an experiment, from the recipe that is given for it; returns its exit status."""
    prog = f"toylab sweep {experiment.name}"
    plain = (tyro.conf.CascadeSubcommandArgs,)  # flags of the default kind of model, without naming it
    asked = parse(
        Options, argv, prog, default=Options(given or experiment.recipe), description=HELP, config=plain
    )
    shard = asked.shard and _shard(asked.shard)
    cells = grid(asked.recipe, values(asked.recipe, asked.over))
    hashes = dict.fromkeys(cell.recipe.hash for cell in cells if cell.recipe is not None)
    if shard:
        cells = cells[shard[0] - 1 :: shard[1]]
    if hashes and not cells:
        console.print(f"there are fewer combinations than shards: nothing is left for {asked.shard}")
        return 0
    recipes = {cell.recipe.hash: cell.recipe for cell in cells if cell.recipe is not None}
    if not hashes:
        raise train.RecipeError(f"none of the {len(cells)} combinations makes a recipe: {cells[0].refused}")
    store_kept(asked.store)
    name = hashlib.sha256(" ".join(hashes).encode()).hexdigest()[:12]
    part = f"-{shard[0]}of{shard[1]}" if shard else ""
    table = asked.table or asked.store / f"sweep-{name}{part}.csv"
    there = sum((asked.store / hash / "history.npz").exists() for hash in recipes)
    networks = sum(recipe.seeds for recipe in recipes.values())
    refused = len(cells) - sum(cell.recipe is not None for cell in cells)
    console.print(
        f"{len(recipes)} runs, {networks} networks; {there} are finished already, {refused} combinations "
        "refused"
    )
    if asked.scheduler is None:
        train.use_all_cores()
    jax.config.update("jax_compilation_cache_dir", str(train.program_cache()))
    failed = [f"{_written(cell)}: {cell.refused}" for cell in cells if cell.recipe is None]
    view = _View(console, cells)
    told = {SHARD: f"{shard[0]}/{shard[1]}"} if shard else {}  # so that a renamed table still says so
    part_of = [cell._replace(values={**cell.values, **told}) for cell in cells]
    try:
        with view.bar:
            train.sweep(
                part_of, asked.store, scheduler=asked.scheduler, measure=summary, table=table, watch=view.show
            )
    except KeyboardInterrupt:
        console.print(printable(f"{view.done} of {len(recipes)} runs are in {table}"), soft_wrap=True)
        raise
    failed += view.failed
    console.print(printable(f"table: {table}"), soft_wrap=True)
    if failed:
        console.print(
            f"{len(failed)} of {len(cells)} failed:", *map(printable, failed), sep="\n  ", soft_wrap=True
        )
    return 1 if failed else 0


def values(recipe: train.Recipe, over: Sequence[str]) -> dict[str, list[Any]]:
    """What `--over` asks for, by dotted field name. Raises `RecipeError` on what cannot be read."""
    found: dict[str, list[Any]] = {}
    if not over:
        raise train.RecipeError("nothing is swept over; give --over FIELD=VALUE,VALUE,...")
    for given in over:
        name, equals, text = given.partition("=")
        name = name.strip().lstrip("-").replace("-", "_")
        if not equals:
            raise train.RecipeError(f"cannot read --over {given!r}; write it as FIELD=VALUE,VALUE,...")
        if name in found:
            raise train.RecipeError(f"--over names {name} twice; give all its values at once")
        kind = field_type(recipe, name)
        parts = _lines(text.strip()[1:], given) if text.strip().startswith(LIST) else split(text, ",")
        found[name] = [_value(kind, name, part) for part in parts]
    return found


def _lines(file: str, given: str) -> list[str]:
    """The values in a file, one in each line that is not empty and begins with no #."""
    try:
        lines = [line.strip() for line in Path(file).read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise train.RecipeError(
            f"cannot read the values of --over {given!r}: {reason}; give a text file with one in each line"
        ) from None
    return [line for line in lines if line and not line.startswith("#")]


def _shard(text: str) -> tuple[int, int]:
    """Which part of how many. Raises `RecipeError`."""
    found = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
    i, n = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= i <= n:
        raise train.RecipeError(
            f"--shard is {text!r}; write I/N with I from 1 to N, as 3/8 for the third of eight"
        )
    return i, n


def _value(kind: Any, name: str, text: str) -> Any:
    """A value as its flag would read it."""
    try:
        return parse(kind, [text], f"--over {name}", add_help=False)
    except Refused:  # the parser's own words speak of a flag that was not given
        shown = re.sub(r"typing\.|<class '(\w+)'>", r"\1", str(kind))
        raise train.RecipeError(f"{text!r} is no value for {name}, which is {shown}") from None


def _written(cell: Cell) -> str:
    return " ".join(f"{name}={value}" for name, value in cell.values.items())


class _View:
    """The live display."""

    def __init__(self, console: Console, cells: Sequence[Cell]):
        self.console, self.done, self.failed = console, 0, list[str]()
        self.recipes = {
            cell.recipe.hash: (_written(cell), cell.recipe) for cell in cells if cell.recipe is not None
        }
        columns = (
            described(),
            BarColumn(),
            TimeRemainingColumn(compact=True),
            field("now"),
        )
        self.bar = Progress(*columns, console=console, refresh_per_second=4)
        self.task = self.bar.add_task("", total=len(self.recipes), now="")

    def show(self, status: Status) -> None:
        """Show where the sweep is, and a line for a run that has just ended."""
        check()
        self.done = status.done
        part = sum(step / self.recipes[hash][1].steps for hash, (step, _) in status.training.items())
        self.bar.update(
            self.task,
            description=f"{status.done}/{status.total} runs",
            completed=status.done + part,
            now=self._now(status),
        )
        if status.finished is not None:
            self._ended(*status.finished)

    def _now(self, status: Status) -> str:
        running = len(status.training)
        if status.workers is not None:
            waiting = status.total - status.done - running
            return (
                f"{status.workers} workers · {running} running · {waiting} waiting · {status.retried} retried"
            )
        return "".join(
            f"{self.recipes[hash][0]} · step {step}/{self.recipes[hash][1].steps} · loss − floor "
            f"{excess:.1e} nats"
            for hash, (step, excess) in status.training.items()
        )

    def _ended(self, hash: str, outcome: Outcome) -> None:
        name, recipe = self.recipes[hash]
        wrong = outcome.error or (
            f"{len(outcome.diverged)} of {recipe.seeds} networks diverged" if outcome.diverged else ""
        )
        if wrong:
            self.failed.append(f"{name}: {wrong}")
        means = [
            f"{key} {_mean(m.value)}" for key, m in outcome.measured.items() if np.isfinite(m.value).any()
        ]
        took = "found" if outcome.seconds is None else f"{outcome.seconds:.0f} s"
        self.bar.console.print(
            printable(f"{name}: {', '.join([*means, took, *([wrong] if wrong else [])])}"), soft_wrap=True
        )


def _mean(values: np.ndarray) -> str:
    return f"{values[np.isfinite(values)].mean():.3g}"
