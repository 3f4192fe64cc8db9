"""The page on what each instrument gets wrong: its numbers are those of published verdicts, and no claim
about an instrument that has a verdict is missing from it.
"""

import re
import runpy
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from analysis.figures.style import style
from analysis.mechanisms import CLAIMS

ROOT = Path(__file__).parents[1]
PAGE = runpy.run_path(str(ROOT / "docs" / "instruments.py"))
FOUND = runpy.run_path(str(ROOT / "docs" / "generate.py"))["published"]()
INSTRUMENTS = PAGE["told"](FOUND)


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda i: i["name"])
def test_every_series_is_drawn_and_every_figure_is_there(instrument):
    drawn = {p.series for p in PAGE["points"](instrument, FOUND)}
    assert drawn == {series["name"] for series in instrument["series"]}
    assert (PAGE["FIGURES"] / f"{PAGE['name'](instrument)}.png").stat().st_size > 10_000


def test_no_figure_is_of_no_instrument():
    files = {file.stem for file in PAGE["FIGURES"].glob("*.png")}
    assert files == {PAGE["name"](instrument) for instrument in INSTRUMENTS}


def test_every_claim_about_an_instrument_that_has_a_verdict_is_told():
    told = {instrument["claim"] for instrument in INSTRUMENTS}
    assert {claim.id for claim in CLAIMS if claim.id in FOUND} - told == set()
    assert told <= set(FOUND)


def test_instruments_without_a_verdict_wait_for_one():
    waiting = [i for i in PAGE["TOLD"]["instrument"] if i not in INSTRUMENTS]
    assert {i["claim"] for i in waiting} <= {claim.id for claim in CLAIMS} - set(FOUND)
    fewer = {claim: verdicts for claim, verdicts in FOUND.items() if claim != "MI4"}
    assert "## Ablation" in PAGE["page"](FOUND) and "## Ablation" not in PAGE["page"](fewer)


def test_numbers_are_the_verdicts():
    (ablation,) = [i for i in INSTRUMENTS if i["name"] == "Ablation"]
    (verdict,) = [v for v in FOUND["MI4"] if v.asked == "even"]
    zeros = next(c for c in verdict.criteria if "zeros" in c.name).interval.mean
    at = PAGE["points"](ablation, FOUND)
    assert PAGE["filled"]("a {zeros\non even} b", at) == f"a {zeros:.2g} b"
    assert PAGE["filled"]("{zeros on even; times}", at) == f"{2.718281828**zeros:.2g}"
    assert PAGE["filled"]("{zeros on even; percent}", at) == f"{100 * zeros:.0f} %"


def test_a_number_that_is_in_no_figure_is_refused():
    at = PAGE["points"](INSTRUMENTS[0], FOUND)
    with pytest.raises(ValueError, match="'nothing on mess3', which its figure has 0 times"):
        PAGE["filled"]("{nothing on mess3}", at)


def test_a_statistic_that_a_verdict_has_no_more_is_refused():
    with pytest.raises(ValueError, match="has no statistic 'R2 of old'"):
        PAGE["numbers"](FOUND["BG1"][0], "R2 of old", "finding")


def test_only_first_runs_are_drawn():
    assert any(v.setting.run > 1 for v in FOUND["BG1"])
    assert not any("run" in p.process for p in PAGE["points"](INSTRUMENTS[0], FOUND))
    processes = [p.process for p in PAGE["points"](INSTRUMENTS[0], FOUND) if p.series == "trained networks"]
    assert len(processes) == len(set(processes))


def test_links_lead_to_sections():
    page = (ROOT / "docs" / "instruments.md").read_text()
    heads = {PAGE["anchor"]({"name": head}) for head in re.findall(r"^## (.*)$", page, re.M)}
    inner = set(re.findall(r"\]\(#([^)]*)\)", page))
    assert inner and inner <= heads


def names_of(own):
    """What is in the backticks of a link to how one asks of a network of one's own."""
    return re.findall(r"`([^`]+)`", own)


def section_of(own):
    """The text of the section that such a link leads to, or of the whole page."""
    file, _, anchor = re.search(r"\]\(([^)]*)\)", own)[1].partition("#")
    parts = re.split(r"^#+ (.*)\n", (ROOT / "docs" / file).read_text(), flags=re.M)
    sections = {
        PAGE["anchor"]({"name": head}): text for head, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    return sections[anchor] if anchor else "".join(parts)


def astray(own):
    """The names of such a link that cannot be imported, or that no command has, or that the section it leads
    to does not mention.
    """
    from analysis.commands.dispatch import COMMANDS

    out = []
    for name in names_of(own):
        if name.startswith("toylab "):
            there, said = name.split()[1] in COMMANDS, name
        else:
            module, _, said = name.rpartition(".")
            there = find_spec(module.partition(".")[0]) and hasattr(import_module(module), said)
        if not there or not re.search(rf"\b{said}\b", section_of(own)):
            out.append(name)
    return out


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda i: i["name"])
def test_what_is_called_for_ones_own_network_exists_and_is_told_where_the_link_leads(instrument):
    assert astray(instrument["own"]) == []


@pytest.mark.parametrize(
    "planted",
    [
        "[`toy.generate`](mechanisms.md#serving)",  # which is there, and not told of
        "[`analysis.instruments.decompositions.spectra.singular_vectors`](mechanisms.md#singular-vectors)",
        "[`toylab steer`](mechanisms.md#steering)",
    ],
)
def test_a_planted_name_that_is_none_is_caught(planted):
    assert astray(planted) == names_of(planted)


def test_an_interval_in_a_sentence_is_the_verdicts():
    (steering,) = [i for i in INSTRUMENTS if i["name"] == "Steering vectors"]
    at = PAGE["points"](steering, FOUND)
    (point,) = [
        p for p in at if (p.series, p.process) == ("stream of another context", "mixture(rrxor, even)")
    ]
    told = PAGE["filled"]("{stream of another context on mixture(rrxor, even); interval}", at)
    assert told == f"{point.low:.2g} and {point.high:.2g}"


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda i: i["name"])
def test_axes_are_wide_and_have_ticks(instrument):
    with style():
        fig = PAGE["draw"](instrument, FOUND)
        fig.draw_without_rendering()
    (ax,) = fig.axes
    assert ax.get_position().width > 0.7
    low, high = ax.get_xlim()
    assert sum(low <= t <= high for t in ax.get_xticks()) >= 3


def test_logarithms_of_which_the_text_tells_as_times_have_ticks_in_times():
    """Where every series that is told is told so: an axis of several units has none in common."""
    for instrument in INSTRUMENTS:
        texts = instrument["number"] + instrument["wrong"]
        told = set(re.findall(r"{([^}]*?) on [^}]*; times}", " ".join(texts.split())))
        in_times = [series for series in instrument["series"] if series["name"] in told]
        if len(in_times) == len(instrument["series"]):
            assert instrument["scale"] == "times", instrument["name"]
    (ablation,) = [i for i in INSTRUMENTS if i["name"] == "Ablation"]
    with style():
        (ax,) = PAGE["draw"](ablation, FOUND).axes
    told = [float(label.get_text()) for label in ax.get_xticklabels()]
    np.testing.assert_allclose(np.exp(ax.get_xticks()), told)
    assert 1 in told and max(told) > 5
