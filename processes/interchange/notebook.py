"""A process as a notebook shows it: its name, how large it is, and its transition matrices, shaded; and its
mixed states, with where each symbol leads.
"""

from html import escape

import numpy as np

from ..process import Process
from ..structure.mixed_states import MixedStates

MOST_SYMBOLS, MOST_STATES = 6, 8
"""Matrices of more symbols or states are not written out."""
MOST_MIXED = 20
"""Mixed states that are written out."""
CELL = "padding:1px 6px"
HEAD = f"{CELL};font-weight:normal;opacity:.6"


def html(process: Process) -> str:
    """A few lines of HTML without scripts or links, for light pages and dark ones; nothing is worked out."""
    kind = "" if process.kind == "hmm" else ", generalised HMM"
    start = "" if process.is_stationary else ", does not start stationary"
    size = f"{_number(process.vocab, 'symbol')}, {_number(process.n_states, 'state')}{kind}{start}"
    title = f"<div><b>{escape(process.name)}</b> <span style='opacity:.7'>{size}</span></div>"
    if process.vocab > MOST_SYMBOLS or process.n_states > MOST_STATES:
        return f"<div>{title}</div>"
    names = [escape(name if len(name) < 9 else f"{name[:7]}..") for name in process.states]
    rows = [_row("start", [""], names, process.start[None])] if not process.is_stationary else []
    rows += [_row(f"T[{x}]", names, names, A) for x, A in enumerate(process.T)]
    tables = "".join(
        f"<div style='display:inline-block;vertical-align:top;margin:4px 12px 4px 0'>{row}</div>"
        for row in rows
    )
    return f"<div>{title}{tables}</div>"


def html_of_states(found: MixedStates) -> str:
    """Mixed states, in order of discovery: the belief that each is, and after each symbol, with its
    probability, the number of the next. Transient ones are pale.
    """
    process, recurrent = found.process, found.recurrent
    lasting = f"{_number(int(recurrent.sum()), 'recurrent one')}"
    title = (
        f"<div><b>{escape(process.name)}</b> <span style='opacity:.7'>"
        f"{_number(len(found), 'mixed state')}, {lasting}, "
        f"{_number(len(found.causal_distribution), 'causal state')}</span></div>"
    )
    if process.vocab > MOST_SYMBOLS or process.n_states > MOST_STATES:
        return f"<div>{title}</div>"
    names = ["", *map(escape, process.states), *(f"after {x}" for x in range(process.vocab))]
    head = "".join(f"<th style='{HEAD}'>{name}</th>" for name in names)
    rows = []
    for m in range(min(len(found), MOST_MIXED)):
        cells = "".join(map(_cell, found.belief[m]))
        for to, p in zip(found.next[m].tolist(), found.probability[m].tolist(), strict=True):
            cells += f"<td style='{CELL}'>{f'{to} ({p:.4g})' if to >= 0 else '&middot;'}</td>"
        pale = "" if recurrent[m] else " style='opacity:.6'"
        rows.append(f"<tr{pale}><th style='{HEAD}'>{m}</th>{cells}</tr>")
    table = f"<table style='border-collapse:collapse;text-align:right'><tr>{head}</tr>{''.join(rows)}</table>"
    rest = len(found) - len(rows)
    return f"<div>{title}{table}{f'<div>and {rest} more</div>' if rest > 0 else ''}</div>"


def _row(title: str, left: list[str], above: list[str], values: np.ndarray) -> str:
    """One matrix with the names of its states."""
    head = "".join(f"<th style='{HEAD}'>{name}</th>" for name in [title, *above])
    body = "".join(
        f"<tr><th style='{HEAD}'>{name}</th>{''.join(map(_cell, row))}</tr>"
        for name, row in zip(left, values, strict=True)
    )
    return f"<table style='border-collapse:collapse;text-align:right'><tr>{head}</tr>{body}</table>"


def _cell(value: float) -> str:
    """A number on a ground that is the darker the larger it is; zeros are dots."""
    if value == 0:
        return f"<td style='{CELL};opacity:.4'>&middot;</td>"
    colour = "0,114,178" if value > 0 else "213,94,0"
    shade = 0.08 + 0.42 * min(abs(float(value)), 1.0)
    return f"<td style='{CELL};background:rgba({colour},{shade:.2f})'>{value:.4g}</td>"


def _number(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"
