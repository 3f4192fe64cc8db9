"""Claims that no file holds, of a notebook or of a shell: their keys follow from what they are."""

import importlib.util
import linecache
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from analysis.claim import Claim, ClaimError, Criterion
from analysis.keys.source import source
from analysis.lab import Trial, verdict

CELL = """
import numpy as np
from functools import partial
LEVEL = 0.0
TABLE = [1.0, {"a": (2.0, True)}]
class Held:
    factor = 1.0
    def __init__(self, by): self.by = by
    def __call__(self, process): return self.by * self.factor + np.ones(8)
def called(process, scale=1.0, *, shift=0.0):
    return [scale * (lambda x: x + 10)(i) + shift + LEVEL + TABLE[0] for i in range(8)]
def measure(process):
    return np.array(called(process))
def over(level):
    return lambda process: measure(process) - level
def late(process):
    from beside import CONSTANT
    return np.ones(8) * CONSTANT
claim = Claim("CELL", "It is so.", "a test", lambda process, n: {"x": 1},
    (Criterion("a", measure, above=0.0), Criterion("b", over(0.25)),
     Criterion("c", partial(called, scale=1.0)), Criterion("d", Held(1.0))),
    evidence=dict, controls=(Criterion("e", lambda p: np.ones(8) if p in {"x", "y"} else np.zeros(8)),
    Criterion("f", late)))
"""
CELL_EDITS = {
    "code": ("np.array(called(process))", "-np.array(called(process))"),
    "code within code": ("x + 10", "x + 11"),
    "a default": ("scale=1.0,", "scale=1.1,"),
    "a default by name": ("shift=0.0", "shift=0.1"),
    "a constant": ("LEVEL = 0.0", "LEVEL = 0.1"),
    "a constant deep inside": ("(2.0, True)", "(2.0, 1)"),
    "a closure": ("over(0.25)", "over(0.5)"),
    "a partial": ("partial(called, scale=1.0)", "partial(called, scale=2.0)"),
    "an instance": ("Held(1.0)", "Held(2.0)"),
    "a class": ("factor = 1.0", "factor = 2.0"),
    "a method": ("self.by * self.factor", "self.by - self.factor"),
    "the prediction": ('{"x": 1}', '{"x": 2}'),
    "a set": ('{"x", "y"}', '{"x", "z"}'),
}


def of_cell(text, name="<string>"):
    names = {"Claim": Claim, "Criterion": Criterion, "__name__": "__main__"}
    exec(compile(text, name, "exec"), names)
    return names["claim"]


@pytest.mark.parametrize("what", CELL_EDITS)
@pytest.mark.parametrize("notebook", [False, True], ids=["no text", "a cell"])
def test_a_claim_without_a_file_is_told_by_what_it_is(what, notebook, monkeypatch):
    def key(text):
        name = f"<cell {abs(hash(text))}>" if notebook else "<string>"
        if notebook:
            monkeypatch.setitem(
                linecache.cache, name, (len(text), None, text.splitlines(keepends=True), name)
            )
        return source(of_cell(text, name))

    old, new = CELL_EDITS[what]
    assert CELL.count(old) == 1 and key(CELL) == key(CELL) != key(CELL.replace(old, new))


def test_compiled_code_is_that_of_one_python(monkeypatch):
    key = source(of_cell(CELL))
    monkeypatch.setattr(importlib.util, "MAGIC_NUMBER", b"another Python")
    assert source(of_cell(CELL)) != key


def test_a_module_that_code_without_a_file_imports_is_read(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "beside.py").write_text("CONSTANT = 1\n")
    key = source(of_cell(CELL))
    (tmp_path / "beside.py").write_text("CONSTANT = 2\n")
    assert source(of_cell(CELL)) != key


@pytest.mark.parametrize(
    "held", [threading.Lock(), (i for i in range(3)), sys.stdout], ids=["a lock", "a generator", "a file"]
)
def test_what_cannot_be_told_is_refused(held, tmp_path):
    claim = replace(of_cell(CELL), shown=lambda process: {"x": np.zeros(1) if held else np.ones(1)})
    with pytest.raises(
        ClaimError, match=f"^CELL depends on a .*{type(held).__name__}, whose content cannot be read"
    ) as refused:
        verdict(Trial(claim, "coin"), tmp_path)
    assert "\n" not in str(refused.value) and not list(tmp_path.iterdir())
