"""Pages without a browser: what goes into them, and that they need nothing beside them."""

import base64
import gzip
import html
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from planted.runs import kept

import processes
import train
from analysis.claim import Finding, Setting, came, squared
from analysis.claim.latest import PUBLISHED, published
from analysis.claim.shown import arrays
from analysis.commands.main import main
from analysis.families import CLAIMS, family, folder
from analysis.figures import caption
from analysis.figures.record import Record
from analysis.instruments.contexts import contexts
from analysis.instruments.forward import member
from analysis.instruments.probing.study import study
from analysis.instruments.probing.unfolding import by_position, unfolding
from analysis.instruments.statistics import Interval
from analysis.lab import Trial
from analysis.report import points, training, words
from analysis.report.arrays import LEVELS, packed
from analysis.report.verdicts import latest
from tests.analysis.figures.test_figures import fake
from train.runs.sealed import sealed, write_npz

ROOT = Path(__file__).parents[3]


def unpacked(text):
    """What the script of a page reads."""
    whole = gzip.decompress(base64.b64decode(text))
    said = int.from_bytes(whole[:4], "little")
    found = {}
    for name, part in json.loads(whole[4 : 4 + said]).items():
        size = int(np.prod(part["shape"]))
        values = np.frombuffer(whole, part["dtype"], size, 4 + said + part["at"]).reshape(part["shape"])
        assert (4 + said + part["at"]) % values.itemsize == 0  # or typed arrays cannot begin there
        if part["scale"] is not None:
            low, high = part["scale"]
            values = low + (high - low) / LEVELS * values
        found[name] = values
    return found


def test_arrays_come_back_from_a_page():
    rng = np.random.default_rng(0)
    given = {
        "x": rng.normal(size=(7, 3)),
        "constant": np.full(5, 0.25),
        "none": np.zeros((0, 2)),
        "tokens": rng.integers(-1, 3, (11, 3)).astype(np.int8),
        "rows": np.array([0, 70_000, 3]),
        "colour": rng.integers(0, 255, (3, 3)).astype(np.uint8),
    }
    back = unpacked(packed(given))
    assert packed(given) == packed(given)
    for name, array in given.items():
        tolerance = 0 if array.dtype.kind != "f" else (np.ptp(array) if array.size else 0) / LEVELS / 1.99
        assert back[name].shape == array.shape
        assert np.allclose(back[name], array, atol=tolerance, rtol=0)


@pytest.fixture(scope="module")
def observed(small, tmp_path_factory):
    """A run of two networks as they begin, and their study."""
    recipe = train.Recipe("mess3", _of_mess3(small), "expected", train.Optimiser("adam", 1e-3), 4, 8, 2)
    run = kept(recipe, tmp_path_factory.mktemp("kept"))
    return run, study(run)


def _of_mess3(small):
    return replace(small, vocab=3, n_ctx=6)


@pytest.mark.thorough
def test_unfolding_is_what_a_study_finds(observed):
    """At the same parameters, the same points, R2 and excess as every claim is measured on."""
    run, seen = observed
    t, rows = seen.contexts, np.array([5, 100, 900])
    found = unfolding(
        run.recipe.model, lambda step: member(run.params(), 1), (3,), t, (seen.final_layer,), rows
    )
    assert np.allclose(found.points[0], seen.points(seen.final_layer)[1][rows], atol=1e-5)
    assert found.r2_of_shown[0] == pytest.approx(seen.r2(seen.final_layer)[1], abs=1e-6)
    assert np.allclose(found.excess[0], seen.trained[1].excess_by_position, atol=1e-7)
    assert found.r2.shape == (1, len(seen.layers), 6)


@pytest.mark.thorough
def test_without_layers_nothing_is_probed(observed):
    run, seen = observed
    none = np.zeros(0, int)
    found = unfolding(run.recipe.model, lambda step: member(run.params(), 0), (0, 4), seen.contexts, (), none)
    assert found.excess.shape == (2, 6) and found.r2.size == found.points.size == 0


def test_explained_by_position_by_hand():
    t = contexts(processes.named("mess3"), 6)
    noise = np.random.default_rng(0).normal(size=t.belief.shape) * 0.05
    found = by_position(t, t.belief + noise)
    assert np.isnan(found[:4]).all()  # histories of up to four tokens are not held out
    for position in (4, 5):
        here = (t.position == position) & (t.fold >= 0)
        w, y = t.weight[here], t.belief[here]
        mean = (w @ y) / w.sum()
        by_hand = 1 - (w @ (noise[here] ** 2).sum(1)) / (w @ ((y - mean) ** 2).sum(1))
        assert found[position] == pytest.approx(by_hand, abs=1e-12)
    assert np.allclose(by_position(t, t.belief)[4:], 1)


def test_where_beliefs_do_not_vary_there_is_no_share():
    t = contexts(processes.named("mess3"), 6)
    still = replace(t, belief=np.full_like(t.belief, 1 / 3))
    assert np.isnan(by_position(still, t.belief)).all()
    assert by_position(t, still.belief)[5] <= 1e-9  # the mean explains nothing


@pytest.mark.parametrize("name", ["mess3", "rrxor", "even", "bloch_walk"])
def test_points_are_the_held_out_histories(name, tmp_path):
    fake(tmp_path, name, n_ctx=6)
    record = _with_networks(tmp_path, name)
    found, e = points.points(record), record.evidence
    assert found.drawn == found.scored == (e["fold"] >= 0).sum() and len(set(found.rows)) == found.drawn
    assert np.array_equal(found.arrays["tokens"], e["words"][found.rows])
    plane = found.plane
    assert plane.kind == {"mess3": "triangle", "even": "line"}.get(name, "axes")
    seed = points.typical(record, "trained")
    probed = e[f"trained_points_{plane.features}"][seed][found.rows]
    assert np.allclose(found.arrays["trained"], plane.place(probed))
    assert (np.diff(e["weight"][found.rows]) >= 0).all()  # probable ones are drawn last


def _with_networks(folder, name):
    """The same folder, with words and predictions as a run's evidence has."""
    t, record = contexts(processes.named(name), 6), Record(folder)
    distribution = np.log(np.maximum(t.next_token, 1e-9))
    more = {
        "words": t.words.astype(np.int8),
        "next_token": t.next_token,
        "trained_log_prediction": np.stack([distribution] * 3),
    }
    write_npz(folder / "evidence.npz", **{**record.evidence, **more})
    return Record(folder)


def test_too_many_histories_are_thinned_evenly(tmp_path, monkeypatch):
    fake(tmp_path, "mess3", n_ctx=6)
    record = _with_networks(tmp_path, "mess3")
    everything = points.shown(record)
    monkeypatch.setattr(points, "BYTES", 10_000)
    monkeypatch.setattr(points, "UNFOLDED", 100)
    some, followed = points.shown(record), points.unfolded(record)
    assert len(some) < len(everything) / 2 and set(followed) <= set(some) <= set(everything)
    assert 50 <= len(followed) <= 100
    lengths = [
        np.bincount((record.evidence["words"][rows] >= 0).sum(1)) / len(rows) for rows in (some, everything)
    ]
    assert np.allclose(*lengths, atol=0.02)


@pytest.mark.parametrize("most", [50, 100, 121, 182, 364])
def test_histories_that_are_followed_end_in_every_symbol(most, tmp_path, monkeypatch):
    """As often as all do: every third of three symbols would always end in the same one."""
    fake(tmp_path, "mess3", n_ctx=6)
    record = _with_networks(tmp_path, "mess3")
    monkeypatch.setattr(points, "UNFOLDED", most)
    words = record.evidence["words"][points.unfolded(record)]
    last = words[np.arange(len(words)), (words >= 0).sum(1) - 1]
    assert len(words) <= most and np.allclose(np.bincount(last) / len(last), 1 / 3, atol=0.03)


@cache
def verdicts():
    """Those that are published; their keys take seconds to work out."""
    return latest(None)[0]


OUTCOMES = sorted({v.outcome for v in published()})


@pytest.mark.thorough
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_verdict_in_words(outcome):
    v = next(v for v in verdicts() if v.outcome == outcome)
    said = words.plainly(v)
    assert f"{v.networks} networks" in said
    if outcome in ("refuted", "explained", "undecided", "invalid"):
        assert v.reason in said


@pytest.mark.thorough
def test_each_control_says_what_it_would_have_meant():
    v = next(v for v in verdicts() if (v.claim, v.asked) == ("BG1", "mess3"))
    rows = {row.name: row for row in words.findings(v)}
    assert [row.kind for row in words.findings(v)] == sorted(
        (row.kind for row in rows.values()), key=["criterion", "control", "rival"].index
    )
    window = next(row for row in rows.values() if "window" in row.name)
    assert "could be had" not in window.meaning and "explained by that" in window.meaning
    assert "a window of tokens" in window.meaning
    untrained = next(row for row in rows.values() if "untrained" in row.name)
    assert "architecture" in untrained.meaning and untrained.meaning.startswith("Otherwise")
    planted = replace(next(f for f in v.controls if "untrained" in f.name), state="fails")
    (row,) = words.findings(replace(v, criteria=(), controls=(planted,)))
    assert row.meaning.startswith("It fails, so the architecture alone")


@pytest.mark.thorough
def test_a_strip_has_every_network_on_its_side():
    for v in verdicts():
        for f in (*v.criteria, *v.controls):
            s = words.strip(f)
            if s is None:
                assert not f.values or f.interval is None
                continue
            inside = [not any(at < x < at + wide for at, wide in s.forbidden) for x in s.values]
            beyond = [f.above <= x <= f.below for x in f.values]
            gap = [min((abs(x - side) for side in s.sides), default=1) > 0.01 for x in s.values]
            assert [a for a, g in zip(inside, gap, strict=True) if g] == [
                b for b, g in zip(beyond, gap, strict=True) if g
            ]
            assert all(0 <= x <= 100 for x in (*s.values, s.mean))


FINDING = Finding(
    *("c", 0.4, np.inf, "mean", ""), True, (0.5,) * 8, Interval(0.51234, 0.4, 0.6), share=None, state="holds"
)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, "0.5123 [0.4, 0.6]"),
        ({"interval": Interval(-1e-9, -np.inf, np.inf)}, "-1e-09"),
        ({"interval": Interval(-0.0, -np.inf, np.inf)}, "0"),
        ({"share": Interval(0.875, 0.61, 0.99)}, "7 of 8 networks (share at least 0.61); mean 0.5123"),
        ({"share": Interval(0.25, 0.1, 0.62)}, "2 of 8 networks (share at most 0.62); mean 0.5123"),
        ({"interval": None}, "not a number for some network"),
        ({"interval": None, "applies": False}, "does not apply"),
    ],
)
def test_what_a_finding_came_to_in_words(other, said):
    assert came(replace(FINDING, **other)) == said


def told_alike(v, page):
    """Findings that a page of results, a caption and a report do not tell in the same words."""
    rows = {row.name: row.came for row in words.findings(v)}
    said = caption.of_verdict(v, "findings", "toylab figure")
    found = [f for f in (*v.criteria, *v.controls) if rows[f.name] != came(f) or came(f) not in page]
    return found + [f for f in v.criteria if f.interval is not None and came(f) not in said]


@pytest.mark.thorough
def test_a_finding_is_told_alike_wherever_it_is_told():
    pages = {v.claim: folder_of(v.claim).read_text() for v in verdicts()}
    assert [(v.claim, v.asked) for v in verdicts() if told_alike(v, pages[v.claim])] == []
    assert any(f.share is not None for v in verdicts() for f in v.criteria)
    assert told_alike(verdicts()[0], "")


def folder_of(claim):
    """The page of results of its family."""
    return ROOT / "docs" / "results" / f"{family(claim).__name__.rpartition('.')[2]}.md"


def asks_nobody(text):
    """Whether a page has all that it needs: no address that a browser would fetch."""
    tags = re.findall(
        r"<(?:script|link|img|iframe|source|video|audio)\b[^>]*?(?:src|href)=\"([^\"]*)\"", text
    )
    return all(address.startswith("data:") for address in tags) and "@import" not in text


def test_a_planted_address_is_caught():
    assert asks_nobody('<img class="a" src="data:image/png;base64,xx">')
    assert not asks_nobody('<script src="https://cdn.example/bokeh.js"></script>')
    assert not asks_nobody('<link rel="stylesheet" href="style.css">')


@pytest.mark.thorough
def test_the_index_holds_every_published_verdict(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == 0
    text = (tmp_path / "report.html").read_text()
    assert asks_nobody(text)
    rows = re.findall(r'<details data-family="(.*?)" data-asked="(.*?)" data-outcome="(.*?)"', text)
    assert sorted((html.unescape(a), o) for _, a, o in rows) == sorted(
        (v.asked, v.outcome) for v in verdicts()
    )
    assert {f for f, _, _ in rows} == {folder(family(v.claim)).replace("_", " ") for v in verdicts()}


@pytest.mark.thorough
def test_the_page_of_a_claim_says_its_terms(tmp_path):
    file = tmp_path / "bg1.html"
    assert main(["report", "bg1", "-o", str(file), "--store", str(tmp_path)]) == 0
    text = file.read_text()
    assert asks_nobody(text)
    for c in (*CLAIMS["BG1"].criteria, *CLAIMS["BG1"].controls):
        assert squared(c.name) in html.unescape(text)
    assert CLAIMS["BG1"].would_change in html.unescape(text)


def test_a_store_shows_what_it_keeps_with_figures_and_damage(tmp_path, capsys):
    """A verdict on a process whose name is markup is shown as text; a damaged one is named."""
    named = tmp_path / "<b>even.json"
    processes.write(processes.named("even"), named)
    trial = Trial(CLAIMS["BG16"], "mess3", Setting(seeds=8))
    there = json.loads(next(f for f in (PUBLISHED / "BG16").glob("mess3.json")).read_text())
    folder = trial.folder(tmp_path / "store").parent / f"BG16-{there['key']}"
    folder.mkdir(parents=True)
    (folder / "verdict.json").write_text(json.dumps(sealed(there | {"asked": str(named)})))
    broken = folder.parent / "BG1-000000000000"
    broken.mkdir()
    (broken / "verdict.json").write_text('{"sha256": "no"}')
    file = tmp_path / "store.html"
    assert main(["report", str(tmp_path / "store"), "-o", str(file)]) == 0
    text = file.read_text()
    assert "<b>even" not in text and str(named) in html.unescape(text)
    assert "Not shown: " in text and "BG1-000000000000" in text


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "'nothing' is neither a folder, nor 'published', nor a claim (there are BG1, "),
        (["empty"], "empty keeps no verdicts; `toylab claim` and `toylab run` make some"),
        (["published", "-o", "empty"], "empty is a folder; give the name of a file with -o"),
        (["unfinished"], "the run in unfinished has no report yet"),
        (["published", "-o", "missing/x.html"], "cannot write or read"),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "recipe.json").write_text("{}")
    assert main(["report", *words]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1 and "Traceback" not in told


def test_without_bokeh_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "bokeh", None)
    assert main(["report", "-o", str(tmp_path / "x.html")]) == 2
    assert 'run pip install "toylab[report]"' in capsys.readouterr().err


@pytest.mark.thorough
def test_steps_are_those_of_the_whole_training(tmp_path, observed):
    """The first and the last checkpoint are among them, and no more than a dozen are looked at."""
    run, _ = observed
    steps = sorted(training.kept_steps(run))
    assert steps[0] == 0 and steps[-1] == run.recipe.steps and len(steps) <= training.MOST_STEPS


@pytest.mark.thorough
def test_what_is_kept_of_training_is_of_that_network_at_those_steps(tmp_path, observed):
    run, _ = observed
    found = of_one(run, 0)
    file = tmp_path / training.FILE
    write_npz(file, **arrays(found), **{training.NETWORK: np.array(0)})
    back = training._kept(file, 0)
    for name, value in vars(found).items():
        assert np.array_equal(getattr(back, name), value, equal_nan=value.dtype.kind == "f"), name
    assert training._kept(file, 1) is None and training._kept(tmp_path / "none.npz", 0) is None
    file.write_bytes(file.read_bytes()[:-50])
    assert training._kept(file, 0) is None  # it is measured again


def of_one(run, network):
    t = contexts(run.recipe.ground_truth(), run.recipe.model.n_ctx)
    layers, rows = run.recipe.model.stream[-1:], np.array([3, 500])
    return unfolding(run.recipe.model, lambda step: member(run.params(), network), (4,), t, layers, rows)
