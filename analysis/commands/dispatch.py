"""The commands of the command line. Imports JAX only where networks are involved."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import processes

from .arguments import Refused
from .interrupt import working
from .refusal import one_sentence
from .terminal import consoles, printable

if TYPE_CHECKING:
    from train import Recipe

    from ..report import Experiment

BAD_INPUT = 2


def main(argv: list[str]) -> int:
    """Run one command; returns its exit status. Bad input prints one sentence and returns 2."""
    console, errors = consoles()
    for library in ("absl", "matplotlib"):  # what they log is about their own folders and caches
        logging.getLogger(library).setLevel(logging.ERROR)
    try:
        status = _command(argv, console)
        console.file.flush()
        return status
    except Refused as error:
        errors.print(f"toylab: {printable(str(error))}")
        return BAD_INPUT
    except BrokenPipeError:  # whoever read our output has read enough
        _hush()
        return 0
    except (
        OSError
    ) as error:  # of the output alone: what is about files was put into a sentence where it happened
        _hush()
        errors.print(f"toylab: cannot write the output: {error.strerror or error}; send it somewhere else")
        return BAD_INPUT


def _hush() -> None:
    """Let what is still to be written vanish, so that the interpreter does not try again on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _command(argv: list[str], console: Console) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        console.print("usage: toylab COMMAND ...   (toylab COMMAND --help for its options)\n")
        for name, command in COMMANDS.items():
            console.print(f"  {name:<11}{(command.__doc__ or '').partition(chr(10))[0]}")
        return 0
    if argv == ["--version"]:
        from toylab import __version__

        console.print(f"toylab {__version__}", highlight=False)
        return 0
    if argv[0] not in COMMANDS:
        raise Refused(f"there is no command {argv[0]!r}; it is one of {', '.join(COMMANDS)}")
    return COMMANDS[argv[0]](argv[1:], console)


def _list(argv: list[str], console: Console) -> int:
    """Experiments, claims and processes, one line each."""
    from .listing import listing

    return listing(argv, console)


def _process(argv: list[str], console: Console) -> int:
    """Ground-truth card of a process: matrices, entropies, mixed states, loss floor."""
    from .process import process

    return process(argv, console)


def _new(argv: list[str], console: Console) -> int:
    """A file of a process of your own, to be changed and run."""
    from .new import new

    return new(argv, console)


def _show(argv: list[str], console: Console) -> int:
    """Table of a finished run, and where its figures are."""
    from .show import show

    with one_sentence():
        return show(argv, console)


def _report(argv: list[str], console: Console) -> int:
    """A run, a claim, a store or the published results as one page, in a file of its own."""
    with one_sentence():
        from .report import report

        with working():
            return report(argv, console)


def _figure(argv: list[str], console: Console) -> int:
    """A figure of a run or a verdict for a paper or a talk, with its caption."""
    with one_sentence():
        from .figure import figure

        with working():
            return figure(argv, console)


def _run(argv: list[str], console: Console) -> int:
    """Train an experiment's networks, probe them, judge its claims, draw its figures."""
    with one_sentence():
        name = _experiment(
            "run NAME ...   (toylab run NAME --help for every field of its recipe)", argv, console
        )
        if name is None:
            return 0 if argv else BAD_INPUT
        from .run import run

        with working():
            return run(argv[1:], *name, console)


def _prove(argv: list[str], console: Console) -> int:
    """Whether networks keep to a bound after every prefix: proved, refuted or undecided."""
    with one_sentence():
        from .prove import prove

        with working():
            return prove(argv, console)


def _ablate(argv: list[str], console: Console) -> int:
    """What networks lose without their parts, beside what is exact of that."""
    with one_sentence():
        from .ablate import ablate

        with working():
            return ablate(argv, console)


def _identify(argv: list[str], console: Console) -> int:
    """Which of some processes a network was trained on, by its activations alone."""
    with one_sentence():
        from .identify import identify

        with working():
            return identify(argv, console)


def _export(argv: list[str], console: Console) -> int:
    """Weights of one network as safetensors, under the names of TransformerLens."""
    with one_sentence():
        from .export import export

        return export(argv, console)


def _claims(argv: list[str], console: Console) -> int:
    """All claims with their latest verdicts."""
    with one_sentence():
        from .claims import claims

        return claims(argv, console)


def _claim(argv: list[str], console: Console) -> int:
    """Test one claim: on its own processes, on yours, or on random ones."""
    with one_sentence():
        from .claims import claim

        with working():
            return claim(argv, console)


def _reproduce(argv: list[str], console: Console) -> int:
    """Test all claims; resumable."""
    with one_sentence():
        from .claims import reproduce

        with working():
            return reproduce(argv, console)


def _migrate(argv: list[str], console: Console) -> int:
    """Take over runs and verdicts of earlier versions, so that they are found again."""
    with one_sentence():
        from .migrate import migrate

        with working():
            return migrate(argv, console)


def _clean(argv: list[str], console: Console) -> int:
    """What a store holds, and what of it nobody needs; frees that if asked to."""
    with one_sentence():
        from .clean import clean

        return clean(argv, console)


def _sweep(argv: list[str], console: Console) -> int:
    """Train a recipe in every combination of some values; one tidy table of results."""
    with one_sentence():
        name = _experiment(
            "sweep NAME --over FIELD=VALUE,VALUE,... ...   (toylab sweep NAME --help for everything)",
            argv,
            console,
        )
        if name is None:
            return 0 if argv else BAD_INPUT
        from .sweep import sweep

        with working():
            return sweep(argv[1:], *name, console)


def _merge(argv: list[str], console: Console) -> int:
    """One table out of those of a sweep's shards."""
    with one_sentence():
        from .merge import merge

        return merge(argv, console)


def _completion(argv: list[str], console: Console) -> int:
    """What makes a shell complete commands, flags and names."""
    from .completion import completion

    return completion(argv, COMMANDS)


def _experiment(usage: str, argv: list[str], console: Console) -> "tuple[Experiment, Recipe | None] | None":
    """The experiment that comes first in the arguments, or that on the process there, or on that of the
    recipe in the file there, with that recipe; none, and the list of them, if nothing or help is asked for.
    """
    from . import recipe_file
    from .listing import contents

    known = {e["name"]: e["question"] for e in contents()["experiments"]}
    if argv and argv[0] not in ("-h", "--help"):
        try:
            if recipe_file.is_recipe(argv[0]):
                from ..report import experiment

                recipe = recipe_file.read(Path(argv[0]))
                return experiment(recipe.process), recipe
            if argv[0] not in known:
                processes.named(argv[0])  # refused before JAX is imported
            from ..report import experiment

            return experiment(argv[0]), None
        except processes.ProcessError as reason:
            names = ", ".join(known)
            raise Refused(f"there is no experiment {argv[0]!r} (there are {names}); {reason}") from None
    console.print(f"usage: toylab {usage}\n")
    for name, question in known.items():
        console.print(f"  {name:<9}{question}")
    console.print("  or any process, by name, expression or file: whether networks hold its beliefs")
    console.print("  or the file of a recipe, as the recipe.json of a run: the same of its networks")
    return None


COMMANDS: dict[str, Callable[[list[str], Console], int]] = {
    "list": _list,
    "process": _process,
    "new": _new,
    "run": _run,
    "sweep": _sweep,
    "merge": _merge,
    "show": _show,
    "report": _report,
    "figure": _figure,
    "prove": _prove,
    "ablate": _ablate,
    "identify": _identify,
    "export": _export,
    "claims": _claims,
    "claim": _claim,
    "reproduce": _reproduce,
    "clean": _clean,
    "migrate": _migrate,
    "completion": _completion,
}
