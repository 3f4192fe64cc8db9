"""A claim file begins with its id, and a panel names the claims that it draws."""

import ast
import re
from pathlib import Path

import pytest

from analysis import belief_geometry
from analysis.belief_geometry.panels import PANELS

STATED = re.compile(r"^BG\d+(: .*)? = Claim", re.M)
FILES = [
    file
    for file in sorted(Path(belief_geometry.__file__).parent.glob("bg*.py"))
    if STATED.search(file.read_text())
]


def begins_with_its_id(name: str, text: str) -> bool:
    """Whether the docstring of a claim file of this name begins with the id that the name has."""
    head = re.match(r"([a-z]+)0*(\d+)_", name)
    return bool(head) and (ast.get_docstring(ast.parse(text)) or "").startswith(
        f"{head[1].upper()}{head[2]}: "
    )


def names_its_claim(id: str, file: str, docstring: str) -> bool:
    """Whether a panel of this claim, and the name of its file, say so."""
    numbers = {int(n) for n in re.findall(r"(?<=[g_])\d\d", file)}
    return int(id[2:]) in numbers and id in re.findall(r"BG\d+", docstring.partition(":")[0])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_claim_file_begins_with_its_id(file):
    assert begins_with_its_id(file.stem, file.read_text())


@pytest.mark.parametrize("id", PANELS)
def test_a_panel_and_its_file_say_of_which_claims_they_are(id):
    panel = PANELS[id]
    assert names_its_claim(id, panel.__module__.rpartition(".")[2], panel.__doc__)


def test_planted_faults_are_found():
    assert begins_with_its_id("bg03_layers", '"""BG3: why."""')
    assert not begins_with_its_id("bg03_layers", '"""Why."""') and not begins_with_its_id(
        "bg03", '"""BG3: why."""'
    )
    assert names_its_claim("BG3", "bg01_03_layers", "BG1, BG3: what.")
    assert not names_its_claim("BG3", "bg01_layers", "BG3: what.")
    assert not names_its_claim("BG3", "bg03_layers", "What: of BG3.")
