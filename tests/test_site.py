"""The site: links to files of the repository work there, formulas and docstrings are drawn as they are meant,
examples in docstrings are true, and pages made of data are of the data. `make docs` builds the whole.
"""

import doctest
import importlib
import re
import runpy
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from analysis.claim import asked_on, spread, squared
from analysis.claim.latest import published
from analysis.families import CLAIMS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
WITH_EXAMPLES = {
    "processes.filter": ("filter", "predict"),
    "processes.information.rashomon": ("rashomon_set",),
    "processes.information.bounds": ("Bounded",),
    "processes.information.rates": (
        "entropy_rate",
        "excess_entropy",
        "floor_by_position",
        "h",
        "markov_order",
        "statistical_complexity",
    ),
    "processes.interchange.moore": ("from_moore",),
    "processes.names.reading": ("named",),
    "processes.process": ("hmm",),
    "processes.sample": ("sample",),
    "processes.structure.epsilon_machine": ("epsilon_machine",),
    "processes.structure.equivalence": ("equivalent",),
    "processes.structure.mixed_states": ("mixed_states",),
    "processes.structure.reward": ("value",),
    "toy.bridge": ("network",),
    "toy.serving.generation": ("generate",),
    "toy.sites": ("Place",),
    "toy.transformer": ("TransformerConfig",),
    "train.optimiser": ("Optimiser",),
    "train.recipe": ("reseeded",),
    "analysis.claim.rule": ("Looks",),
    "analysis.claim.verdict": ("told",),
}
"""Public names whose docstrings have an example, by the module that defines them."""


def examples_of(module: str, name: str) -> list[doctest.DocTest]:
    """The examples in the docstring of a name, decorated or not."""
    found = importlib.import_module(module)
    text = getattr(found, name).__doc__ or ""
    test = doctest.DocTestParser().get_doctest(text, {}, name, found.__file__, 0)
    return [test] if test.examples else []


def failures(test: doctest.DocTest) -> tuple[int, str]:
    """How many of them print something else than they say, and what."""
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    runner.run(test, out=said.append)
    return runner.failures, "".join(said)


@pytest.mark.thorough
@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in WITH_EXAMPLES.items() for n in names])
def test_examples_in_docstrings_are_true(module, name):
    (test,) = examples_of(module, name)
    wrong, said = failures(test)
    assert not wrong, said


def test_every_docstring_with_an_example_is_run():
    pattern = re.compile(r"^\s+>>> ", re.M)
    rooms = ("processes", "toy", "train", "analysis", "toylab")
    files = [f for room in rooms for f in (ROOT / room).rglob("*.py") if pattern.search(f.read_text())]
    modules = {".".join(f.relative_to(ROOT).with_suffix("").parts) for f in files}
    assert modules == set(WITH_EXAMPLES)


def test_a_planted_false_example_is_caught():
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "planted", "here", 0)
    assert failures(test)[0] == 1


@pytest.fixture(scope="module")
def extensions():
    """The modules of docs/extensions that need no Sphinx to be imported are found by their names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS / "extensions"))
        yield
        for name in ("docstrings", "formulas", "notebook_output", "repository_links"):
            sys.modules.pop(name, None)


def sphinx() -> None:
    for name in ("sphinx", "myst_nb", "sphinx_book_theme", "sphinx_design"):
        pytest.importorskip(name, reason="the extra `docs` is not installed: pip install '.[docs]'")


@pytest.mark.thorough
def test_docstrings_are_shown_as_they_stand(extensions):
    sphinx()
    from docstrings import rewrite

    lines = [
        "All of `a*b`, x_ and |y|*.",
        "",
        "a     one,",
        "      and more",
        "",
        ">>> 1 + 1",
        "2",
        "",
        "No more.",
    ]
    rewrite(lines)
    shown = ["::", "", "    a     one,", "          and more", ""]
    said = r"All of ``a*b``\ , x\_ and \|y\|\*."
    example = [".. code-block:: pycon", "", "    >>> 1 + 1", "    2", ""]
    assert lines == [said, "", *shown, *example, "No more.", ""]


def small_site(folder: Path, page: str) -> tuple[int, str, Path]:
    """A site of one page under the configuration of ours, without executing: status, warnings, its folder."""
    from sphinx.cmd.build import main

    (folder / "docs").mkdir()
    (folder / "docs" / "index.md").write_text(page)
    said = folder / "warnings"
    options = ["-q", "-D", "nb_execution_mode=off", "-w", str(said)]
    status = main([*options, "-c", str(DOCS), str(folder / "docs"), str(folder / "html")])
    return status, said.read_text(), folder / "html"


@pytest.mark.thorough
def test_links_to_files_of_the_repository_are_links_to_their_text(tmp_path, extensions, monkeypatch):
    sphinx()
    import repository_links

    monkeypatch.setattr(repository_links, "ROOT", tmp_path)
    (tmp_path / "rule.py").write_text("RULE = 1\n")
    page = "# A page\n\n[the rule](../rule.py), a formula $a_1 \\le b$.\n"
    status, said, html = small_site(tmp_path, page)
    assert (status, said) == (0, "")
    text = (html / "index.html").read_text()
    assert (html / "_files" / "rule.py.txt").read_text() == "RULE = 1\n"
    assert 'href="_files/rule.py.txt"' in text
    assert "<msub>" in text and not re.search(r"mathjax\S*\.js", text, re.I)


@pytest.mark.thorough
@pytest.mark.parametrize(
    "link", ["[x](nowhere.md)", "[x](../nowhere.py)", "[x](#no-such-heading)", "[x](folder/)"]
)
def test_a_planted_broken_link_is_a_warning(link, tmp_path, extensions):
    sphinx()
    assert "target not found" in small_site(tmp_path, f"# A page\n\n{link}\n")[1]


def test_every_module_of_the_instruments_is_in_the_reference():
    page = (DOCS / "reference" / "analysis.md").read_text()
    listed = set(re.findall(r"automodule:: (analysis\.instruments\.[\w.]+)", page))
    elsewhere = {"blind", "proofs", "superposition"}  # which pages of their own tell of
    files = [f.relative_to(ROOT) for f in (ROOT / "analysis" / "instruments").rglob("*.py")]
    modules = {".".join(f.with_suffix("").parts) for f in files if f.parent.name not in elsewhere}
    assert listed == {name for name in modules if not name.endswith("__init__")}


def test_what_the_site_needs_is_what_the_extra_asks_for(monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path.copy())
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["docs"]
    values = runpy.run_path(str(DOCS / "conf.py"))
    asked = {name.partition(">")[0].replace("-", "_") for name in extras}
    theirs = {name for name in values["extensions"] if not (DOCS / "extensions" / f"{name}.py").exists()}
    ours = {"sphinx" if name.startswith("sphinx.") else name for name in theirs}
    assert asked == {*ours, "sphinx", values["html_theme"]}
    assert values["nb_execution_raise_on_error"] and not values.get("suppress_warnings")


PAPERS = runpy.run_path(str(DOCS / "papers.py"))
VERDICTS = published()


def test_every_paper_that_a_claim_names_by_its_number_has_a_page_with_that_claim():
    numbers = {n for c in CLAIMS.values() for n in re.findall(r"arXiv:(\d+\.\d+)", c.source)}
    found = {PAPERS["BIBLIOGRAPHY"][key]["eprint"] for key in PAPERS["keys"]()}
    assert numbers <= found
    for key in PAPERS["keys"]():
        page = (DOCS / "papers" / f"{key}.md").read_text()
        assert all(f"| {c.id} |" in page or f"[{c.id}](" in page for c in PAPERS["claims_of"](key)), key
    assert set(PAPERS["WORDS"]) <= set(PAPERS["keys"]()), "papers.toml speaks of a paper without a claim"


def test_numbers_of_papers_stand_beside_ours_as_published():
    rows = [
        (key, f"{p.statistic} | {p.theirs} | `{asked_on(v)}` | {spread(p.ours)}")
        for v in VERDICTS
        for p in v.published
        for key in PAPERS["keys"]()
        if v.claim in {c.id for c in PAPERS["claims_of"](key)}
    ]
    assert len(rows) >= 10
    for key, row in rows:
        assert squared(row) in (DOCS / "papers" / f"{key}.md").read_text(), row


def test_a_paper_reports_on_processes_that_its_claims_are_tested_on():
    for key, words in PAPERS["WORDS"].items():
        ids = {c.id for c in PAPERS["claims_of"](key)}
        assert set(words["reported_on"]) <= ids, key
        assert all(set(on) <= set(CLAIMS[c].tested_on) for c, on in words["reported_on"].items()), key


def test_the_bibliography_is_read():
    entry = PAPERS["bibliography"]("@article{a2020b,\n  title = {The {HMM}},\n  year = {2020}\n}\n")
    assert entry == {"a2020b": {"title": "The HMM", "year": "2020"}}
    assert PAPERS["authors"]("A, B and C, D and E, F and G, H") == "A, C, E and others"


def test_marks_are_on_the_published_figure(tmp_path, monkeypatch):
    annotated = runpy.run_path(str(DOCS / "annotated.py"))
    monkeypatch.setitem(annotated["main"].__globals__, "WRITTEN", tmp_path / "again.png")
    annotated["main"]()
    from matplotlib.image import imread

    made = imread(tmp_path / "again.png")
    difference = np.abs(made - imread(DOCS / "figures" / "annotated.png")).mean()
    assert difference < 2e-3, "run python docs/annotated.py"  # letters of other versions differ by less
    numbers = re.findall(
        r"^(\d+)\. ", (DOCS / "start.md").read_text().partition("## How to read the figure")[2], re.M
    )
    marks = annotated["MARKS"]
    assert [int(n) for n in numbers[: len(marks)]] == list(marks)
    width, height = annotated["SIZE"]
    assert all(0 < x < width and 0 < y < height for x, y in marks.values())


def test_a_figure_of_another_size_is_refused(tmp_path):
    annotated = runpy.run_path(str(DOCS / "annotated.py"))
    with pytest.raises(ValueError, match="is 808 x 286 pixels, not"):
        annotated["annotated"](DOCS / "gallery" / "even-half.png")
