"""The README is true: its code runs, its tree is today's, its numbers are those of the committed reports, its
pictures exist.
"""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_code_runs(recipe, tmp_path, capsys):
    import train

    run = train.open_run(tmp_path / "run", recipe)
    for _ in run.train():
        pass
    names = {"folder": run.path}
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(blocks) == 5
    for block in blocks:
        exec(block, names)
    assert "inconclusive 2 trained networks" in capsys.readouterr().out
    assert names["verdict"].claim == "EARLY"


def test_tree_and_results_are_todays():
    made = runpy.run_path(str(ROOT / "docs" / "readme.py"))
    assert made["written"](README) == README, "run python docs/readme.py"
    assert made["all_results"]() == (ROOT / "docs" / "results.md").read_text(), "run python docs/readme.py"
    designs = runpy.run_path(str(ROOT / "docs" / "designs.py"))
    assert designs["page"]() == (ROOT / "docs" / "designs.md").read_text(), "run python docs/designs.py"


def test_published_verdicts_are_of_todays_rules():
    import json

    from analysis.families import CLAIMS
    from analysis.lab import Trial

    verdicts = [json.loads(f.read_text()) for f in (ROOT / "analysis" / "published").glob("*.json")]
    keys = {(v["claim"], v["asked"]): v["key"] for v in verdicts}
    today = {(c.id, process): Trial(c, process).key for c in CLAIMS.values() for process in c.tested_on}
    assert {name: key for name, key in keys.items() if today.get(name) != key} == {}, (
        "python docs/readme.py STORE takes over new ones"
    )
    assert len(keys) > len(today) / 2


RESULTS = [
    f"docs/{picture}"
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", (ROOT / "docs" / "results.md").read_text())
]


@pytest.mark.parametrize("picture", re.findall(r"!\[.*?\]\((.*?)\)", README) + RESULTS)
def test_pictures_exist(picture):
    assert (ROOT / picture).stat().st_size > 10_000


def test_what_is_committed_names_no_machine_and_no_registry():
    import subprocess

    files = subprocess.run(
        ["git", "ls-files"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout.split()
    for name in files:
        path = ROOT / name
        if path.suffix in (".py", ".md", ".toml", ".txt", ".json", "") and path.is_file():
            text = path.read_text()
            assert not re.search(r"(?<![\w.])/(?:home|root|work)/\w", text), name
            assert not re.search(r"index[-_]url", text) or name == "tests/test_readme.py", name
