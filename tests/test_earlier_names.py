"""What users imported from the earlier release leads to what it meant, and one sentence says the new name."""

import json
import subprocess
import sys
from importlib import import_module

import pytest

import analysis.earlier_names
import processes.earlier_names
import train.earlier_names

TABLES = {
    "processes": processes.earlier_names,
    "train": train.earlier_names,
    "analysis": analysis.earlier_names,
}
ALL = """
import importlib, json, sys, warnings
said = {}
for name in json.loads(sys.argv[1]):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DeprecationWarning)
        module = importlib.import_module(name)
    public = [n for n in vars(module._present) if n[0].islower()]
    assert all(getattr(module, n) is getattr(module._present, n) for n in public), name
    said[name] = [str(w.message) for w in caught if w.category is DeprecationWarning]
import processes, train
assert processes.markov(processes.named("coin"), 1).n_states == 2 and callable(train.sweep)
print(json.dumps(said))
"""


def test_modules_are_found_by_their_earlier_names():
    """In a process of its own: Python keeps what it has imported, by name."""
    tables = {name: new for table in TABLES.values() for name, new in table.MODULES.items()}
    done = subprocess.run(
        [sys.executable, "-c", ALL, json.dumps(sorted(tables))], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for name, new in tables.items():
        assert f"{name} is {new} now; the earlier name goes with the next release" in said[name], name


@pytest.mark.parametrize("room", TABLES)
def test_no_earlier_name_hides_a_present_one(room):
    for name, new in TABLES[room].MODULES.items():
        import_module(new)
        parent, _, last = name.rpartition(".")
        assert not (import_module(parent).__file__ or "").endswith(f"{last}.py")


NAMES = {
    "analysis.lab:Test": "Trial",
    "processes.information:entropy_rate": "entropy_rate",
    "processes:belief_laws": "belief_distributions",
    "processes:BeliefLaw": "BeliefDistribution",
    "processes.constraints:independent_law": "independent_distribution",
    "processes.constraints:predictive_rank": "minimal_dimension",
}
"""Names in modules that stayed where they were, or became packages."""


@pytest.mark.parametrize("name", NAMES)
def test_names_that_changed_are_told(name):
    module, _, old = name.partition(":")
    with pytest.warns(DeprecationWarning, match=f"{old} is .*{NAMES[name]} now"):
        found = getattr(import_module(module), old)
    assert found.__name__ == NAMES[name]


def test_a_name_that_never_was_is_still_an_error():
    with pytest.raises(ImportError, match="cannot import name 'Tset'"):
        exec("from analysis.lab import Tset")
    with pytest.raises(ModuleNotFoundError):
        import_module("processes.decoys")
