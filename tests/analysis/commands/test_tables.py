"""The tables of a report as terminals of some width show them."""

import io
import math
from dataclasses import replace

import pytest
from rich.console import Console
from test_shown import verdict

from analysis.claim import Finding
from analysis.commands import tables
from analysis.instruments.statistics import Interval

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


COUNTED = Finding(
    *("left to learn", -math.inf, 0.0001, "nearly all", "", True, (0.562, 0.767), Interval(0.66, -1.0, 2.3)),
    share=Interval(0.0, 0.0, 0.9209),
    state="fails",
)
MEAN = replace(COUNTED, name="R2", over="mean", state="open", values=(0.3, 0.5), share=None)
UNDECIDED = replace(
    verdict("BG1"),
    **{"outcome": "undecided", "reason": "R2", "needed": 179, "networks": 2},
    criteria=(replace(MEAN, interval=Interval(0.4, -0.8, 1.6)),),
    controls=(COUNTED,),
)


def test_networks_that_are_counted_are_a_count():
    _, rows = printed(tables.verdicts, [UNDECIDED], 200)
    told = {row[1]: row[2] for row in rows}
    assert told["control: left to learn"] == "0 of 2 networks [share 0.0000, 0.9209]"
    assert told["R2"] == "0.4000 [-0.8000, 1.6000]"


@pytest.mark.parametrize("networks", [2, 8])
def test_two_networks_do_not_tell_how_many_would_decide(networks):
    out, _ = printed(tables.verdicts, [replace(UNDECIDED, networks=networks)], 200)
    assert ("undecided (179 networks would decide)" in out) == (networks == 8) and "undecided" in out
