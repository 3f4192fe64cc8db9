"""Notebooks: what runs them is right about cells, output and errors, and every page can be read.

They themselves are executed by `make notebooks`.
"""

import ast
import re
from pathlib import Path

import pytest

from benchmarks.notebooks import FOLDER, agree, cells, execute, main, rewritten

PAGES = sorted(FOLDER.glob("*.md"))
ROOT = Path(__file__).parents[1]


def page(*code: str, shown: str = "") -> str:
    return "\n".join(f"```{{code-cell}}\n{c}\n```\n" for c in code) + (
        f"\n```text\n{shown}\n```\n" if shown else ""
    )


def test_there_is_one_for_each_user_and_ci_runs_them():
    assert [file.name[:2] for file in PAGES] == [f"{n}_" for n in range(1, 6)]
    assert re.search(r"^notebooks: .*\n\t.*benchmarks\.notebooks$", (ROOT / "Makefile").read_text(), re.M)
    assert "notebooks" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.stem)
def test_every_cell_can_be_read(file):
    text = file.read_text()
    found = cells(text)
    assert len(found) == text.count("```{code-cell}") >= 8
    for cell in found:
        ast.parse(cell.python)
    assert text.startswith("---\njupytext:")  # so that Jupyter opens it


def test_cells_go_on_from_each_other_and_their_last_value_is_printed():
    printed, wrong = execute(page("a = 1", "print(a)\na + 1", shown="1\n2"), "a page")
    assert (printed, wrong) == (["", "1\n2\n"], [])


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("!toylab process no_such_process", "ended with status 2"),
        ("!rm nothing", "notebooks call toylab and pytest alone"),
        ("print(1)", "but the page shows"),
    ],
)
def test_what_goes_wrong_in_a_cell_is_told(code, told):
    _, wrong = execute(page(code), "a page")
    assert len(wrong) == 1 and wrong[0].startswith("a page, cell 1") and told in wrong[0]


def test_a_file_is_written_and_a_module_found_in_a_folder_that_is_gone_afterwards():
    _, wrong = execute(
        page("%%writefile own_module.py\nx = 3", "import own_module\nassert own_module.x == 3"), "p"
    )
    assert wrong == []
    _, wrong = execute(page("import own_module"), "p")
    assert "ModuleNotFoundError" in wrong[0]


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
    printed, wrong = execute(old, "p")
    assert len(wrong) == 1 and execute(rewritten(old, printed), "p")[1] == []
    assert "```text\n1\n```" in rewritten(old, printed) and "text\n5" not in rewritten(old, printed)


def test_an_error_is_the_status_of_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.notebooks.FOLDER", tmp_path)
    monkeypatch.setattr("train.use_all_cores", lambda: None)
    monkeypatch.setattr("os.environ", {**__import__("os").environ})
    (tmp_path / "1_good.md").write_text(page("1 + 1", shown="2"))
    assert main([]) == 0
    (tmp_path / "2_bad.md").write_text(page("1 / 0"))
    assert main([]) == 1 and main(["good"]) == 0
    assert "ZeroDivisionError" in capsys.readouterr().out
