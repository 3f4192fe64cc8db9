"""The commands `toylab run` and `toylab show`: an experiment trained, measured, judged and drawn, and its
tables again.
"""

import argparse
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TimeRemainingColumn
from rich.text import Text

import toy
import train
from train.errors import RunError
from train.runs.folder import ORIGIN, earlier
from train.runs.sealed import read_sealed

from ..claim import Kept, Training
from ..families import drawings, family, panels
from ..figures import draw
from ..figures.verdict import draw as draw_verdict
from ..instruments.contexts import contexts
from ..lab import SCHEMA, shown
from ..recipes import descent
from ..report import Experiment, is_current, refuse
from ..report import report as make_report
from .arguments import parse
from .interrupt import check
from .machine import prepare
from .tables import report
from .terminal import Column, described, field, printable


@dataclass(frozen=True)
class Options:
    """Train the networks of an experiment, probe them, judge its claims and draw its figures. What is
    finished is not repeated; the same call goes on with what was stopped.
    """

    recipe: Annotated[train.Recipe, tyro.conf.arg(name="")]
    training: Training = "floor"
    """How far networks are trained, where no flag says otherwise: shortly, with Adam; to the floor; or as
    near to it as float32 gets in minutes.
    """
    finish: int | None = None
    """Iterations of L-BFGS after the last step, in a run of their own (see `train.finish`); by default as
    many as the training has, where every prefix is seen.
    """
    out: Path | None = None
    """Run folder; by default runs/HASH, where claims look for the runs of the same recipe too."""
    fresh: bool = False
    """Forget what an earlier run of this recipe left, and do it again."""
    accept_other_bits: bool = False
    """Go on with an unfinished run although it was begun where last bits differ; the run says so ever after.
    """
    check: bool = False
    """Exit with status 1 unless every claim is tested and supported."""


def run(argv: list[str], experiment: Experiment, given: train.Recipe | None, console: Console) -> int:
    """Run the command for an experiment, on the recipe that is given for it; returns its exit status."""
    asked, recipe = options(argv, experiment, given)
    store = Path("runs") if asked.out is None else asked.out
    out = asked.out or store / recipe.hash
    if asked.fresh and not out.exists():
        console.print(printable(f"nothing to forget: {out} does not exist yet"))
    refuse(experiment, recipe)
    mention_earlier(out.parent, console)
    if asked.out is None:
        _rename(store / f"{experiment.name}-{recipe.hash}", out, console)
    prepare()
    begun = _trained(recipe, out, out / ORIGIN if asked.out else None, asked, console)
    with begun.locked():
        values = _reported(begun, experiment, store, asked.fresh, console)
    _print(values, begun.path, console)
    supported = all(v["outcome"] == "supported" for v in values["verdicts"]) and not values["refused"]
    return 1 if asked.check and not supported else 0


def options(
    argv: list[str], experiment: Experiment, given: train.Recipe | None = None
) -> tuple[Options, train.Recipe]:
    """What the command line asks for, and what that trains: the networks of the recipe given, or of the
    training asked for with their finish, as far as no flag changes them.
    """
    chosen = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    chosen.add_argument("--training", nargs="?")
    training = chosen.parse_known_args(argv)[0].training
    if given is not None and training is not None:
        raise train.RecipeError(
            "--training says how networks are trained, but so does the recipe in the file; leave out one of "
            "them"
        )
    asked_for: Training = training if training in get_args(Training) else "floor"
    recipe, finish = (given, 0) if given is not None else descent(experiment.trained(asked_for))
    plain = (tyro.conf.CascadeSubcommandArgs,)  # flags of the default kind of model, without naming it
    asked = parse(Options, argv, f"toylab run {experiment.name}", default=Options(recipe), config=plain)
    if asked.finish is not None:
        if asked.finish < 0:
            raise train.RecipeError(f"finish is {asked.finish}; it must be at least 0")
        finish = asked.finish
    elif asked.recipe.objective != "population":  # words drawn once would be learned by heart
        finish = 0
    return asked, train.finish(asked.recipe, finish) if finish else asked.recipe


def _trained(
    recipe: train.Recipe, out: Path, origin: Path | None, asked: Options, console: Console
) -> train.Run:
    """The finished run of a recipe in a folder, and before it that of the recipe that it starts from: in a
    folder of its own, or as any run of the same store.
    """
    run = train.open_run(out, recipe, fresh=asked.fresh, accept_other_bits=asked.accept_other_bits)
    start = None
    if recipe.origin is not None and not run.begun:
        first = recipe.origin.recipe
        start = _trained(first, origin or out.parent / first.hash, None, asked, console).params()
    if not run.finished:
        _train(run, start, console)
    return run


def _reported(
    begun: train.Run, experiment: Experiment, store: Path, fresh: bool, console: Console
) -> dict[str, Any]:
    """The report of a finished run, made if it is not there, and all figures."""
    with console.status("") as status:

        def announce(stage: str, progress: train.Progress | None) -> None:
            check()
            status.update(Text(printable(f"{stage} …")))

        there = (begun.path / "report.json").exists()
        current = there and is_current(_read_report(begun.path), begun, experiment)
        if not current:
            make_report(experiment, begun, store, announce, fresh=fresh)
        values = _read_report(begun.path)
        announce("drawing", None)
        draw(begun.path, drawings(family(experiment.claims[0])).overview)
        trials = experiment.trials(begun.recipe)
        for verdict in map(Kept.from_json, values["verdicts"]):
            trial = trials[verdict.claim]
            drawn = all((trial.folder(store) / f"figure.{kind}").exists() for kind in ("svg", "png"))
            if not current or not drawn:
                draw_verdict(verdict, shown(trial, store), trial.folder(store), panels())
    return values


def _rename(earlier: Path, out: Path, console: Console) -> None:
    """Runs of an experiment had its name in theirs; they are those of the recipe, which claims share."""
    if earlier.exists() and not out.exists():
        earlier.rename(out)
        console.print(printable(f"{earlier} is {out} now, so that claims find it too"), soft_wrap=True)


def mention_earlier(store: Path, console: Console) -> None:
    """Say that a store holds runs that would have to be taken over to be found: nobody shall train them again
    unknowing.
    """
    if n := earlier(store):
        told = (
            f"{store} holds {n} runs of earlier versions, which are not found by today's hashes; `toylab "
            f"migrate {store}` takes them over"
        )
        console.print(printable(told), style="yellow", soft_wrap=True)


def _train(begun: train.Run, start: toy.Params | None, console: Console) -> None:
    """Train to the end under a live display."""
    columns = (
        described(),
        BarColumn(),
        Column(lambda task: f"{task.completed}/{task.total} steps"),
        TimeRemainingColumn(compact=True),
        field("excess"),
    )
    if begun.recipe.origin is None:
        worth = contexts(begun.recipe.ground_truth(), begun.recipe.model.n_ctx).worth
        console.print(f"there are {worth:.4g} nats per token to learn from contexts")
    doing = "finishing" if begun.recipe.optimiser.name == "lbfgs" else "training"
    began = time.monotonic()
    with (
        Progress(*columns, console=console, refresh_per_second=4) as bar,
        contextlib.closing(begun.train(start)) as steps,
    ):
        task = bar.add_task(
            f"{doing} {begun.recipe.seeds} networks",
            total=begun.recipe.steps,
            excess="compiling",
        )
        for p in steps:
            check()
            told = f"loss − floor {p.excess.mean():.1e} ({p.excess.min():.1e} … {p.excess.max():.1e}) nats"
            bar.update(task, completed=p.step, excess=told)
    console.print(f"trained in {time.monotonic() - began:.0f} s")


def _read_report(folder: Path) -> dict[str, Any]:
    file = folder / "report.json"
    try:
        values = read_sealed(file)
        if (
            values["schema"] != SCHEMA
            or not all("outcome" in v for v in values["verdicts"])
            or not (values.get("layers") or values.get("subsets"))
        ):
            raise ValueError(f"schema {values['schema']}, expected {SCHEMA}")
        return values
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{file} is damaged or of another version ({error}); delete that file and call `toylab run` "
            "again to make it anew"
        ) from None


def told(folder: Path, console: Console) -> None:
    """Print the tables of a finished run, and where its figures are."""
    _print(_read_report(folder), folder, console)


def _print(values: dict[str, Any], folder: Path, console: Console) -> None:
    report(values, console)
    figures = sorted(p.stem for p in (folder / "figures").glob("*.png"))
    console.print(
        printable(f"figures in {folder / 'figures'}: {', '.join(figures)} (svg and png)"), soft_wrap=True
    )
