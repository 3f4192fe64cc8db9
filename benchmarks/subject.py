"""How much of the house is about its subject: python -m benchmarks.subject

Subject is mathematics, networks, training, probes, claims and figures. Plumbing is what would stand in a
house about anything else: PLUMBING lists its files, whole ones, by what they are for. In all other files it
is found line by line: functions that only check or refuse, an `if` that does nothing but raise, a call of a
check, what reads or writes JSON, and names of an earlier release. Every line that is not blank counts,
docstrings and imports with what they stand in.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("processes", "toy", "train", "analysis")
SUBJECT = "subject"
PLUMBING = {
    "checks": ("*/errors.py", "processes/values/checks.py", "processes/values/arrays.py")
    + ("toy/checks.py", "toy/inputs.py", "analysis/commands/refusal.py"),
    "files": ("processes/interchange/*", "processes/values/*_file.py", "train/runs/*")
    + ("analysis/claim/shown.py", "analysis/figures/record.py", "analysis/lab.py")
    + ("analysis/report/__init__.py",),
    "identity": ("processes/values/*", "processes/names/former.py", "analysis/keys/*"),
    "language": ("processes/names/*",),
    "earlier names": ("*/earlier_names.py", "processes/values/earlier.py", "analysis/commands/takeover.py")
    + ("processes/names/earlier_functions.py", "analysis/commands/migrate.py"),
    "commands": ("analysis/commands/*", "analysis/__main__.py", "analysis/families.py", "train/sweeps/*"),
    "environment": ("train/machine/*", "train/sweeps/cluster.py"),
    "exports": ("*/__init__.py",),
}
"""Files by what they are for; of several that fit, the kind whose pattern is the longest."""
BUT = ("processes/names/catalogue.py",)
"""Files that a pattern names and that are about the subject all the same: processes of the literature."""
CHECKS = ("check", "_check", "refuse", "_refuse")
"""How functions begin that only check."""
CALLED = ("fitted", "check_range", "check_fields", "check_key", "check_params", "checked")
FORMATS = ("to_json", "from_json", "read_json", "write_json")
EARLIER = ("EARLIER", "__getattr__", "FORMER")


def kind_of_file(file: str) -> str:
    """What a whole file is for."""
    patterns = [(pattern, kind) for kind, patterns in PLUMBING.items() for pattern in patterns]
    fitting = [(len(pattern), kind) for pattern, kind in patterns if fnmatch(file, pattern)]
    return max(fitting)[1] if fitting and file not in BUT else SUBJECT


def kind_of(node: ast.AST) -> str | None:
    """What a statement is for, where it says so itself."""
    match node:
        case ast.FunctionDef(name=name) if name.startswith(CHECKS):
            return "checks"
        case ast.FunctionDef(name=name) if name in FORMATS:
            return "files"
        case ast.If(body=[*_, ast.Raise()], orelse=[]) if len(node.body) == 1:
            return "checks"
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if (
            name in EARLIER
        ):
            return "earlier names"
        case ast.Assign(value=value) | ast.Expr(value=value) if _calls(value):
            return "checks"
    return None


def _calls(value: ast.expr) -> bool:
    """Whether an expression is a check, or several."""
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    called = [part.func for part in parts if isinstance(part, ast.Call)]
    names = [f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in called]
    return bool(names) and len(names) == len(parts) and all(name in CALLED for name in names)


def _parts(node: ast.AST) -> Iterator[tuple[str, int, int]]:
    """Stretches of lines that are plumbing, the outermost of each."""
    for child in ast.iter_child_nodes(node):
        if kind := kind_of(child):
            yield kind, child.lineno, child.end_lineno or child.lineno
        else:
            yield from _parts(child)


def counted(file: str, text: str) -> Counter[str]:
    """Lines of a file that are not blank, by what they are for."""
    lines = text.splitlines()
    kinds = [kind_of_file(file)] * len(lines)
    if kinds and kinds[0] == SUBJECT:
        for kind, first, last in _parts(ast.parse(text)):
            kinds[first - 1 : last] = [kind] * (last - first + 1)
    return Counter(kind for kind, line in zip(kinds, lines, strict=True) if line.strip())


def main() -> None:
    """Print the lines of every room by what they are for, and the largest files of plumbing."""
    columns = (SUBJECT, *PLUMBING)
    print(f"{'':<10}{'share':>7}" + "".join(f"{c:>15}" for c in columns))
    total: Counter[str] = Counter()
    largest: list[tuple[int, str]] = []
    for room in ROOMS:
        here: Counter[str] = Counter()
        for path in sorted((ROOT / room).rglob("*.py")):
            file = str(path.relative_to(ROOT))
            found = counted(file, path.read_text())
            here += found
            largest.append((found.total() - found[SUBJECT], file))
        total += here
        _print(room, here, columns)
    _print("all", total, columns)
    for lines, file in sorted(largest, reverse=True)[:20]:
        print(f"{lines:>6}  {kind_of_file(file):<14} {file}")


def _print(room: str, found: Counter[str], columns: tuple[str, ...]) -> None:
    print(f"{room:<10}{found[SUBJECT] / found.total():>7.1%}" + "".join(f"{found[c]:>15}" for c in columns))


if __name__ == "__main__":
    main()
