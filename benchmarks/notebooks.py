"""What the notebooks of docs/notebooks print, beside what their pages say that they print.

`make docs` executes them, and an error in a cell is one; so is whatever a cell prints that is not what the
page shows below it. Numbers may differ by one in their last digit, for machines differ in last bits. What is
tagged `hide-output` may print anything.

    python -m benchmarks.notebooks   put what cells printed when they were last executed into the pages
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
EXECUTED = DOCS / "_build" / "jupyter_execute" / "notebooks"
MEANT = 20.0
"""Seconds of CPU that a notebook is meant to take, on cores with nothing else to do."""
CELL = re.compile(
    r"^```\{code-cell\}\n((?::tags:.*?\n\n)?)(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.S | re.M
)
NUMBER = re.compile(r"\d+\.?\d*(?:e[+-]?\d+)?")


@dataclass(frozen=True)
class Cell:
    """A cell of a page, and the text that the page shows below it; None where that may be anything."""

    code: str
    shown: str | None


def cells(page: str) -> list[Cell]:
    """The cells of a page, in order."""
    return [Cell(code, None if "hide-output" in tags else shown) for tags, code, shown in CELL.findall(page)]


def without_output(page: str) -> str:
    """The page without what it shows below its cells."""
    return CELL.sub(lambda found: f"```{{code-cell}}\n{found[1]}{found[2]}```\n", page)


def printed(cell: Any) -> str:
    """What an executed cell printed, its last value too, as text; what went to stderr is left out."""
    said = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            said.append(output.text)
        elif output.output_type in ("execute_result", "display_data"):
            said.append(output.data.get("text/plain", "") + "\n")
    return "".join(said)


def disagreements(page: str, notebook: Any) -> Iterator[str]:
    """Each cell of a page that, executed, prints something else than the page says. `notebook` is the page as
    it was executed (nbformat 4). Raises `ValueError` if it has other cells.
    """
    written, executed = cells(page), [cell for cell in notebook.cells if cell.cell_type == "code"]
    for i, (cell, ran) in enumerate(zip(written, executed, strict=True), 1):
        if cell.code.strip() != ran.source.strip():
            raise ValueError(f"cell {i} of the page is not what was executed: build the page again")
        if cell.shown is not None and not agree(printed(ran), cell.shown):
            yield f"cell {i} prints\n{printed(ran)}\nbut the page shows\n{cell.shown}"


def agree(printed: str, shown: str) -> bool:
    """Whether two texts are the same but for spaces at the ends of lines and one in the last digit of a
    number.
    """
    one, other = ("\n".join(line.rstrip() for line in text.strip().splitlines()) for text in (printed, shown))
    if NUMBER.sub("0", one) != NUMBER.sub("0", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= 1.001 * last_digit(b) for a, b in pairs if a != b)


def last_digit(number: str) -> float:
    """What one in the last digit of a written number is; nothing for whole ones, which are counts."""
    digits, _, exponent = number.partition("e")
    _, point, fraction = digits.partition(".")
    return 10.0 ** (int(exponent or 0) - len(fraction)) if point else 0.0


def rewritten(page: str, said: list[str]) -> str:
    """The page with what its cells printed."""
    left = iter(said)

    def cell(found: re.Match[str]) -> str:
        text = "\n".join(line.rstrip() for line in next(left, found[3] or "").strip("\n").splitlines())
        shown = f"\n```text\n{text}\n```\n" if text.strip() and "hide-output" not in found[1] else ""
        return f"```{{code-cell}}\n{found[1]}{found[2]}```\n{shown}"

    return CELL.sub(cell, page)


def main() -> None:
    """Rewrite every page that was executed, whether the build then passed or not."""
    import nbformat

    for file in sorted(EXECUTED.glob("*.ipynb")):
        page = DOCS / "notebooks" / f"{file.stem}.md"
        notebook = nbformat.read(file, as_version=4)
        executed = [printed(cell) for cell in notebook.cells if cell.cell_type == "code"]
        page.write_text(rewritten(page.read_text(), executed))


if __name__ == "__main__":
    sys.exit(main())
