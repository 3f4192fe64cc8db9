"""No verdict outlives its measure: the keys of claims of one's own follow from what defines them."""

import copy
import importlib.util
import inspect
import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import processes
import train
from analysis import report as ex
from analysis.claim import Claim
from analysis.controls import beyond_rival, standard
from analysis.families import CLAIMS
from analysis.keys import source as source_module
from analysis.keys.source import source
from analysis.keys.text import of_own
from analysis.keys.walk import FIRST, Walk
from analysis.lab import Trial, verdict

ROOT = Path(__file__).parents[3]
FILES = {
    "mine.py": """
from functools import partial
import numpy as np
import helper
from helper import SCALE, scaled
from many import *
from package.inner import offset
from analysis.claim import Claim, Criterion

LIMIT = 0.5
TABLE = {"a": np.array([0.0, 1.0])}

class Gain:
    power = 1.0
    def __init__(self, by):
        self.by = by
    def __call__(self, process):
        return self.by * self.power * values(process, shift=0.0)

def values(process, shift=0.0, by=1.0):
    import lazy
    return by * scaled(np.linspace(1, 2, 8)) + shift + offset() + lazy.NOTHING + TABLE["a"][0]

def above(level):
    return lambda process: values(process) - level

def prediction(process, n_ctx):
    return {"level": 1.0}

def no_refusal(process, n_ctx):
    return None

claim = Claim(
    id="MINE",
    statement="It is so.",
    source="a test",
    prediction=prediction,
    criteria=(
        Criterion("values", values, above=LIMIT),
        Criterion("over a level", above(0.25), above=0.0),
        Criterion("in part", partial(values, by=1.0), above=0.0),
        Criterion("gain", Gain(1.0), above=0.0),
        Criterion("line", lambda process: 1 + values(process), above=0.0),
    ),
    controls=(Criterion("control", lambda process: 2.0 * np.ones(8), above=0.0), Criterion("star",
    lambda process: star(), above=0.0)),
    evidence=lambda runs: runs,
    refusal=no_refusal,
    shown=lambda process: {"x": np.zeros(2)},
)

if __name__ == "__main__":
    from analysis.keys.source import source
    print(source(claim))
""",
    "helper.py": "from deeper import factor\nSCALE = 1.0\ndef scaled(x):\n    return SCALE * factor() * x\n",
    "deeper.py": "def factor():\n    return 1.0\n",
    "lazy.py": "NOTHING = 0.0\n",
    "many.py": "import numpy as np\ndef star():\n    return np.ones(8)\n",
    "package/__init__.py": "START = 0\n",
    "package/inner.py": (
        "from .sibling import ZERO\ndef offset():\n    from . import START\n    return ZERO + START\n"
    ),
    "package/sibling.py": "ZERO = 0.0\n",
}
EDITS = {
    "a measure": ("mine.py", "return by * scaled", "return 2 * by * scaled"),
    "a measure in one line": ("mine.py", "1 + values", "3 + values"),
    "a threshold": ("mine.py", "LIMIT = 0.5", "LIMIT = 0.7"),
    "the value in a closure": ("mine.py", "above(0.25)", "above(0.35)"),
    "a default": ("mine.py", "by=1.0):", "by=1.1):"),
    "an argument of a partial": ("mine.py", "partial(values, by=1.0)", "partial(values, by=1.1)"),
    "what an instance holds": ("mine.py", "Gain(1.0)", "Gain(1.1)"),
    "what a class holds": ("mine.py", "power = 1.0", "power = 1.5"),
    "a constant beside it": ("mine.py", "[0.0, 1.0]", "[0.1, 1.0]"),
    "a control": ("mine.py", "2.0 * np.ones(8)", "3.0 * np.ones(8)"),
    "the prediction": ("mine.py", '"level": 1.0', '"level": 2.0'),
    "the refusal": ("mine.py", "return None", "return []and None or None"),
    "what its figure is drawn from": ("mine.py", "np.zeros(2)", "np.zeros(3)"),
    "a helper": ("helper.py", "SCALE * factor() * x", "SCALE * factor() * x * 2"),
    "a constant of a helper": ("helper.py", "SCALE = 1.0", "SCALE = 1.5"),
    "a helper of a helper": ("deeper.py", "1.0", "1.2"),
    "a helper that is imported when it is called": ("lazy.py", "0.0", "0.2"),
    "a helper of which everything is imported": ("many.py", "np.ones(8)", "2 * np.ones(8)"),
    "a package": ("package/__init__.py", "START = 0", "START = 1"),
    "a module of a package": ("package/inner.py", "ZERO +", "ZERO + 1 +"),
    "what it imports relatively": ("package/sibling.py", "0.0", "0.1"),
}


def write(folder: Path, files=FILES) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def load(monkeypatch):
    """Import mine.py of a folder as a new Python would: nothing of an earlier import is left."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before, path = set(sys.modules), list(sys.path)

    def forget():
        for name in set(sys.modules) - before:
            if name.split(".")[0] in ("mine", "other", "helper", "deeper", "lazy", "many", "package"):
                del sys.modules[name]
        sys.path[:] = path

    def fresh(folder, name="mine"):
        forget()
        importlib.invalidate_caches()
        sys.path.insert(0, str(folder))
        spec = importlib.util.spec_from_file_location(name, folder / "mine.py")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.claim

    yield fresh
    forget()


def plainly(claim, store):
    """Its verdict as it is written."""
    return json.loads(json.dumps(verdict(Trial(claim, "coin"), store).to_json()))


def made(store):
    return sorted((store / "claims").glob("*/verdict.json"))


@pytest.mark.thorough
@pytest.mark.parametrize("what", EDITS)
def test_an_edit_makes_a_new_verdict_and_no_edit_none(what, load, tmp_path):
    folder, store = write(tmp_path / "claims of mine"), tmp_path / "store"
    first = plainly(load(folder), store)
    assert first["outcome"] == "supported"
    assert plainly(load(folder), store) == first and len(made(store)) == 1
    name, old, new = EDITS[what]
    text = (folder / name).read_text()
    assert text.count(old) == 1
    (folder / name).write_text(text.replace(old, new))
    second = plainly(load(folder), store)
    assert second["key"] != first["key"] and len(made(store)) == 2
    (folder / name).write_text(text)
    assert plainly(load(folder), store) == first and len(made(store)) == 2


def test_where_a_file_lies_and_what_it_is_called_changes_nothing(load, tmp_path, monkeypatch):
    """Nor which Python compiled it, in what order it hashes, and whether it is the main program."""
    folder = write(tmp_path / "one")
    key = source(load(folder))
    assert source(load(folder, "other")) == key and source(load(write(tmp_path / "two"))) == key
    env = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "mine.py"], capture_output=True, text=True, cwd=folder, env=env)
    assert done.stdout.strip() == key, done.stderr
    monkeypatch.setattr(importlib.util, "MAGIC_NUMBER", b"another Python")
    assert source(load(folder)) == key


@pytest.mark.thorough
def test_claims_of_one_id_share_no_verdict(load, tmp_path):
    one, two = (
        write(tmp_path / "one"),
        write(tmp_path / "two", FILES | {"helper.py": FILES["helper.py"].replace("1.0", "4.0")}),
    )
    first, second = (verdict(Trial(load(folder), "coin"), tmp_path / "store") for folder in (one, two))
    assert first.claim == second.claim == "MINE"
    assert first.criteria[0].values != second.criteria[0].values


@pytest.mark.thorough
def test_a_file_edited_while_python_runs_does_not_lend_its_key(load, tmp_path):
    """What is in memory is neither the old file nor the new one; a new Python reads the new one."""
    folder = write(tmp_path)
    claim = load(folder)
    before = source(claim)
    for name, old, new in (
        ("mine.py", "return by * scaled", "return 2 * by * scaled"),
        ("helper.py", "SCALE = 1.0", "SCALE = 1.5"),
    ):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace(old, new))
        between, after = source(claim), source(load(folder))
        assert len({before, between, after}) == 3
        (folder / name).write_text(text)
        claim = load(folder)
        assert source(claim) == before


def test_a_constant_set_from_outside_counts(load, tmp_path):
    claim = load(write(tmp_path))
    before = source(claim)
    for module, name in (("helper", "SCALE"), ("mine", "TABLE"), ("package.inner", "ZERO")):
        old = getattr(sys.modules[module], name)
        setattr(sys.modules[module], name, 7.0)
        assert source(claim) != before, name
        setattr(sys.modules[module], name, old)
    sys.modules["mine"].Gain.power = 3.0
    assert source(claim) != before


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats(allow_nan=False, width=16)
    | st.text("ab", max_size=2)
    | st.binary(max_size=1),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2)
    ),
    max_leaves=6,
)
BASE = Claim("PLAIN", "It is so.", "a test", lambda process, n: {}, (), (), evidence=dict)


@pytest.mark.thorough
@given(plain, plain)
def test_values_are_told_apart_by_content_and_type(x, y):
    """1 is not True, nor (1,) [1]; a copy is the same."""
    keys = [source(replace(BASE, shown=partial(dict, x=value))) for value in (x, copy.deepcopy(x), y)]
    assert keys[0] == keys[1] and (keys[0] == keys[2]) == (repr(x) == repr(y))


def test_arrays_processes_and_the_labs_own_factories_count():
    rrxor, mess3 = processes.named("rrxor"), processes.named("mess3")
    same = {
        "process": rrxor,
        "array": np.arange(3.0),
        "type": np.arange(3),
        "control": beyond_rival(len, "markov_2"),
        "many": standard(len),
    }
    assert len({source(replace(BASE, shown=partial(dict, x=value))) for value in same.values()}) == len(same)
    for x, y in ((rrxor, mess3), (np.zeros(3), np.array([0, 0, 1e-300])), (np.zeros(2), np.zeros((2, 1)))):
        assert source(replace(BASE, shown=partial(dict, x=x))) != source(
            replace(BASE, shown=partial(dict, x=y))
        )
    assert source(replace(BASE, controls=(beyond_rival(len, "markov_2"),))) != source(
        replace(BASE, controls=(beyond_rival(len, "markov_3"),))
    )


# The lab's own


def test_what_has_moved_within_the_lab_tells_the_name_that_it_had():
    from analysis.constraint_load import cl6_short_training as moved

    first = "analysis.constraint_load.short_training"
    wrapper, function, kind, module = (
        Walk().value(x) for x in (moved.tuned, inspect.unwrap(moved.tuned), moved.Short, moved)
    )
    assert wrapper[:2] == ["library", first] and function[:3] == ["lab", first, "tuned"]
    assert kind == ["class", first, "Short"] and module == ["module", first]
    assert not FIRST.keys() & set(FIRST.values())


def test_the_labs_claims_are_keyed_by_their_revision():
    assert all(source(claim) == "" for claim in CLAIMS.values())
    bg1 = CLAIMS["BG1"]
    assert (
        source(replace(bg1, limits="")) != ""
        and Trial(replace(bg1, revision=9), "mess3").key != Trial(bg1, "mess3").key
    )


def test_a_lab_whose_measures_mean_something_else_measures_ones_own_anew(monkeypatch):
    key = source(BASE)
    bg1 = replace(CLAIMS["BG1"], revision=CLAIMS["BG1"].revision + 1)
    monkeypatch.setattr(source_module, "CLAIMS", dict(CLAIMS) | {"BG1": bg1})
    assert source(BASE) != key


def test_a_report_is_current_only_while_its_claims_measure_the_same(load, recipe, tmp_path, monkeypatch):
    run = train.open_run(tmp_path / "run", recipe)
    (run.path / "evidence.npz").touch()
    asked = replace(ex.EXPERIMENTS["rrxor"], claims=("BG2", "MINE"))
    folder = write(tmp_path / "mine")
    monkeypatch.setattr(ex, "CLAIMS", dict(CLAIMS) | {"MINE": load(folder)})
    keys = {id: trial.key for id, trial in asked.trials(recipe).items()}
    report = {"schema": ex.SCHEMA, "hash": recipe.hash, "keys": keys}
    assert ex.is_current(report, run, asked)
    ex.CLAIMS["MINE"] = load(folder)
    assert ex.is_current(report, run, asked)
    (folder / "deeper.py").write_text(FILES["deeper.py"].replace("1.0", "1.5"))
    ex.CLAIMS["MINE"] = load(folder)
    assert not ex.is_current(report, run, asked)


@pytest.mark.parametrize("room", ["processes", "toy", "train", "analysis"])
def test_every_file_of_the_lab_is_the_labs(room):
    """Wherever in its room: a claim of one's own is not told by the text of what it calls there."""
    files = sorted((ROOT / room).rglob("*.py"))
    assert files and not [file for file in files if of_own(file)]
    assert of_own(ROOT / "tests" / "conftest.py")
