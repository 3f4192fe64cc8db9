"""What is too large to be printed, as a prompt and a notebook show it: what it is of, and how large."""

from collections.abc import Mapping
from html import escape

Facts = Mapping[str, str]
"""What is said of a value, by name."""
CELL = "text-align:left;font-weight:normal;padding:1px 10px 1px 0"


def line(title: str, facts: Facts) -> str:
    """A title and what is said, in angle brackets."""
    return f"<{title}: {'; '.join(f'{name} {value}' for name, value in facts.items())}>"


def html(title: str, facts: Facts) -> str:
    """The same as a few lines of HTML without scripts or links, for light pages and dark ones."""
    rows = "".join(
        f"<tr><th style='{CELL};opacity:.6'>{escape(name)}</th><td style='{CELL}'>{escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    return f"<div><b>{escape(title)}</b><table style='border-collapse:collapse'>{rows}</table></div>"
