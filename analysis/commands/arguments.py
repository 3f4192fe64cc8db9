"""What a command line asks for: tyro reads it, and what tyro refuses is said in one sentence in place of its
box of several lines.
"""

import contextlib
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tyro

from .terminal import printable


class Refused(Exception):
    """Bad input, put into one sentence."""


def finished(folder: Path) -> Path:
    """A folder of a finished run. Raises `Refused` if it is none."""
    if (folder / "report.json").exists():
        return folder
    recipe = f" {folder}/recipe.json" if (folder / "recipe.json").exists() else ""
    raise Refused(f"there is no finished run in {folder} (no report.json); `toylab run{recipe}` makes one")


def parse(kind: Any, argv: Sequence[str], prog: str, **how: Any) -> Any:
    """An object of this kind as the arguments describe it; `how` goes on to `tyro.cli`.

    --help is printed and raises SystemExit(0). Raises `Refused`.
    """
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            return tyro.cli(kind, args=list(argv), prog=prog, **how)
    except SystemExit as end:
        if not end.code:
            raise
    raise Refused(printable(_sentence(_box(kind, argv, prog, how), prog)))


def _box(kind: Any, argv: Sequence[str], prog: str, how: dict[str, Any]) -> list[str]:
    """The rows of tyro's box around what it refuses, as wide as they are, and without a frame because no
    terminal is there.
    """
    box, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "1000000"
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(box),
            contextlib.suppress(SystemExit),
        ):
            tyro.cli(kind, args=list(argv), prog=prog, **how)
    finally:
        del os.environ["COLUMNS"]
        if columns is not None:
            os.environ["COLUMNS"] = columns
    return [row[2:].rstrip() for row in box.getvalue().splitlines()[2:]]  # after its title and a line


def _sentence(rows: Sequence[str], prog: str) -> str:
    """Its message, what may have been meant, and where the help is. Words that are not known are passed on as
    they are.
    """
    end = next((k for k, row in enumerate(rows) if re.fullmatch("-{3,}", row)), len(rows))
    told, more = " ".join(row.strip() for row in rows[:end] if row), rows[end:]
    helped = f"`{prog} --help` says more"
    if found := re.fullmatch(r"Error parsing (\S+): (?:.*(int\(\)|float).*: )?(.*)", told):
        where, number, what = found.groups()
        if number:
            return f"{where} is {what}, which is no {'whole ' if number == 'int()' else ''}number; {helped}"
        return (
            f"{where}: {what}; {helped}" if where.startswith("-") else what
        )  # our own words, with their remedy
    if found := re.fullmatch(r"invalid choice (.*) for argument '(.*)'\. Expected one of \((.*)\)\.", told):
        value, where, choices = found.groups()
        return f"{where} is {value}; it must be one of {choices.replace(chr(39), '').rstrip(',')}"
    if found := re.match(r"Missing value for argument '(.*)'\.", told):
        return f"{found[1]} is given no value; {helped}"
    if found := re.fullmatch("Missing from (.*):", rows[0]):
        flags = ", ".join(row.split()[0] for row in rows[:end] if re.match(" {4}-", row))
        meaning = (
            " ".join(row.strip() for row in rows[:end] if row.startswith(" " * 8))
            .removesuffix("(required)")
            .rstrip(" .")
        )
        return f"`{found[1]}` lacks {flags or f'an argument ({meaning})'}; `{found[1]} --help` says more"
    if told.startswith("Unrecognized"):
        what = _unknown(told, more)
        return f"`{prog}` {what} ({helped})" if what.endswith("?") else f"`{prog}` {what}; {helped}"
    return f"{told.rstrip('.')}; {helped}"


def _unknown(told: str, more: Sequence[str]) -> str:
    """What is not known, and the flags or kinds of model that are nearest to it."""
    given = re.findall(r"(\S+) \(applied to", told) or told.partition(": ")[2].split(", ")
    flags = [word for word in given if word.startswith("-")]
    near = list(dict.fromkeys(row.split()[0].rstrip(",") for row in more if re.match(" {4}-", row)))
    kinds = re.findall(
        r"[\w-]+:[\w-]+", next((row for row in more if row.startswith("Available subcommands")), "")
    )
    if "misplaced" in told:
        after = dict.fromkeys(
            kind for kind in kinds if any(re.match(rf" +in .* {kind} ", row) for row in more)
        )
        return (
            f"takes {', '.join(flags)} only after {' or '.join(after) or 'the kind of model it belongs to'}"
        )
    meant = near if flags else kinds if ":" in given[0] else []
    return f"does not know {', '.join(flags or given)}" + (
        f"; did you mean {' or '.join(meant)}?" if meant else ""
    )
