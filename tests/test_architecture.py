"""The house itself: who imports whom, where things stand, how large they are, and what importing does."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import train
from analysis.claim import Claim
from analysis.families import FAMILIES, drawings, folder
from processes.values.user_cache import user_cache

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "processes": {"processes"},
    "toy": {"toy"},
    "train": {"train", "processes", "toy"},
    "analysis": {"analysis", "train", "processes", "toy"},
}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "base"}
FILES = [f for room in ALLOWED for f in sorted((ROOT / room).rglob("*.py"))]


def broken(source: str, room: str) -> list[str]:
    """Imports in `source` that a file of `room` may not make."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            continue
        names = (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        tops = {name.split(".")[0] for name in names}
        found += [
            t for t in tops & set(ALLOWED) if t not in ALLOWED[room] or t == room
        ]  # inside a room imports are relative
        found += [t for t in tops if room == "processes" and t in {"jax", "flax", "optax"}]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_imports_go_down_the_ladder(file):
    assert broken(file.read_text(), file.relative_to(ROOT).parts[0]) == []


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("processes", "import jax"),
        ("processes", "from toy import network"),
        ("toy", "import processes"),
        ("train", "import analysis.instruments.probing.probe"),
        ("toy", "import toy"),
    ],
)
def test_a_planted_upward_import_is_caught(room, line):
    assert broken(line, room)


Graph = dict[str, set[str]]
"""Who imports whom."""


def module_name(file: Path, root: Path) -> str:
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imports(name: str, file: Path, known: set[str]) -> set[str]:
    """The modules among `known` that a module imports, those inside functions too, but for type checkers."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.ImportFrom):
                parts = package.split(".")
                above = parts[: len(parts) - child.level + 1] if child.level else []
                base = ".".join([*above, *([child.module] if child.module else [])])
                names = {f"{base}.{alias.name}" for alias in child.names}
                found.update(n if n in known else base for n in names)
            elif isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            visit(child)

    visit(ast.parse(file.read_text()))
    return (found & known) - {name}


def graph(root: Path, rooms: Iterable[str]) -> Graph:
    files = {module_name(f, root): f for room in rooms for f in sorted((root / room).rglob("*.py"))}
    return {name: imports(name, file, set(files)) for name, file in files.items()}


def circles(arrows: Graph) -> list[list[str]]:
    """Modules that reach each other, each circle once."""
    names = sorted(arrows)
    at = {name: i for i, name in enumerate(names)}
    pairs = [(at[a], at[b]) for a, targets in arrows.items() for b in targets if b in at]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    shape = (len(names), len(names))
    matrix = scipy.sparse.coo_array((np.ones(len(pairs)), (rows, columns)), shape=shape)
    _, label = scipy.sparse.csgraph.connected_components(matrix, directed=True, connection="strong")
    groups = [[n for n, k in zip(names, label, strict=True) if k == group] for group in set(label)]
    return sorted(group for group in groups if len(group) > 1)


def between_folders(arrows: Graph, depth: int = 1) -> Graph:
    """The same of what stands at the top of a room, its files and its folders; deeper, of what stands in one
    folder.
    """

    def place(name: str) -> list[str]:
        return name.split(".")[: depth + 1]

    found: Graph = {}
    for name, targets in arrows.items():
        here = place(name)
        near = [place(t) for t in targets if place(t)[:depth] == here[:depth] and place(t) != here]
        if len(here) > depth:
            found.setdefault(".".join(here), set()).update(".".join(t) for t in near if len(t) > depth)
    return found


@cache
def house() -> Graph:
    return graph(ROOT, ALLOWED)


def test_nobody_imports_in_a_circle():
    assert circles(house()) == []


def test_no_arrow_goes_up_between_the_folders_of_a_room():
    assert circles(between_folders(house())) == []


def test_no_arrow_goes_up_between_the_rooms_of_instruments():
    arrows = {name: to for name, to in house().items() if name.startswith("analysis.instruments.")}
    assert circles(between_folders(arrows, depth=2)) == []


def test_planted_circles_are_caught(tmp_path):
    files = {
        "a/__init__.py": "",
        "a/one.py": "from . import two",
        "a/two.py": "def f():\n    from .one import g",
        "b/__init__.py": "",
        "b/low/__init__.py": "",
        "b/low/x.py": "from ..high.y import z",
        "b/low/w.py": "",
        "b/high/__init__.py": "",
        "b/high/y.py": "from ..low import w",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    planted = graph(tmp_path, ("a", "b"))
    assert circles(planted) == [["a.one", "a.two"]]
    assert ["b.high", "b.low"] in circles(between_folders(planted))
    deeper = {f"a.{name}": {f"a.{target}" for target in to} for name, to in planted.items()}
    assert ["a.b.high", "a.b.low"] in circles(between_folders(deeper, depth=2))


MOST_LINES, MOST_OF_A_FUNCTION = 300, 60


def too_long(source: str) -> list[str]:
    """What of a file is longer than one reads at a sitting."""
    tree, lines = ast.parse(source), source.count("\n")
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [f.name for f in functions if f.end_lineno - f.lineno + 1 > MOST_OF_A_FUNCTION]
    return [*long, *([f"{lines} lines"] if lines > MOST_LINES else [])]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_files_and_functions_are_short(file):
    assert too_long(file.read_text()) == []


def test_planted_length_is_caught():
    assert too_long("x = 1\n" * 301) == ["301 lines"]
    assert too_long("def f():\n" + "    x = 1\n" * 60) == ["f"]


def begins(claims: Iterable[Claim]) -> str:
    """The letters with which the ids of a family's claims begin, as files have them; raises where these
    differ.
    """
    (letters,) = {re.match("[A-Z]+", claim.id)[0].lower() for claim in claims}
    return letters


FAMILY = {folder(of): begins(of.CLAIMS) for of in FAMILIES}
"""The folder of a family, and how its ids begin."""


def claims_in(source: str) -> list[str]:
    """Names that a file gives to claims."""
    assigned = [n for n in ast.parse(source).body if isinstance(n, ast.Assign | ast.AnnAssign)]
    made = [n for n in assigned if isinstance(n.value, ast.Call) and "Claim" in ast.unparse(n.value.func)]
    return [ast.unparse(n.targets[0] if isinstance(n, ast.Assign) else n.target) for n in made]


def misplaced(file: str, source: str, begins: str) -> bool:
    """Whether a file of a family holds another claim than the one that its name begins with."""
    stated = [claim.lower() for claim in claims_in(source)]
    head = re.match(rf"({begins})0*(\d+)_", file)
    return bool(stated) and stated != ([f"{head[1]}{head[2]}"] if head else [])


def misnamed(arrows: Graph, claims: set[str]) -> list[str]:
    """Files beside claims that one claim alone uses and that do not begin with its id as it does, and such as
    begin with an id and are not that claim's alone.
    """
    users: Graph = {}
    for name, targets in arrows.items():
        for target in targets:
            users.setdefault(target, set()).add(name)

    def begins(name: str) -> str:
        return name.rpartition(".")[2].partition("_")[0]

    def within(name: str) -> str:
        return name.rpartition(".")[0]

    def alone(name: str) -> str | None:
        found, left = set(), [name]
        while left:
            new = users.get(left.pop(), set()) - found
            found |= new
            left += [user for user in new - claims if within(user) == within(name)]
        outside = [user for user in found if within(user).removesuffix(".panels") != within(name)]
        ids = {begins(claim) for claim in found & claims}
        return ids.pop() if len(ids) == 1 and not outside else None

    ids, beside = {begins(claim) for claim in claims}, {within(claim) for claim in claims}
    files = [name for name in sorted(arrows) if within(name) in beside and name not in claims]
    return [name for name in files if alone(name) != (begins(name) if begins(name) in ids else None)]


@pytest.mark.parametrize("family", FAMILY)
def test_a_claim_is_a_file_that_begins_with_its_id(family):
    files = sorted((ROOT / "analysis" / family).glob("*.py"))
    assert [f.name for f in files if misplaced(f.name, f.read_text(), FAMILY[family])] == []


def test_a_misplaced_claim_is_caught():
    assert misplaced("bg05_thing.py", "BG4 = Claim(id='BG4')", "bg")
    assert misplaced("thing.py", "BG4: Claim[A, B] = Claim(id='BG4')", "bg")
    assert not misplaced("bg04_thing.py", "X = 1", "bg")  # whether it is that claim's is asked below
    assert not misplaced("bg04_thing.py", "BG4 = Claim(id='BG4')", "bg")


def test_what_one_claim_uses_begins_with_its_id():
    files = [f for family in FAMILY for f in (ROOT / "analysis" / family).glob("*.py")]
    claims = {module_name(f, ROOT) for f in files if claims_in(f.read_text())}
    assert misnamed(house(), claims) == []


def test_what_is_called_after_a_claim_and_is_not_its_alone_is_caught():
    claims = {"a.bees.be01_dance", "a.bees.be02_honey"}
    arrows = {
        "a.bees": {"a.bees.be01_dance", "a.bees.be02_honey", "a.bees.overview"},
        "a.bees.be01_dance": {"a.bees.be01_steps", "a.bees.flight", "a.bees.be01_wings", "a.bees.turns"},
        "a.bees.be02_honey": {"a.bees.be01_wings", "a.bees.flight", "a.bees.be2_wax", "a.bees.hive"},
        "a.bees.be01_steps": {"a.bees.be01_air"},
        "a.bees.overview": {"a.bees.hive"},
        "a.bees.panels.be01_dance": {"a.bees.be01_steps"},
    }
    plain = ("flight", "hive", "turns", "be01_air", "be01_wings", "be2_wax")
    arrows |= {f"a.bees.{name}": set() for name in plain}
    assert misnamed(arrows, claims) == ["a.bees.be01_wings", "a.bees.be2_wax", "a.bees.turns"]


def test_ids_of_a_family_begin_alike_and_those_of_two_do_not():
    assert len(set(FAMILY.values())) == len(FAMILY)
    with pytest.raises(ValueError, match="too many"):
        begins([SimpleNamespace(id="BG1"), SimpleNamespace(id="CL2")])


def test_every_claim_that_a_file_states_is_listed_by_its_family():
    for of in FAMILIES:
        files = (ROOT / "analysis" / folder(of)).glob("*.py")
        stated = {claim for file in files for claim in claims_in(file.read_text())}
        assert stated == {claim.id for claim in of.CLAIMS}, folder(of)


def lacking(of: Any, drawn: Any) -> list[str]:
    """What a family does not give, or the module that draws for it, of what `analysis/families.py` asks."""
    asked = [(of, "QUESTION", str), (of, "CLAIMS", tuple), (drawn, "PANELS", dict)]
    found = [name for place, name, kind in asked if not isinstance(getattr(place, name, None), kind)]
    uncalled = (place for place in (of, drawn) if not callable(getattr(place, "overview", None)))
    found += [f"{place.__name__}.overview" for place in uncalled]
    if not found:
        known = {claim.id for claim in of.CLAIMS}
        found += [f"a panel of {id}, which is no claim of it" for id in drawn.PANELS if id not in known]
    return found


@pytest.mark.parametrize("of", FAMILIES, ids=folder)
def test_a_family_gives_what_the_lab_asks_of_it(of):
    assert lacking(of, drawings(of)) == []


def test_a_family_that_lacks_something_is_caught():
    of = {"__name__": "new", "QUESTION": "?", "CLAIMS": (SimpleNamespace(id="NW1"),), "overview": len}
    drawn = {"__name__": "new.panels", "PANELS": {"NW1": len}, "overview": len}
    assert lacking(SimpleNamespace(**of), SimpleNamespace(**drawn)) == []
    for name in ("QUESTION", "CLAIMS", "overview"):
        without = {key: value for key, value in of.items() if key != name}
        assert name in lacking(SimpleNamespace(**without), SimpleNamespace(**drawn))[0]
    for name in ("PANELS", "overview"):
        without = {key: value for key, value in drawn.items() if key != name}
        assert name in lacking(SimpleNamespace(**of), SimpleNamespace(**without))[0]
    assert lacking(SimpleNamespace(**of), SimpleNamespace(**drawn | {"PANELS": {"NW2": len}}))
    assert lacking(SimpleNamespace(**of | {"overview": train}), SimpleNamespace(**drawn)) == ["new.overview"]


def across(arrows: Graph, families: Iterable[str]) -> list[tuple[str, str]]:
    """Imports of one family's module by another's."""

    def family(name: str) -> str | None:
        room, _, rest = name.partition(".")
        top = rest.partition(".")[0]
        return top if room == "analysis" and top in families else None

    arrow = [(name, target) for name, targets in arrows.items() for target in sorted(targets)]
    return [(a, b) for a, b in arrow if family(a) and family(b) and family(a) != family(b)]


def test_families_do_not_import_each_other():
    """What two families use stands beside them."""
    assert across(house(), FAMILY) == []


def test_a_family_that_imports_another_is_caught():
    arrows = {
        "analysis.bees.one": {"analysis.ants.panels.two", "analysis.bees.two", "analysis.lab"},
        "analysis.families": {"analysis.ants", "analysis.bees"},
    }
    assert across(arrows, ("ants", "bees")) == [("analysis.bees.one", "analysis.ants.panels.two")]


def test_no_claim_imports_a_claim():
    """What two claims use is an instrument."""
    claim = re.compile(rf"analysis\.\w+\.({'|'.join(FAMILY.values())})\d+_")
    pairs = [(n, t) for n, ts in house().items() if claim.match(n) for t in ts if claim.match(t)]
    assert [(n, t) for n, t in pairs if claim.match(n)[0] != claim.match(t)[0]] == []


MOST_ENTRIES = {
    "processes": 22,
    "toy": 15,
    "train": 18,
    "analysis": 15,
    "analysis/instruments": 19,
    "analysis/instruments/probing": 13,
    "analysis/instruments/interventions": 12,
    "analysis/instruments/decompositions": 12,
    "analysis/instruments/behaviour": 12,
}
"""At the top of a room, without its `__init__` and the families."""


@pytest.mark.parametrize("room", MOST_ENTRIES)
def test_a_room_can_be_overlooked(room):
    inside = [f for f in (ROOT / room).iterdir() if f.suffix == ".py" or (f / "__init__.py").exists()]
    entries = sorted(f.stem for f in inside if f.name != "__init__.py" and f.name not in FAMILY)
    assert len(entries) <= MOST_ENTRIES[room], entries


def given_out(top: Path) -> dict[str, str]:
    """Names that a room and its folders give out, each with the folder or file of the room where it is."""
    given = {}
    for file in (top / "__init__.py", *top.glob("*/__init__.py")):
        here = () if file.parent == top else (file.parent.name,)
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ImportFrom) and node.module and node.level == len(here) + 1:
                come = node.module.split(".")[0]
                given.update({".".join((*here, alias.asname or alias.name)): come for alias in node.names})
    return given


def met(source: str, room: str, given: dict[str, str], ids: dict[str, str]) -> set[str]:
    """The folders and files of a room that a test meets: what it imports, names that the room gives out, ids
    of claims, and what programs import that it hands to other processes.
    """
    nodes = list(ast.walk(ast.parse(source)))
    plain = [alias for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    called = {alias.asname or alias.name for alias in plain if alias.name == room}
    names = {alias.name.removeprefix(f"{room}.") for alias in plain if alias.name.startswith(f"{room}.")}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{room}."):
            within = node.module.split(".")[1:]
            names.update(".".join([*within, alias.name]) for alias in node.names)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in called:
            names.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.update({ids[id] for id in {node.value} & ids.keys()})
            names.update(re.findall(rf"\b(?:import|from) {room}\.(\w+)", node.value))
    heads = {name.split(".")[0] for name in names}
    return {given[name] for name in names & given.keys()} | (heads - given.keys())


def out_of_place(tests: Path, top: Path, ids: dict[str, str]) -> list[str]:
    """Folders of tests that are none of the room, tests in a folder that meet nothing of it, and folders of
    the room that no test meets.
    """
    given, files = given_out(top), sorted(tests.rglob("test_*.py"))
    found = {file: met(file.read_text(), top.name, given, ids) for file in files}
    below = {file: file.relative_to(tests).parts for file in files}
    folders = {file.parent.relative_to(tests) for file in tests.rglob("*.py")}
    wrong = [f"{f}, no room" for f in sorted(folders) if not (top / f / "__init__.py").exists()]
    wrong += ["/".join(parts) for f, parts in below.items() if len(parts) > 1 and parts[0] not in found[f]]
    rooms = {f.name for f in top.iterdir() if (f / "__init__.py").exists()}
    return [*wrong, *(f"{room}, untested" for room in sorted(rooms - set().union(*found.values())))]


def ids(room: str) -> dict[str, str]:
    """Claims by id, each with the folder of its family, where the room has families."""
    return {c.id: folder(of) for of in FAMILIES for c in of.CLAIMS} if room == "analysis" else {}


@pytest.mark.parametrize("room", ALLOWED)
def test_a_test_stands_in_the_room_of_what_it_tests(room):
    assert out_of_place(ROOT / "tests" / room, ROOT / room, ids(room)) == []


def test_misplaced_tests_are_caught(tmp_path):
    files = {
        "lab/__init__.py": "from .low.x import f as f",
        "lab/low/__init__.py": "from ..high.y import h as h",
        "lab/high/__init__.py": "",
        "lab/bare/__init__.py": "",
        "tests/low/test_x.py": "import lab\nlab.f()",
        "tests/low/test_y.py": "from lab.high import g",
        "tests/high/test_program.py": "CODE = 'from lab.high import g'",
        "tests/high/test_claim.py": "CLAIM = 'HI1'",
        "tests/high/test_h.py": "from lab.low import h",
        "tests/high/test_word.py": "'Something about lab.high.'",
        "tests/attic/test_z.py": "from lab import f",
        "tests/test_all.py": "from lab import f",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    wrong = ["attic, no room", "attic/test_z.py", "high/test_word.py", "low/test_y.py", "bare, untested"]
    assert out_of_place(tmp_path / "tests", tmp_path / "lab", {"HI1": "high"}) == wrong


def test_names():
    assert not [f for f in FILES if f.stem in FORBIDDEN_NAMES]


def elsewhere(asked: str, files: dict[str, str], owner: str) -> list[str]:
    """Files that ask the environment for something which one file gives to all."""
    return [name for name, source in files.items() if asked in source and name != owner]


def test_the_folder_of_the_users_cache_is_built_in_one_place():
    files = {str(f.relative_to(ROOT)): f.read_text() for f in FILES}
    owner = "processes/values/user_cache.py"
    assert elsewhere("XDG_CACHE_HOME", files, owner) == elsewhere('".cache"', files, owner) == []
    assert elsewhere("XDG_CACHE_HOME", files | {"train/x.py": 'os.environ["XDG_CACHE_HOME"]'}, owner)


def test_what_is_cached_is_in_that_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache("verdicts") == tmp_path / "toylab" / "verdicts"
    assert train.program_cache().parent == user_cache("xla")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert user_cache("xla") == tmp_path / "home" / ".cache" / "toylab" / "xla"


def run_python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.strip()


def test_importing_processes_does_not_import_jax():
    assert run_python("import sys, processes, processes.strategies; print('jax' in sys.modules)") == "False"


def test_the_card_command_does_not_import_jax():
    code = (
        "import sys; from analysis.commands.main import main; main(['process', 'rrxor', '--json']); "
        "print('jax' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.strip() == "False"


def test_importing_changes_no_global_state():
    code = """
import os, jax, matplotlib, numpy
def state(): return (dict(os.environ), dict(jax.config.values), dict(matplotlib.rcParams), numpy.geterr())
before = state()
import processes, toy, train, analysis.report, analysis.figures, analysis.commands.main
after = state()
print([a == b for a, b in zip(before, after)])
"""
    assert run_python(code) == "[True, True, True, True]"
