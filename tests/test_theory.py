"""Docstrings link to derivations that are there, every derivation is linked to, and formulas can be drawn."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def formulas(text: str) -> Iterator[tuple[str, bool]]:
    """Formulas of a page, and whether each is displayed; what is code is none."""
    plain = re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.S)
    for block, inline in re.findall(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", plain, re.S):
        yield (block or inline).strip(), bool(block)


def test_formulas_can_be_drawn():
    tex2mathml = pytest.importorskip(
        "docutils.utils.math.latex2mathml", reason="the extra `docs` is not installed: pip install '.[docs]'"
    ).tex2mathml
    pages = [f for f in (ROOT / "docs").rglob("*.md") if "_build" not in f.parts]
    found = [formula for page in pages for formula in formulas(page.read_text())]
    assert len(found) > 50
    for text, displayed in found:
        tex2mathml(text, as_block=displayed)
    (planted,) = formulas("as $a \\dots b$ and `$c$`")
    with pytest.raises(Exception, match="Unknown LaTeX command"):
        tex2mathml(planted[0], as_block=planted[1])
