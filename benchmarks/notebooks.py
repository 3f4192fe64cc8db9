"""The notebooks of docs/notebooks, each executed from its first cell to its last.

    python -m benchmarks.notebooks [--write] [NAME ...]

What a cell raises is an error, and so is whatever it prints that is not what the page shows below it; numbers
may differ by one in their last digit, for machines differ in last bits. What is tagged `hide-output` may
print anything. `--write` puts what cells print into the pages. `!toylab ..` and `!pytest ..` are what a
notebook says for a shell; here they are called without a new process. `%%writefile FILE` writes the rest of
its cell.
"""

import ast
import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"
MOST = 40.0
"""Seconds of CPU that a notebook may take: twice what it is meant to, for beside other work it takes that."""
CELL = re.compile(
    r"^```\{code-cell\}\n((?::tags:.*?\n\n)?)(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.S | re.M
)
NUMBER = re.compile(r"\d+\.?\d*(?:e[+-]?\d+)?")


@dataclass(frozen=True)
class Cell:
    """A cell of a page, and the text that the page shows below it; None where that may be anything."""

    code: str
    shown: str | None

    @property
    def python(self) -> str:
        """The cell without what only a notebook understands."""
        if self.code.startswith("%%writefile "):
            first, _, rest = self.code.partition("\n")
            return f"__import__('pathlib').Path({first.split()[1]!r}).write_text({rest!r}) and None"
        return re.sub(r"^( *)!(.*)$", lambda found: f"{found[1]}shell({found[2]!r})", self.code, flags=re.M)


def cells(page: str) -> list[Cell]:
    """The cells of a page, in order."""
    return [Cell(code, None if "hide-output" in tags else shown) for tags, code, shown in CELL.findall(page)]


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


def shell(line: str) -> None:
    """Call a command of the lab, or pytest, as a shell would. Raises `RuntimeError` if it fails."""
    command, *words = shlex.split(os.path.expandvars(line), comments=True)
    if command == "toylab":
        from analysis.commands.main import main as call
    elif command == "pytest":
        from pytest import main as call
    else:
        raise RuntimeError(f"`{line}`: notebooks call toylab and pytest alone")
    if (status := call(words)) != 0:
        raise RuntimeError(f"`{line}` ended with status {int(status)}")


def run(cell: Cell, names: dict[str, object], what: str, printed: io.StringIO) -> None:
    """Run a cell among the names of those before it; `printed` gets what it prints, its last value too."""
    tree = ast.parse(cell.python, what)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, what, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), what, "eval"), names)
            if value is not None:
                print(repr(value))


@contextlib.contextmanager
def imports_from(folder: str) -> Iterator[None]:
    """Find modules in a folder for a while, as whoever starts Python there."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(folder):
                del sys.modules[name]


def execute(page: str, name: str) -> tuple[list[str], list[str]]:
    """Run all cells of a page in an empty folder: what each printed, and what is wrong. Nothing is run after
    a cell that raises.
    """
    names: dict[str, object] = {"__name__": "__main__", "shell": shell}
    printed, wrong = [], list[str]()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), imports_from(folder):
        for i, cell in enumerate(cells(page), 1):
            what, said = f"{name}, cell {i}", io.StringIO()
            try:
                run(cell, names, what, said)
            except BaseException as error:  # SystemExit too: a notebook goes on to its end
                if isinstance(error, KeyboardInterrupt):
                    raise
                wrong.append(f"{what}:\n{cell.code}\n{said.getvalue()}\n{traceback.format_exc()}")
                break
            printed.append(said.getvalue())
            if cell.shown is not None and not agree(printed[-1], cell.shown):
                wrong.append(f"{what} prints\n{printed[-1]}\nbut the page shows\n{cell.shown}")
    return printed, wrong


def rewritten(page: str, printed: list[str]) -> str:
    """The page with what its cells printed."""
    left = iter(printed)

    def cell(found: re.Match[str]) -> str:
        said = next(left, found[3] or "")
        text = "\n".join(line.rstrip() for line in said.strip("\n").splitlines())
        shown = f"\n```text\n{text}\n```\n" if text.strip() and "hide-output" not in found[1] else ""
        return f"```{{code-cell}}\n{found[1]}{found[2]}```\n{shown}"

    return CELL.sub(cell, page)


def main(argv: list[str]) -> int:
    """Run the notebooks, and tell what each cost."""
    os.environ |= {"MPLBACKEND": "agg", "COLUMNS": "100", "NO_COLOR": "1", "OPENBLAS_NUM_THREADS": "1"}
    write = "--write" in argv
    asked = [name for name in argv if name != "--write"]
    failed = 0
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache  # what others left there would make it cheaper than it is
        import train

        train.use_all_cores()  # as commands do, which would be too late after the first notebook
        for file in sorted(FOLDER.glob("*.md")):
            if asked and not any(name in file.stem for name in asked):
                continue
            page, begun = file.read_text(), time.process_time()
            printed, wrong = execute(page, file.name)
            took = time.process_time() - begun
            if write:
                file.write_text(rewritten(page, printed))
                wrong = [said for said in wrong if "Traceback" in said]
            if took > MOST:
                wrong.append(f"{file.name} takes {took:.1f} seconds of CPU; it may take {MOST:.0f}")
            print(f"{file.name:<32}{len(printed)} cells, {took:.1f} s of CPU", *wrong, sep="\n", flush=True)
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
