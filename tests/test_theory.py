"""Docstrings link to derivations that are there, and every derivation is linked to."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("processes", "toy", "train", "analysis")
PAGES = {p.name for p in (ROOT / "docs" / "theory").glob("*.md")} - {"index.md"}


def linked(text: str) -> set[str]:
    return set(re.findall(r"docs/theory/(\w+\.md)", text))


def test_derivations_and_links_to_them_are_the_same():
    found = set[str]().union(*(linked(f.read_text()) for room in ROOMS for f in (ROOT / room).rglob("*.py")))
    assert found == PAGES and len(PAGES) > 4
    assert set(re.findall(r"\]\((\w+\.md)\)", (ROOT / "docs" / "theory" / "index.md").read_text())) == PAGES
    assert linked("see docs/theory/nowhere.md") - PAGES  # a planted one is seen
