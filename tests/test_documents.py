"""The documents are true: the code of the tutorials runs, and whatever a page points to exists."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIALS = (
    "start",
    "processes",
    "networks",
    "training",
    "constraints",
    "simulators",
    "claims",
    "scale",
    "model_organisms",
    "mechanisms",
)
HISTORY = {"docs/log.md"}
"""Pages that speak of files as they were."""
FILES = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    capture_output=True,
    text=True,
    cwd=ROOT,
    check=True,
).stdout.split("\n")
PAGES = [name for name in FILES if name.endswith(".md") and (ROOT / name).exists()]
OURS = r"(?:processes|toy|train|analysis|tests|benchmarks|docs)/[\w./-]*|[\w.-]+\.(?:py|md|bib|cff|toml)"
"""What in backticks looks like a path of ours: one that begins with a room, or the bare name of a source
file."""


def blocks(page: str) -> list[str]:
    """The Python blocks of a page of Markdown."""
    return re.findall(r"```python\n(.*?)```", page, re.S)


def prose(page: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page, flags=re.S | re.M)


def anchors(page: str) -> set[str]:
    """What the headings of a page can be linked by."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: str, at: Path) -> list[str]:
    """Relative links of a page, and paths in its backticks, that lead nowhere; `at` is the page's own
    folder."""
    text, found = prose(page), []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, section = target.partition("#")
        file = (at / path).resolve()
        there = page if not path else file.read_text() if file.suffix == ".md" and file.exists() else ""
        if (path and not file.exists()) or (section and section not in anchors(there)):
            found.append(target)
    for path in re.findall(rf"`({OURS})`", text):
        known = (ROOT / path).exists() if "/" in path else any(f.rpartition("/")[2] == path for f in FILES)
        if not known:
            found.append(path)
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("page", TUTORIALS)
def test_the_blocks_of_a_tutorial_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    code = blocks((ROOT / "docs" / f"{page}.md").read_text())
    assert len(code) >= (1 if page == "start" else 3)
    for i, block in enumerate(code):
        exec(compile(block, f"docs/{page}.md, block {i + 1}", "exec"), names)


def test_what_pages_point_to_exists():
    found = {
        page: broken((ROOT / page).read_text(), (ROOT / page).parent) for page in PAGES if page not in HISTORY
    }
    assert {page: links for page, links in found.items() if links} == {}


@pytest.mark.parametrize(
    "planted",
    [
        "see [this](nowhere.md)",
        "see [this](../README.md#no-such-heading)",
        "see [this](#no-such-heading)",
        "![a picture](figures/none.png)",
        "the file `processes/nowhere.py`",
        "the folder `analysis/claims/`",
        "the test `test_of_nothing.py`",
    ],
)
def test_a_planted_broken_pointer_is_caught(planted):
    assert broken(f"# Title\n\n{planted}\n", ROOT / "docs")


def test_what_is_no_pointer_of_ours_is_left_alone():
    text = (
        "[a](https://example.org) `recipe.json` `my.json` `T[x, i, j]` "
        "[b](#title)\n```\n`processes/none.py`\n```"
    )
    assert broken(f"# Title\n\n{text}\n", ROOT / "docs") == []


def empty_tables(page: str) -> list[str]:
    """Heads of tables of Markdown without a row."""
    return re.findall(r"^(\|.*\|)\n\|[-:| ]+\|\n(?!\|)", page + "\n", re.M)


def test_no_table_is_empty():
    assert empty_tables("| a | b |\n|---|---|\n\nNothing.") == ["| a | b |"]
    assert not empty_tables("| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert not {name: heads for name in PAGES if (heads := empty_tables((ROOT / name).read_text()))}
