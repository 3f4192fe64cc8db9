"""What is written to a terminal: data as they are, never as markup, in whatever letters the terminal has."""

import codecs
import io
import os
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import ProgressColumn, Task
from rich.text import Text

NARROWEST = 40
WIDTH = 120
"""Of output that goes to no terminal: it fits the tables."""
PLAIN = {"²": "2", "±": "+-", "–": "-", "−": "-", "…": "..", "·": "|", "✓": "yes", "✗": "no", "≤": "<="}
"""Our own signs where they cannot be written; other letters become Python escapes."""


def consoles() -> tuple[Console, Console]:
    """Standard output and standard error. Neither reads markup or emoji codes, so that a name like `[b]` or
    `:x:` is shown as it is.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("_", "-") not in (
            "utf-8",
            "utf8",
        ):
            stream.reconfigure(errors="toylab")
    asked = os.environ.get("COLUMNS", "")
    width = (
        max(NARROWEST, int(asked))
        if asked.isdecimal() and int(asked)
        else None
        if sys.stdout.isatty()
        else WIDTH
    )
    out = Console(width=width, markup=False, emoji=False, highlight=False)
    return out, Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)


def printable(value: Any) -> Any:
    """Plain values whose strings have Python escapes in place of what is no visible letter: newlines, control
    characters, surrogates.
    """
    if isinstance(value, str):
        return "".join(
            c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in value
        )
    if isinstance(value, dict):
        return {printable(k): printable(v) for k, v in value.items()}
    return [printable(v) for v in value] if isinstance(value, list | tuple) else value


class Column(ProgressColumn):
    """A column of a progress display that shows some text of a task (rich's own reads markup in it)."""

    def __init__(self, text: Callable[[Task], str], style: str = ""):
        super().__init__()
        self.text, self.style = text, style

    def render(self, task: Task) -> Text:
        """The text, as it is."""
        return Text(printable(self.text(task)), style=self.style)


def described() -> Column:
    """The task's description, in bold."""
    return Column(lambda task: task.description, "bold")


def field(name: str) -> Column:
    """One of a task's own fields."""
    return Column(lambda task: str(task.fields[name]))


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in letters), error.end


codecs.register_error("toylab", _plain)
