"""The command line: `toylab list | process | run | sweep | show | claims | claim | reproduce`. Imports JAX only where networks are involved."""

import contextlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.text import Text
from tyro.conf import Positional

import processes

INTERRUPTED = 130  # what shells expect after Ctrl-C
BAD_INPUT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status. Bad input prints one sentence and returns 2."""
    argv = list(sys.argv[1:] if argv is None else argv)
    # Piped output gets a fixed width that fits the tables, instead of the 80 columns assumed where there is no terminal.
    console, errors = (
        Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120),
        Console(stderr=True, soft_wrap=True, highlight=False),
    )
    if not argv or argv[0] in ("-h", "--help"):
        console.print("usage: toylab COMMAND ...   (toylab COMMAND --help for its options)\n")
        for name, command in COMMANDS.items():
            console.print(f"  {name:<11}{(command.__doc__ or '').splitlines()[0]}")
        return 0
    if argv[0] not in COMMANDS:
        errors.print(f"toylab: there is no command {argv[0]!r}; it is one of {', '.join(COMMANDS)}", markup=False)
        return BAD_INPUT
    try:
        return COMMANDS[argv[0]](argv[1:], console)
    except _Refused as error:
        errors.print(f"toylab: {error}", markup=False)
        return BAD_INPUT
    except BrokenPipeError:  # whoever read our output has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        errors.print("toylab: stopped; the same command goes on from here")
        return INTERRUPTED


class _Refused(Exception):
    """Bad input, already put into one sentence."""


def _list(argv: list[str], console: Console) -> int:
    """Experiments, claims and processes, one line each."""
    if argv:
        raise _Refused(f"`toylab list` takes no arguments, but was given {argv[0]!r}; call it alone")
    from .claims import CLAIMS
    from .experiment import EXPERIMENTS

    console.print("experiments  (toylab run NAME)", style="bold")
    for e in EXPERIMENTS.values():
        console.print(f"  {e.name:<18}{e.question}", highlight=False)
    console.print("claims", style="bold")
    for c in CLAIMS.values():
        console.print(f"  {c.id:<18}{c.statement}  [dim]{c.source}", highlight=False)
    console.print("processes  (toylab process NAME)", style="bold")
    for name, entry in processes.CATALOGUE.items():
        sets = "; ".join(f"{label}: {written}" for label, written in entry.sets.items())
        console.print(Text(f"  {name:<18}{entry.summary}  ").append(sets, style="dim"))
    return 0


@dataclass(frozen=True)
class _Card:
    """Print the ground-truth card of a process."""

    name: Positional[str]
    """NAME, NAME:published_set, or "NAME(parameter=value, ...)"."""
    json: bool = False
    """Print machine-readable JSON instead."""
    n_ctx: int = 10
    """Context length up to which h(L) and the loss floor are listed."""
    figure: Path | None = None
    """Also draw its mixed states, state graph and h(L) into this .png or .svg file."""


def _process(argv: list[str], console: Console) -> int:
    """Ground-truth card of a process: matrices, entropies, mixed states, loss floor."""
    asked = tyro.cli(_Card, args=argv, prog="toylab process")
    with _one_sentence():
        if asked.n_ctx < 1:
            raise processes.ProcessError(f"n_ctx is {asked.n_ctx}; it must be at least 1")
        if (made := processes.constraints.written_question(asked.name)) is not None:
            return _print_question(made, asked, console)
        process = processes.named(asked.name)
        if asked.figure is not None:
            from .figures.process import save_portrait

            save_portrait(process, asked.figure)
        values = processes.card(process, n_ctx=asked.n_ctx)
    if asked.json:
        print(json.dumps(values, indent=2))
    else:
        from .show import card

        card(values, console)
    return 0


def _print_question(made: processes.constraints.Question, asked: _Card, console: Console) -> int:
    if asked.figure is not None:
        raise processes.ProcessError(f"{made.name} has no mixed states to draw; leave out --figure")
    if asked.json:
        print(json.dumps(made.card(), indent=2))
        return 0
    for name, value in made.card().items():
        console.print(f"  {name:<40}{value if isinstance(value, str | int) else f'{value:.6f}'}", highlight=False, markup=False)
    return 0


@dataclass(frozen=True)
class _Folder:
    """Print the table of a finished run again."""

    folder: Positional[Path]
    """A run folder, as `toylab run` made it."""


def _show(argv: list[str], console: Console) -> int:
    """Table of a finished run, and where its figures are."""
    folder = tyro.cli(_Folder, args=argv, prog="toylab show").folder
    with _one_sentence():
        values = _read_report(folder)
    _print_report(values, folder, console)
    return 0


def _run(argv: list[str], console: Console) -> int:
    """Train an experiment's networks, probe them, judge its claims, draw its figures."""
    with _one_sentence():
        import jax

        import train

        from .experiment import EXPERIMENTS, analyse, is_current, refuse

    @dataclass(frozen=True)
    class Options:
        """How to run it."""

        recipe: Annotated[train.Recipe, tyro.conf.arg(name="")]
        out: Path | None = None
        """Run folder; runs/NAME-HASH by default, so that the same recipe finds its finished run again."""
        fresh: bool = False
        """Forget what an earlier run of this recipe left, and do it again."""
        accept_other_bits: bool = False
        """Go on with an unfinished run although it was begun where last bits differ; the run says so ever after."""
        check: bool = False
        """Exit with status 1 unless every claim is tested and supported."""

    if not argv or argv[0] not in EXPERIMENTS:
        if argv and argv[0] not in ("-h", "--help"):
            raise _Refused(f"there is no experiment {argv[0]!r}; it is one of {', '.join(EXPERIMENTS)}")
        console.print("usage: toylab run NAME ...   (toylab run NAME --help for every field of its recipe)\n")
        for e in EXPERIMENTS.values():
            console.print(f"  {e.name:<9}{e.question}", highlight=False)
        return 0 if argv else BAD_INPUT
    experiment = EXPERIMENTS[argv[0]]
    logging.getLogger("absl").setLevel(logging.ERROR)
    with _one_sentence():
        asked = tyro.cli(
            Options,
            args=argv[1:],
            prog=f"toylab run {experiment.name}",
            default=Options(experiment.recipe),
            config=(tyro.conf.CascadeSubcommandArgs,),
        )
        recipe, out = asked.recipe, asked.out or Path("runs") / f"{experiment.name}-{asked.recipe.hash}"
        if asked.fresh and not out.exists():
            console.print(f"nothing to forget: {out} does not exist yet", markup=False)
        refuse(experiment, recipe)  # what cannot be measured is refused before it is trained
        train.use_all_cores()
        run = train.open_run(out, recipe, fresh=asked.fresh, accept_other_bits=asked.accept_other_bits)
        jax.config.update("jax_compilation_cache_dir", str(train.program_cache()))
        if not run.finished:
            _train(run, console)
        with run.locked():
            if not (run.path / "report.json").exists() or not is_current(_read_report(run.path), run, experiment):
                with console.status("") as status:
                    analyse(run, experiment, lambda stage: status.update(f"{stage} …"))
            values = _read_report(run.path)
            _draw(run.path, console)
    _print_report(values, run.path, console)
    supported = all(v["outcome"] == "supported" for v in values["verdicts"]) and not values["refused"]
    return 1 if asked.check and not supported else 0


def _claims(argv: list[str], console: Console) -> int:
    """All claims with their latest verdicts."""
    from .claim_commands import claims

    with _one_sentence():
        return claims(argv, console)


def _claim(argv: list[str], console: Console) -> int:
    """Test one claim: on its own processes, on yours, or on random ones."""
    logging.getLogger("absl").setLevel(logging.ERROR)
    from .claim_commands import claim

    with _one_sentence():
        return claim(argv, console)


def _reproduce(argv: list[str], console: Console) -> int:
    """Test all claims; resumable."""
    logging.getLogger("absl").setLevel(logging.ERROR)
    from .claim_commands import reproduce

    with _one_sentence():
        return reproduce(argv, console)


def _sweep(argv: list[str], console: Console) -> int:
    """Train a recipe in every combination of some values; one tidy table of results."""
    with _one_sentence():
        from .experiment import EXPERIMENTS
        from .sweep_command import sweep
    if not argv or argv[0] not in EXPERIMENTS:
        if argv and argv[0] not in ("-h", "--help"):
            raise _Refused(f"there is no experiment {argv[0]!r}; it is one of {', '.join(EXPERIMENTS)}")
        console.print("usage: toylab sweep NAME --over FIELD=VALUE,VALUE,... ...   (toylab sweep NAME --help for everything)\n")
        for e in EXPERIMENTS.values():
            console.print(f"  {e.name:<9}{e.question}", highlight=False)
        return 0 if argv else BAD_INPUT
    logging.getLogger("absl").setLevel(logging.ERROR)
    with _one_sentence():
        return sweep(argv[1:], EXPERIMENTS[argv[0]], console)


def _train(run: Any, console: Console) -> None:
    """Train to the end under a live display."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} steps"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[excess]}"),
    )
    begun = time.monotonic()
    with Progress(*columns, console=console, refresh_per_second=4) as bar, contextlib.closing(run.train()) as steps:
        task = bar.add_task(f"training {run.recipe.seeds} networks", total=run.recipe.steps, excess="compiling")
        for p in steps:
            shown = f"loss − floor {p.excess.mean():.1e} ({p.excess.min():.1e} … {p.excess.max():.1e}) nats"
            bar.update(task, completed=p.step, excess=shown)
    console.print(f"trained in {time.monotonic() - begun:.0f} s")


def _draw(folder: Path, console: Console) -> None:
    from .figures import draw

    with console.status("drawing …"):
        draw(folder)


def _read_report(folder: Path) -> dict[str, Any]:
    from train.folder import RunError, read_sealed

    from .show import SCHEMA

    file = folder / "report.json"
    if not file.exists():
        raise RunError(f"there is no finished run in {folder} (no report.json); `toylab run` makes one")
    try:
        values = read_sealed(file)
        if values["schema"] != SCHEMA or not all("outcome" in v for v in values["verdicts"]) or not (values.get("layers") or values.get("subsets")):
            raise ValueError(f"schema {values['schema']}, expected {SCHEMA}")
        return values
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{file} is damaged or of another version ({error}); delete that file and call `toylab run` again to make it anew") from None


def _print_report(values: dict[str, Any], folder: Path, console: Console) -> None:
    from .show import report

    report(values, console)
    figures = sorted(p.relative_to(folder) for p in (folder / "figures").glob("*.png"))
    console.print(
        f"figures in {folder / 'figures'}: {', '.join(p.stem for p in figures)} (svg and png)", highlight=False, soft_wrap=True, markup=False
    )


@contextlib.contextmanager
def _one_sentence():
    """Turn the errors that our rooms raise on bad input into one sentence without a traceback."""
    try:
        yield
    except ValueError as error:
        # By name: importing the rooms that define the others would import JAX.
        if type(error).__name__ in ("ProcessError", "RecipeError", "ModelError", "RunError", "Busy", "ClaimError"):
            raise _Refused(str(error)) from None
        raise
    except OSError as error:
        raise _Refused(
            f"cannot write or read {error.filename or error}: {error.strerror or 'failed'}; free some space, or choose another folder with --out"
        ) from None


COMMANDS: dict[str, Callable[[list[str], Console], int]] = {
    "list": _list,
    "process": _process,
    "run": _run,
    "sweep": _sweep,
    "show": _show,
    "claims": _claims,
    "claim": _claim,
    "reproduce": _reproduce,
}


def entry() -> None:
    """The console script. A batch system's SIGTERM stops it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())


if __name__ == "__main__":
    entry()
