"""A claim is a file that begins with its id, holds its whole argument and imports no other claim's; its panel
names it.
"""

import ast
import re
from pathlib import Path

import pytest

from analysis import belief_geometry
from analysis.belief_geometry.panels import PANELS

FOLDER = Path(belief_geometry.__file__).parent
FILES = sorted(FOLDER.glob("bg*.py"))
PATTERN = re.compile(r"bg(\d\d)_[a-z_]+")


def faults(name: str, text: str) -> list[str]:
    """What is wrong with a claim file of this name and text."""
    tree, id = ast.parse(text), f"BG{int(name[2:4])}"
    made = [
        n.target.id
        for n in tree.body
        if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name) and "Claim[" in ast.unparse(n)
    ]
    imported = [
        part
        for n in ast.walk(tree)
        if isinstance(n, ast.Import | ast.ImportFrom)
        for part in (*(getattr(n, "module", None) or "").split("."), *(a.name for a in n.names))
    ]
    found = {
        f"its name does not say {id}": not PATTERN.fullmatch(name),
        f"it does not begin with {id}": not (ast.get_docstring(tree) or "").startswith(f"{id}: "),
        f"it defines {made}, not {id} alone": made != [id],
        "it imports a claim file": any(PATTERN.fullmatch(part) for part in imported),
    }
    return [fault for fault, there in found.items() if there]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_claim_is_a_file_of_its_own(file):
    assert faults(file.stem, file.read_text()) == []


def test_every_claim_has_one():
    assert [f"BG{int(file.stem[2:4])}" for file in FILES] == [claim.id for claim in belief_geometry.CLAIMS]


def test_planted_faults_are_found():
    good = '"""BG3: why."""\nBG3: Claim[int, int] = Claim()\n'
    assert faults("bg03_layers", good) == []
    assert "begin" in faults("bg03_layers", good.replace("BG3: why", "Why"))[0]
    assert "not BG3 alone" in faults("bg03_layers", good + "BG4: Claim[int, int] = Claim()\n")[0]
    assert "name" in faults("bg03", good)[0]
    for line in ("from .bg04_other import pairs\n", "from . import bg04_other\n"):
        assert faults("bg03_layers", good + line) == ["it imports a claim file"]


@pytest.mark.parametrize("id", PANELS)
def test_a_panel_and_its_file_say_of_which_claims_they_are(id):
    panel = PANELS[id]
    file = panel.__module__.rpartition(".")[2]
    named = re.findall(r"(?<=[g_])\d\d", file)
    assert f"{int(id[2:]):02d}" in named
    assert re.match(rf"(BG\d+, )*{id}\b", panel.__doc__) and f"{id}" in panel.__doc__.partition(":")[0]
