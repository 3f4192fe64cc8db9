"""What is shown of names and of values without spread: the very text on a terminal, and figures without a
warning.
"""

import io
import json
import logging
import warnings

import matplotlib.text
import numpy as np
import pytest
from flat import flat
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import Progress

import processes
from analysis.claim import DEFAULT, Finding, Kept, Looks, Reported
from analysis.claim.shown import arrays
from analysis.commands import card_tables, terminal
from analysis.commands import claims as claim_commands
from analysis.commands import tables as show
from analysis.commands.main import main
from analysis.commands.sweep import _View
from analysis.families import CLAIMS, panels
from analysis.figures.letters import legible
from analysis.figures.portrait import portrait
from analysis.figures.style import style
from analysis.figures.verdict import figure
from analysis.instruments.statistics import Interval
from analysis.trial import SCHEMA
from train.sweeps.outcome import Outcome

ODD = ["[b]", "[/c]", "$x$", "_a", ":warning:", "日本", "😀", r"\frac{$", "a\nb", "\x1b[31m"]
PRINTED = [*ODD[:-2], r"a\nb", r"\x1b[31m"]
"""How a terminal shows them: what is no visible letter as Python writes it."""
S = 3  # networks
PREDICTION = {
    "dimensions if factored": 2,
    "dimensions if joint": 3,
    "slope of log attention against lag": -0.1,
    "decay per position": 0.2,
}


def finding(name, value):
    values, interval = (value,) * S, Interval(value, value, value)
    return Finding(name, 0.5, np.inf, "mean", name, True, values, interval, share=None, state="holds")


def verdict(claim, value=0.5, names=ODD):
    words = dict.fromkeys(("process", "asked", "statement", "reason"), " ".join(ODD))
    values, interval = (value,) * S, Interval(value, value, value)
    beside = Reported(names[0], names[0], "as theirs", interval, values, None, None)
    return Kept(
        claim=claim,
        source="a test",
        outcome="explained",
        prediction=PREDICTION,
        criteria=tuple(finding(name, value) for name in names[:3]),
        controls=tuple(finding(name, value) for name in names[3:]),
        networks=S,
        looks=Looks.doubling(S),
        again=0.5,
        needed=None,
        published=(beside,),
        literature={},
        limits="",
        schema=SCHEMA,
        key="0123456789ab",
        setting=DEFAULT,
        recipes={},
        made=(),
        look=1,
        seconds={"training": 1.0, "measuring": 1.0},
        **words,
    )


@pytest.fixture
def strict():
    """Whatever matplotlib would print is an error."""

    class Fail(logging.Handler):
        def emit(self, record):
            raise AssertionError(record.getMessage())

    handler, log = Fail(), logging.getLogger("matplotlib")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Do not use the `random` module")
        yield
    log.removeHandler(handler)
    log.setLevel(level)


def rendered(make, *args):
    """A figure drawn as files are, but small, once and without a layout: warnings and words are the same, and
    it is fast.
    """
    with style():
        fig = make(*args)
        legible(fig)
        fig.set_layout_engine("none")
        fig.set_dpi(20)
        FigureCanvasAgg(fig).draw()
    return fig


DRAWN = tuple(flat(0.5, ODD))


def drawn_from(claim, value):
    """What the figure of a claim is drawn from, as it comes back from a file."""
    return CLAIMS[claim].drawing(arrays(flat(value, ODD)[claim]()))


@pytest.mark.thorough
@pytest.mark.parametrize("claim", DRAWN)
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_panels_of_values_without_spread(claim, value, strict):
    drawn = rendered(figure, verdict(claim, value, ODD[:1]), drawn_from(claim, value), panels())
    assert len(drawn.subfigs) == 2 and all(half.findobj(Axes) for half in drawn.subfigs)


@pytest.mark.thorough
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_findings_without_spread(value, strict):
    """The half of a figure that is the same for every claim."""
    drawn = rendered(figure, verdict("of one's own", value), None, panels())
    (forest,) = drawn.axes
    assert len(forest.child_axes) == len(ODD)


def test_every_panel_is_drawn():
    assert set(DRAWN) == set(panels())


@pytest.mark.parametrize("claim", DRAWN)
def test_records_come_back_as_they_were(claim):
    record = flat(0.5, ODD)[claim]()
    kept, again = arrays(record), arrays(CLAIMS[claim].drawing(arrays(record)))
    assert list(kept) == list(again) and all(np.array_equal(kept[name], again[name]) for name in kept)


def words(fig):
    return "\n".join(text.get_text() for text in fig.findobj(matplotlib.text.Text))


@pytest.mark.thorough
def test_figures_show_the_very_names(strict):
    cycle = np.stack([np.roll(np.eye(8), 1, 1) * (np.arange(8) % 2 == x)[:, None] for x in (0, 1)])
    process = processes.hmm(cycle, name=" ".join(ODD), states=ODD[:8])
    fig = rendered(portrait, process)
    drawn = "\u65e5\u672c" if "\u65e5\u672c" in words(fig) else r"\u65e5\u672c"  # by machine
    for name in ("[b]", "[/c]", "$x$", "_a", ":warning:", drawn, r"\frac{$"):
        assert name in words(fig)
    labels = {
        claim: words(rendered(figure, verdict(claim), drawn_from(claim, 0.5), panels()))
        for claim in ("CL6", "BG8")
    }
    assert all(name in text for text in labels.values() for name in ("[b]", "[/c]", "$x$", "_a", drawn))


def test_numbers_on_logarithmic_axes_stay_formulas():
    with style():
        fig = Figure()
        ax = fig.subplots()
        ax.set(yscale="log", ylim=(1e-3, 1), title="$")
        legible(fig)
        fig.canvas.draw()
        assert ax.yaxis.get_major_ticks()[1].label1.get_parse_math() and not ax.title.get_parse_math()


DETERMINISTIC = {
    "period 3": np.stack(
        [np.roll(np.eye(3), 1, 1) * [[1], [0], [0]], np.roll(np.eye(3), 1, 1) * [[0], [1], [1]]]
    ),
    "one symbol": np.ones((1, 1, 1)),
    "one symbol, three states": np.roll(np.eye(3), 1, 1)[None],
    "a symbol that never comes": np.stack([np.eye(2)[::-1], np.zeros((2, 2))]),
    "nine equal symbols": np.full((9, 1, 1), 1 / 9),
    "a faint memory": np.array([[[1 - 1e-9, 1e-9], [0, 0.5]], [[0, 0], [0.5, 0]]]),
    "three hundred symbols": np.random.default_rng(0)
    .dirichlet(np.ones(600), 2)
    .reshape(2, 300, 2)
    .transpose(1, 0, 2),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", [*DETERMINISTIC, "coin(p=0.0)", "zero_one_random(p=1)", "golden_mean(p=1)"])
def test_odd_processes_have_a_figure_and_a_card_without_signs_of_zero(name, strict, screen):
    process = (
        processes.hmm(DETERMINISTIC[name], name=name) if name in DETERMINISTIC else processes.named(name)
    )
    assert "−0.000" not in words(rendered(portrait, process)).replace("-", "−")
    values = processes.card(process, n_ctx=3)
    card_tables.card(values, screen)
    assert "-0.0" not in screen.file.getvalue() + json.dumps(values, allow_nan=False)


@pytest.fixture
def screen():
    """A console like those of the command line, wide enough to break no name."""
    console, _ = terminal.consoles()
    console.file, console.width = io.StringIO(), 400
    return console


@pytest.mark.thorough
def test_what_cannot_be_afforded_is_none_and_the_flag_is_named(screen):
    process = processes.hmm(DETERMINISTIC["three hundred symbols"], name="wide")
    values = processes.card(process, n_ctx=4)
    assert [v is None for v in values["h"]] == [False, False, True, True] and values[
        "loss_floor_by_position"
    ][1:] == [None] * 3
    np.testing.assert_array_equal(values["h"][:2], processes.h(process, 2))
    low, high = values["entropy_rate_bounds"]
    assert low <= values["entropy_rate"] <= high <= values["h"][1] + 1e-12
    card_tables.card(values, screen)
    assert (
        "--n-ctx 1 asks for no more" in screen.file.getvalue() and "300 of 2 by 2" in screen.file.getvalue()
    )


def report():
    span, names = (
        {"r2": [0.5], "r2_in_sample": [0.5], "rmse": [0.1], "gain_over_token_window": [0.1]},
        " ".join(ODD),
    )
    layer = {"features": names, "trained": span, "untrained": span, "shuffled": {"low": 0.0, "high": -0.0}}
    baseline = {"r2": -1e-9, "r2_in_sample": 0.5, "rmse": 0.1}
    said = dict.fromkeys(("question", "process", "hash"), names) | {
        "recipe": {"seeds": 1, "steps": 1, "objective": names},
        "floor": -1e-12,
    }
    numbers = {
        "excess": {"trained": [0.1], "untrained": [0.2]},
        "contexts": 3,
        "layers": [layer],
        "baselines": {names: baseline},
    }
    refused = {"claim": names, "reason": names}
    return said | numbers | {"verdicts": [verdict("BG1").to_json()], "refused": [refused]}


def card():
    values = processes.card(processes.named("guarded(mess3; no 00; p=0.5)"), n_ctx=2)
    values["constraints"] |= {"base": " ".join(ODD), "constraints": [" ".join(ODD)]}
    return values | {
        "name": " ".join(ODD),
        "states": [" ".join(ODD)] * 3,
        "vocab": 4,
        "transition_matrices": np.zeros((4, 3, 3)).tolist(),
    }


def claims_table(screen, monkeypatch, tmp_path):
    monkeypatch.setattr(claim_commands, "latest_of", lambda found, today: [verdict("BG1")])
    claim_commands.claims(["--store", str(tmp_path)], screen)


def sweep_lines(screen, monkeypatch, tmp_path):
    view = object.__new__(_View)
    view.failed, view.recipes, view.bar = (
        [],
        {"x": (" ".join(ODD), type("R", (), {"seeds": 1}))},
        type("B", (), {"console": screen}),
    )
    view._ended("x", Outcome({}, (), 1.0, " ".join(ODD)))


def live_columns(screen, monkeypatch, tmp_path):
    with Progress(terminal.described(), terminal.field("now"), console=screen) as bar:
        bar.add_task(" ".join(ODD), now=" ".join(ODD))


PLACES = {
    "card": lambda screen, *_: card_tables.card(card(), screen),
    "report": lambda screen, *_: show.report(report(), screen),
    "verdicts": lambda screen, *_: show.verdicts([verdict("BG1")], screen),
    "claims": claims_table,
    "sweep": sweep_lines,
    "progress": live_columns,
}


@pytest.mark.thorough
@pytest.mark.parametrize("place", PLACES)
def test_terminals_show_the_very_names(place, screen, monkeypatch, tmp_path):
    PLACES[place](screen, monkeypatch, tmp_path)
    out = screen.file.getvalue()
    assert [name for name in PRINTED if name not in out] == [] and "-0.000" not in out


def test_markup_would_be_caught(monkeypatch, tmp_path):
    screen = Console(file=io.StringIO(), width=400)  # as rich makes it: planted
    with pytest.raises(Exception, match="closing tag"):
        show.verdicts([verdict("BG1")], screen)


@pytest.mark.thorough
def test_a_process_of_odd_names_from_end_to_end(tmp_path, capsys):
    file = tmp_path / "[b] $x$.json"
    cycle = np.stack([np.roll(np.eye(len(ODD)), 1, 1), np.zeros((len(ODD), len(ODD)))])
    processes.write(processes.hmm(cycle, name=" ".join(ODD), states=ODD), file)
    assert main(["process", str(file), "--figure", str(tmp_path / "[b].png")]) == 0
    out, err = capsys.readouterr()
    assert all(name in out for name in PRINTED[:8]) and err == ""
    assert main(["process", str(tmp_path / "[/c].json")]) == 2 and "[/c].json" in capsys.readouterr().err


def test_terminals_without_our_signs_still_show_everything():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="toylab")
    stream.write("R² ✓ 1–2 … 日")
    stream.flush()
    assert raw.getvalue() == rb"R2 yes 1-2 .. \u65e5"


@pytest.mark.parametrize(
    ("columns", "width"), [("abc", 120), ("0", 120), ("-3", 120), ("1", 40), ("90", 90), ("", 120)]
)
def test_the_width_of_output(columns, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert terminal.consoles()[0].width == width
