"""What a figure draws can be had as numbers, and a notebook shows what a cell ends with."""

import csv
import sys
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from test_shown import verdict

import processes
import train
from analysis.belief_geometry.panels import overview
from analysis.commands.main import main
from analysis.figures import data, forest
from analysis.figures.portrait import portrait
from analysis.figures.record import Record
from analysis.figures.style import style
from analysis.report.words import findings
from benchmarks.work import FEW
from train.machine import bar

from .test_paper import run_folder


class WellFormed(HTMLParser):
    """Raises where tags do not match; `text` is what a reader sees."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text = [], ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        assert tag != "script"
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += f" {data}"


def rows(fig, **wanted):
    """Points of a figure's data where the columns have these values: x, y, low."""
    of = data(fig)
    keep = np.all([of[name] == value for name, value in wanted.items()], axis=0)
    return np.stack([of["x"], of["y"], of["low"]], 1)[keep]


def test_numbers_that_went_in_come_out():
    """A planted figure with one of everything that our figures are made of."""
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 7))
    fig = Figure()
    left, right = fig.subplots(1, 2)
    left.set_label("left")
    left.plot(x, y, label="curve")
    left.plot(x, z, "o", label="points")
    left.axhline(0.25, label="asked")
    left.axvline(0.75, label="asked here")
    left.axvspan(0, 1)
    left.plot([1, 2], [3, 4], visible=False, label="hidden")
    right.set_title("of\nmore")
    right.scatter(y, z, label="cloud")
    right.fill_between(np.arange(7), y, z, label="between")
    right.bar([1, 2], [3, 4], bottom=1, label="upright")
    right.barh([1, 2], [3, 4], left=0.5, label="lying")
    right.inset_axes((0, 0, 0.2, 0.2)).plot(z, x, label="inside")
    nothing = np.full(7, np.nan)
    np.testing.assert_array_equal(
        rows(fig, panel="left", series="curve", mark="line"), np.stack([x, y, nothing], 1)
    )
    np.testing.assert_array_equal(rows(fig, series="points", mark="dots"), np.stack([x, z, nothing], 1))
    np.testing.assert_array_equal(rows(fig, series="asked"), [[np.nan, 0.25, np.nan]])
    np.testing.assert_array_equal(rows(fig, series="asked here"), [[0.75, np.nan, np.nan]])
    np.testing.assert_array_equal(rows(fig, panel="of more", series="cloud"), np.stack([y, z, nothing], 1))
    band = np.stack([np.arange(7), np.maximum(y, z), np.minimum(y, z)], 1)
    np.testing.assert_allclose(rows(fig, series="between", mark="band"), band)
    np.testing.assert_allclose(rows(fig, series="upright", mark="bar"), [[1, 4, 1], [2, 5, 1]])
    np.testing.assert_allclose(rows(fig, series="lying", mark="bar"), [[3.5, 1, 0.5], [4.5, 2, 0.5]])
    np.testing.assert_array_equal(rows(fig, series="inside"), np.stack([z, x, nothing], 1))
    assert not len(rows(fig, series="hidden"))


def test_a_figure_without_anything_has_no_rows():
    assert {name: len(column) for name, column in data(Figure()).items()} == dict.fromkeys(
        ("panel", "series", "mark", "x", "y", "low"), 0
    )


def test_every_network_of_a_forest_is_in_its_data():
    with style():
        fig = Figure(figsize=(3.4, 4))
        forest(fig.subplots(), verdict("BG1", 0.7, ["held-out R2", "other"]))
    assert len(rows(fig, panel="held-out R²", mark="dots")) >= 3
    np.testing.assert_allclose(rows(fig, panel="held-out R²", mark="dots")[:3, 0], 0.7)


@pytest.mark.thorough
def test_the_command_writes_what_is_drawn(tmp_path, capsys):
    folder = tmp_path / "run"
    folder.mkdir()
    run_folder(folder)
    assert main(["figure", str(folder), "-o", str(tmp_path / "layers.csv"), "--panel", "layers"]) == 0
    with (tmp_path / "layers.csv").open() as text:
        there = list(csv.DictReader(text))
    fig = overview(Record(folder))["layers"](Record(folder))
    of = data(fig)
    assert [row["series"] for row in there] == of["series"].tolist() and len(there) > 10
    np.testing.assert_array_equal([float(row["y"] or "nan") for row in there], of["y"])
    assert not (tmp_path / "layers.tex").exists()
    assert f"{len(there)} points" in capsys.readouterr().out
    assert main(["figure", str(folder), "-o", str(tmp_path / "layers.txt")]) == 2
    assert ".csv" in capsys.readouterr().err


@pytest.mark.thorough
def test_a_figure_of_ours_shows_itself():
    png = portrait(processes.named("even"))._repr_png_()
    assert png.startswith(b"\x89PNG") and len(png) > 10_000


@pytest.mark.thorough
def test_a_run_tells_what_it_is(tmp_path):
    run = train.open_run(tmp_path / "run", FEW)
    said = WellFormed(run._repr_html_()).text
    assert FEW.hash in said and "rrxor" in said and "not finished" in said and str(run.path) in said
    done = train.obtain(FEW, tmp_path / "other")
    assert "over the floor" in WellFormed(done._repr_html_()).text


def test_mixed_states_tell_where_symbols_lead():
    found = processes.mixed_states(processes.named("even"))
    said = WellFormed(found._repr_html_()).text
    assert f"{len(found)} mixed states" in said and "after 1" in said
    assert f"{found.next[0, 0]} ({found.probability[0, 0]:.4g})" in said
    many = processes.mixed_states(processes.named("nemo"))
    assert WellFormed(many._repr_html_()).text


def test_a_claim_of_ones_own_keeps_what_its_controls_mean():
    kept = verdict("MINE1", 0.7, ["held-out R2", "more", "still", "other"])
    control = replace(kept.controls[0], rival="", state="fails")
    rows = findings(replace(kept, means={"other": "the sky has fallen"}, controls=(control,)))
    assert rows[-1].meaning == "It fails, so the sky has fallen: invalid."


@pytest.mark.parametrize("outcome", ["supported", "refuted", "undecided"])
def test_a_verdict_tells_how_it_ended(outcome):
    kept = replace(verdict("BG1", 0.7, ["held-out R2 <b>", "other"]), outcome=outcome)
    text = WellFormed(kept._repr_html_()).text
    assert outcome in text and "held-out R² <b>" in text and "> " in text


# A bar over training, in a notebook alone


def test_a_script_is_no_notebook(capsys):
    assert not bar.in_notebook()
    with bar.following("nothing") as watch:
        watch(None)
    assert capsys.readouterr() == ("", "")


@pytest.mark.thorough
def test_a_kernel_sees_a_bar_up_to_the_last_step(monkeypatch, tmp_path, capsys):
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    train.obtain(FEW, tmp_path)
    err = capsys.readouterr().err
    assert "4/4" in err and "nats over the floor" in err and "rrxor" in err
    train.obtain(FEW, tmp_path)  # which is there already
    seen = []
    train.obtain(train.reseeded(FEW, 5, 2), tmp_path, seen.append)  # a watch of one's own is all there is
    assert seen and capsys.readouterr().err == ""
