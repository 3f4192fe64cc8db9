"""Notebooks: what compares them is right about cells and output, and every page can be read.

They themselves are executed by `make docs`.
"""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.notebooks import DOCS, agree, cells, disagreements, printed, rewritten, without_output

PAGES = sorted((DOCS / "notebooks").glob("*.md"))
ROOT = Path(__file__).parents[1]


def page(*code: str, shown: str = "") -> str:
    return "\n".join(f"```{{code-cell}}\n{c}\n```\n" for c in code) + (
        f"\n```text\n{shown}\n```\n" if shown else ""
    )


def said(*text: str, name: str = "stdout") -> list[SimpleNamespace]:
    return [SimpleNamespace(output_type="stream", name=name, text=part) for part in text]


def executed(*ran: tuple[str, list[SimpleNamespace]]) -> SimpleNamespace:
    """A notebook of these cells, source and outputs, with words between them."""
    code = [SimpleNamespace(cell_type="code", source=source, outputs=outputs) for source, outputs in ran]
    return SimpleNamespace(cells=[SimpleNamespace(cell_type="markdown"), *code])


def test_there_is_one_for_each_user_and_ci_executes_them():
    assert [file.name[:2] for file in PAGES] == [f"{n}_" for n in range(1, 6)]
    assert re.search(r"^docs: .*\n\t.*-m sphinx -W ", (ROOT / "Makefile").read_text(), re.M)
    assert re.search(r"^make .*\bdocs\b", (ROOT / ".ci" / "run").read_text(), re.M)


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_every_cell_can_be_read(file):
    text = file.read_text()
    found = cells(text)
    assert len(found) == text.count("```{code-cell}") >= 8
    assert text.startswith("---\njupytext:")  # so that Jupyter opens it
    assert not any(line.startswith("!") for cell in found for line in cell.code.splitlines()), (
        "a command that fails is no error after `!`: write %%sh"
    )


def test_a_cell_printed_its_streams_and_its_last_value_but_not_its_errors():
    value = SimpleNamespace(output_type="execute_result", data={"text/plain": "3", "text/html": "<b>3</b>"})
    cell = SimpleNamespace(outputs=[*said("1\n", "2\n"), *said("a warning", name="stderr"), value])
    assert printed(cell) == "1\n2\n3\n"


def test_a_cell_that_prints_something_else_than_its_page_shows_is_told():
    text = page("a = 1", "print(a)", shown="1")
    assert list(disagreements(text, executed(("a = 1", []), ("print(a)", said("1\n"))))) == []
    (wrong,) = disagreements(text, executed(("a = 1", []), ("print(a)", said("2\n"))))
    assert wrong.startswith("cell 2 prints\n2") and "the page shows\n1" in wrong
    (wrong,) = disagreements(text, executed(("a = 1", said("more\n")), ("print(a)", said("1\n"))))
    assert wrong.startswith("cell 1 prints\nmore")


def test_what_was_executed_is_what_the_page_has():
    with pytest.raises(ValueError, match="cell 1 of the page is not what was executed"):
        list(disagreements(page("a = 1"), executed(("a = 2", []))))


def test_what_is_hidden_may_be_anything():
    text = "```{code-cell}\n:tags: [hide-output]\n\nprint(1)\n```\n"
    assert list(disagreements(text, executed(("print(1)", said("anything"))))) == []


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ("R2 0.123\n", "R2 0.123", True),
        ("R2 0.124", "R2 0.123", True),
        ("R2 0.125", "R2 0.123", False),
        ("3 states", "4 states", False),
        ("1.2e-05", "1.3e-05", True),
        ("1.2e-05", "1.2e-04", False),
        ("a  \nb", "a\nb\n", True),
        ("a", "b", False),
        ("1 2", "1", False),
    ],
)
def test_output_agrees_but_for_one_in_a_last_digit(printed, shown, same):
    assert agree(printed, shown) is same


def test_pages_are_given_what_their_cells_print():
    old = page("print(1)", shown="2") + "\n```{code-cell}\n:tags: [hide-output]\n\nprint(5)\n```\n"
    new = rewritten(old, ["1\n", "5\n"])
    assert "```text\n1\n```" in new and "text\n5" not in new
    assert list(disagreements(new, executed(("print(1)", said("1\n")), ("print(5)", said("6\n"))))) == []


def test_the_site_shows_what_was_printed_in_place_of_what_the_page_says():
    old = page("print(1)", shown="2") + "\n```text\nno output\n```\n"
    assert "2" not in (left := without_output(old)) and "no output" in left
    assert cells(left)[0].code == "print(1)\n"
