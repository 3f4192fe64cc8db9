"""The README is true and short: its code runs, its findings are the published verdicts, what is generated is
today's, its pictures exist.
"""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.claim import briefly, spread, tabled
from analysis.claim.latest import published
from analysis.families import CLAIMS, FAMILIES, family, folder
from analysis.instruments.statistics import Interval

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
LONGEST = 8 * 1024
"""Bytes of the README: what one reads at once."""
VERDICTS = published()
OUTCOMES: dict[tuple[str, str], str] = {}
"""Of all runs of a test where these agree, else "split"."""
for v in VERDICTS:
    asked = (v.claim, v.asked)
    OUTCOMES[asked] = v.outcome if OUTCOMES.get(asked, v.outcome) == v.outcome else "split"
FORMER = {
    (claim, process): outcome
    for claim, process, outcome in re.findall(
        r"^\| (\w+) \| `(.*?)` \| (\w+) \|", (ROOT / "docs/results/first_edition.md").read_text(), re.M
    )
}
"""Those of the first edition of the rule of evidence, as they were published."""
FINDING = (
    r"\[(\w+)\]\(docs/results/(first_edition\.md|\w+\.md#\w+)\):\s+(\w+)\s+on\s+((?:[^()]|\([^()]*\))*)\)"
)
"""A verdict as the README names it: [BG1](link): supported on mess3, rrxor)."""


def untrue(text: str) -> list[str]:
    """Verdicts named in a text that were not published so."""
    found = []
    for claim, page, outcome, named in re.findall(FINDING, text):
        published = FORMER if page == "first_edition.md" else OUTCOMES
        for process in re.split(r",\s+(?![^(]*\))", named.strip()):
            if published.get((claim, process)) != outcome:
                found.append(f"{claim} on {process}: {outcome}")
    return found


def test_it_is_short():
    assert len(README.encode()) <= LONGEST


def test_the_code_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", README, re.S)
    names: dict = {}
    exec(block, names)
    said = [float(n) for n in re.search(r"# (\S+) and (\S+) nats", block).groups()]
    assert np.allclose([float(n) for n in capsys.readouterr().out.split()[:2]], said, atol=5e-5)
    assert (tmp_path / "my.json").exists()


def test_the_claim_of_the_theory_door_can_be_put_to_that_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", README, re.S)
    names: dict = {}
    exec(block, names)
    (claim,) = re.findall(r"toylab claim (\w+) --process my\.json", README)
    assert CLAIMS[claim].refusal(names["mine"], 10) is None


def test_commands_and_flags_exist():
    from analysis.commands.dispatch import COMMANDS
    from analysis.report import EXPERIMENTS

    shell = [block for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", README, re.S | re.M) if not kind]
    lines = [line for block in shell for line in block.splitlines()]
    asked = [line.partition("#")[0].split()[1:] for line in lines if line.startswith("toylab ")]
    assert len(asked) >= 7 and {command for command, *_ in asked} <= set(COMMANDS)
    assert {rest[0] for command, *rest in asked if command in ("run", "sweep")} <= {*EXPERIMENTS, "my.json"}
    assert {rest[0] for command, *rest in asked if command == "claim"} <= set(CLAIMS)
    targets = {line.split()[1] for line in lines if line.startswith("make ")}
    assert all(re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M) for target in targets)


def test_findings_are_the_published_verdicts():
    named = re.findall(FINDING, README)
    assert len(named) >= 5 and {outcome for _, _, outcome, _ in named} >= {"supported", "refuted"}
    assert untrue(README) == []


def test_the_start_page_tells_published_verdicts():
    start = (ROOT / "docs" / "start.md").read_text().replace("](results/", "](docs/results/")
    assert len(re.findall(FINDING, start)) >= 7 and untrue(start) == []


def test_a_planted_finding_is_caught():
    assert untrue("x ([BG1](docs/results/belief_geometry.md#bg1): refuted on mess3)")
    assert untrue("x ([BG1](docs/results/belief_geometry.md#bg1): invalid on no_process)")
    assert untrue("x ([BG1](docs/results/first_edition.md): refuted on mess3)")
    assert untrue("x ([BG1](docs/results/first_edition.md): supported on mess3, nemo)") == [
        "BG1 on nemo: supported"
    ]
    assert untrue("([CL1](docs/results/first_edition.md): refuted on ledger(K=128, g=4, p=0.5))") == []
    for (claim, process), outcome in OUTCOMES.items():
        page = f"docs/results/belief_geometry.md#{claim.lower()}"
        assert not untrue(f"x ([{claim}]({page}): {outcome} on {process})")


def test_what_is_generated_is_todays():
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    old = [str(file) for file, text in generate["pages"]().items() if file.read_text() != text]
    assert old == [], "run python docs/generate.py"
    designs = runpy.run_path(str(ROOT / "docs" / "designs.py"))
    assert designs["page"]() == (ROOT / "docs" / "designs.md").read_text(), "run python docs/designs.py"


def test_published_verdicts_are_of_todays_rules_and_found_by_the_commands(tmp_path):
    from analysis.report.verdicts import latest

    found, damaged = latest(tmp_path)  # of an empty store: those published under today's keys
    assert damaged == []
    assert set(OUTCOMES) - {(v.claim, v.asked) for v in found} == set(), (
        "python docs/generate.py STORE takes over new ones"
    )
    assert len(OUTCOMES) > sum(len(c.tested_on) for c in CLAIMS.values()) / 2


def test_tables_show_the_statistic_that_decided():
    """A criterion that is met says nothing of a claim that is refuted by another."""
    effect = runpy.run_path(str(ROOT / "docs" / "generate.py"))["effect"]
    for v in VERDICTS:
        told = effect(v)[0]
        if v.outcome in ("refuted", "undecided", "invalid"):
            assert told.split(": ")[0] in v.reason, (v.claim, v.asked, told)


@pytest.mark.parametrize(
    ("value", "form", "told"),
    [
        (-0.5, "", "-0.5"),
        (-0.5, "size", "0.5"),
        (np.log(18), "times", "18"),
        (-np.log(2), "times", "0.5"),
        (13.0, "times", "4e5"),
        (0.123, "percent", "12 %"),
    ],
)
def test_numbers_in_sentences(value, form, told):
    assert runpy.run_path(str(ROOT / "docs" / "instruments.py"))["spoken"](value, form) == told


def test_what_is_below_rounding_is_written_as_nothing():
    assert spread(Interval(8.9e-16, -8.9e-16, 2e-13)) == "0 [0, 2e-13]"
    assert spread(Interval(1.2e-28, -np.inf, np.inf)) == "0"
    assert tabled(-9.2e-17) == "0" and briefly(-3e-15) == "0"
    assert tabled(-2e-13) == "-2e-13" and briefly(2e-13) == "2e-13"
    pages = [*(ROOT / "docs" / "results").glob("*.md"), *(ROOT / "docs" / "papers").glob("*.md")]
    tiny = r"\de-(1[5-9]|[2-9]\d)\b"
    assert re.search(tiny, "8.882e-16") and not [p.name for p in pages if re.search(tiny, p.read_text())]


def test_a_number_is_told_in_a_form_that_there_is():
    with pytest.raises(ValueError, match="times, percent or size"):
        runpy.run_path(str(ROOT / "docs" / "instruments.py"))["spoken"](1.0, "halves")


def test_published_files_are_named_by_their_claim_and_process():
    name = runpy.run_path(str(ROOT / "docs" / "generate.py"))["name"]
    names = [name(v) for v in VERDICTS]
    assert len(set(names)) == len(names)
    assert all((ROOT / "analysis" / "published" / f"{n}.json").exists() for n in names)


PICTURES = [
    str((page.parent / picture).relative_to(ROOT))
    for page in (ROOT / "README.md", *sorted((ROOT / "docs" / "results").glob("*.md")))
    for picture in re.findall(r"!\[.*?\]\((\S*?)\)", page.read_text())
]


def test_every_family_has_its_page_with_a_figure_a_verdict():
    assert len(PICTURES) > len(VERDICTS)
    for of in FAMILIES:
        page = (ROOT / "docs" / "results" / f"{folder(of)}.md").read_text()
        mine = [v for v in VERDICTS if v.claim in {c.id for c in of.CLAIMS}]
        assert page.count("![") == len(mine)


def test_figures_of_verdicts_can_be_printed():
    """At 300 dots an inch: one whose numbers are gone would stay as it was once drawn."""
    files = sorted((ROOT / "docs" / "results").rglob("*.png"))
    coarse = [f.name for f in files if round(Image.open(f).info.get("dpi", (0, 0))[0]) < 300]
    assert len(files) > 100 and coarse == []


@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_exist(picture):
    assert (ROOT / picture).stat().st_size > 10_000


def test_what_is_committed_names_no_machine_and_no_registry():
    import subprocess

    files = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout.split()
    assert "README.md" in files
    for name in files:
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".txt", ".json", "") and path.is_file():
            assert not local(path.read_text()), name
    planted = "see {}home/me/x", "in `{}work/y`", "pip install --index{}url there", "index{}url = here"
    assert all(local(text.format(mark)) for text, mark in zip(planted, "//-_", strict=True))
    assert not local("see docs/work/x or https://example.org/home/me")


def local(text):
    """Whether a text names a place on some machine, or a registry of packages."""
    return bool(re.search(r"(?<![\w.])/(?:home|root|work)/\w|index[-_]url", text))


def test_what_was_found_is_told_of_every_claim_with_a_verdict_and_of_no_other():
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    told = generate["FOUND"]
    assert set(told["claims"]) == {v.claim for v in VERDICTS}
    assert set(told["in_all"]) == {folder(family(v.claim)) for v in VERDICTS}
    found = generate["published"]()
    for text in (*told["claims"].values(), *told["in_all"].values()):
        assert "{" not in generate["with_numbers"](text, found)


def test_numbers_of_what_was_found_are_the_published_ones():
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    found = generate["published"]()
    (verdict,) = [v for v in found["BG13"] if v.asked == "mess3" and v.setting.run == 1]
    second = verdict.criteria[1].interval.mean
    assert generate["with_numbers"]("x {BG13|mess3|1} y", found) == f"x {second:.2g} y"
    assert generate["with_numbers"]("{BG13|mess3|1; times}", found) == f"{np.exp(second):.2g}"
    (guarded,) = found["CL2"]  # whose process is written with semicolons
    first = guarded.criteria[0].interval.mean
    assert generate["with_numbers"](f"{{CL2|{guarded.asked}; size}}", found) == f"{abs(first):.2g}"
    with pytest.raises(ValueError):
        generate["with_numbers"]("{BG13|no_process}", found)
