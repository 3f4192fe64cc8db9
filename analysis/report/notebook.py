"""A verdict as a notebook shows it: what was asked, how it ended, and every finding."""

from html import escape

from ..claim import Kept, asked_on, squared, told
from .words import SIGNS, findings, plainly

CELL = "text-align:left;padding:1px 10px 1px 0"


def html(verdict: Kept) -> str:
    """A few lines of HTML without scripts or links, for light pages and dark ones."""
    head = (
        f"<div><b>{escape(verdict.claim)}</b> on {escape(asked_on(verdict))}: "
        f"<b>{SIGNS[verdict.outcome]} {escape(told(verdict))}</b></div>"
        f"<div style='opacity:.7'>{escape(verdict.statement)}</div><div>{escape(plainly(verdict))}</div>"
    )
    columns = ("kind", "name", "must", "came", "mark")
    titles = ("", "", "must be", "came to", "")
    rows = [
        "".join(f"<td style='{CELL}'>{escape(str(getattr(row, column)))}</td>" for column in columns)
        for row in findings(verdict)
    ]
    above = "".join(f"<th style='{CELL};font-weight:normal;opacity:.6'>{title}</th>" for title in titles)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    table = f"<table style='border-collapse:collapse'><tr>{above}</tr>{body}</table>"
    return squared(f"<div>{head}{table}</div>")
