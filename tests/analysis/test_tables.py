"""The tables of a report as terminals of some width show them."""

import io

import pytest
from rich.console import Console

from analysis.commands import tables

SITES = [f"blocks.{i}.resid_post" for i in range(4)]
SPAN = {"r2": [0.3415, 0.9817], "r2_in_sample": [0.4, 0.99], "rmse": [0.0613, 0.5155]}
LAYER = {
    "trained": SPAN | {"gain_over_token_window": [-0.69, 0.12]},
    "untrained": SPAN,
    "shuffled": {"low": -0.186, "high": 0.029},
}
REPORT = {
    "layers": [{"features": name} | LAYER for name in (*SITES, "concatenated")],
    "baselines": {"token_window": {"r2": 0.61, "r2_in_sample": 0.765, "rmse": 0.473}},
}


def printed(show, values, width):
    """The lines of a table, and their cells."""
    console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
    show(values, console)
    out = console.file.getvalue()
    assert max(map(len, out.splitlines())) <= width
    return out, [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "│" in line]


@pytest.mark.parametrize(("width", "left_out"), [(60, 4), (80, 2), (120, 0)])
def test_rows_of_the_layers_can_be_told_apart(width, left_out):
    out, rows = printed(tables._layers, REPORT, width)
    names = [*SITES, "concatenated", "token window (no network)"]
    assert [row[0] for row in rows if row[0]] == names
    assert len(rows[0]) == 7 - left_out and "…" not in out
    assert (f"({', '.join(tables.SPARED[:left_out])}: in " in out) == bool(left_out)
    whole = " ".join(row[1] for row in rows[:2])
    assert "0.342 – 0.982" in whole  # no number is broken
