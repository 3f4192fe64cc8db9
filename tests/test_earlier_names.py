"""What users imported from the earlier release leads to what it meant, and one sentence says the new name."""

import ast
import json
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import analysis.earlier_names
import processes.earlier_names
import train
import train.earlier_names
from analysis.claim.latest import published

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


def test_modules_are_found_by_their_earlier_names(forked):
    """In a process of its own: Python keeps what it has imported, by name."""
    tables = {name: new for table in TABLES.values() for name, new in table.MODULES.items()}
    done = forked(ALL, json.dumps(sorted(tables)))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for name, new in tables.items():
        assert f"{name} is {new} now; the earlier name goes with the next release" in said[name], name


@pytest.mark.thorough
@pytest.mark.parametrize("room", TABLES)
def test_no_earlier_name_hides_a_present_one(room):
    for name, new in TABLES[room].MODULES.items():
        import_module(new)
        parent, _, last = name.rpartition(".")
        assert not (import_module(parent).__file__ or "").endswith(f"{last}.py")


NAMES = {
    "analysis.lab:Test": "Trial",
    "analysis.instruments.contexts:Truth": "Contexts",
    "analysis.instruments.contexts:truth": "contexts",
    "analysis.instruments.evidence:member": "member",
    "analysis.instruments.evidence:log_law": "log_distribution",
    "analysis.instruments.probing.probe:shuffled_r2": "shuffled_r2",
    "analysis.instruments.probing.study:token_window": "token_window",
    "analysis.instruments.blind:BeliefLaw": "BeliefDistribution",
    "analysis.instruments.blind:belief_law": "belief_distribution",
    "processes:BeliefLaw": "BeliefDistribution",
    "processes:belief_laws": "belief_distributions",
    "processes.constraints:independent_law": "independent_distribution",
    "processes.constraints:predictive_rank": "minimal_dimension",
    "processes.information:entropy_rate": "entropy_rate",
    "processes.names.catalogue:named": "named",
    "train.program:rates": "rates",
    "train.runs.folder:read_npz": "read_npz",
    "train.samplers:Twin": "Sampler",
    "train.samplers:twin": "sampler",
    "train.tables:next_token_laws": "next_token_distributions",
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


GUARDED, GIVEN = "guarded(mess3; never 0; p=0.5)", "given(coin; no 11)"


def test_what_was_read_out_of_names_is_still_told():
    with pytest.warns(DeprecationWarning, match="named_protocol is processes.named.spec..made_of now"):
        from processes.constraints import named_protocol
    with pytest.warns(DeprecationWarning):
        from processes.constraints import constrained, kind, named_given, written_ledger, written_question
    assert named_protocol(GUARDED, processes.named) is processes.named(GUARDED).made_of
    base, constraints = named_given(GIVEN, processes.named)
    assert base == processes.named("coin") and len(constraints) == 1
    assert (kind(GUARDED), kind(GIVEN), kind("coin")) == ("guarded", "given", None)
    assert constrained("coin") is None and constrained(GIVEN) == processes.named(GIVEN)
    assert written_question("coin") is None
    assert written_ledger("ledger(K=8, g=2, p=0.5)") is not None
    with pytest.raises(processes.ProcessError, match="is not guarded"):
        named_protocol("coin", processes.named)


def test_a_protocol_still_tells_its_law():
    protocol = processes.named(GUARDED).made_of
    with pytest.warns(DeprecationWarning, match="Protocol.law is Protocol.distribution now"):
        assert protocol.law == protocol.distribution


def test_a_verdict_still_tells_plain_values_by_key():
    (verdict, *_) = published("BG1")
    with pytest.warns(DeprecationWarning, match=r"verdict\['outcome'\] is verdict.outcome now"):
        assert verdict["outcome"] == verdict.outcome
    with pytest.warns(DeprecationWarning), pytest.raises(KeyError, match="outcomes"):
        verdict["outcomes"]


def test_a_run_still_tells_its_kept_steps(recipe, tmp_path):
    run = train.open_run(tmp_path / "run", recipe)
    with pytest.warns(DeprecationWarning, match="Run.kept_steps is Run.checkpoint_steps now"):
        assert run.kept_steps == run.checkpoint_steps


ROOT = Path(__file__).parents[1]
OURS = ("processes", "toy", "train", "analysis", "toylab", "benchmarks")
"""Rooms whose names we use ourselves: in functions too, which no other test may call."""
AMISS = (Path(__file__), ROOT / "tests" / "test_one_name.py")
"""Tests that ask for what is not there, on purpose."""


def asked_for(file: Path) -> Iterator[tuple[str, str]]:
    """Modules of ours and the names that a file imports from them, or reads off those it imports whole."""
    tree = ast.parse(file.read_text())
    whole = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in OURS and alias.asname in (None, alias.name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or node.level):
            up = file.relative_to(ROOT).with_suffix("").parts[: -node.level] if node.level else ()
            module = ".".join([*up, *filter(None, [node.module])])
            if module.partition(".")[0] in OURS:
                yield from ((module, alias.name) for alias in node.names)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in whole:
            yield node.value.id, node.attr


def there(module: str, name: str) -> bool:
    """Whether a module has a name without a warning, or a package a file of that name."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            made = import_module(module)
            if hasattr(made, name):
                return True
        except DeprecationWarning:
            return False
    here = Path(made.__file__ or "").parent
    return (here / f"{name}.py").exists() or (here / name / "__init__.py").exists()


def test_a_name_that_is_asked_for_is_found_out(tmp_path, monkeypatch):
    file = tmp_path / "benchmarks" / "some.py"
    file.parent.mkdir()
    probe = "analysis.instruments.probing.probe"
    inside = f"def f():\n    from {probe} import probe, shuffled_r2\n    return train.Twin\n"
    file.write_text(f"import train\nfrom .table import Row\n{inside}")
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    pairs = [("benchmarks.table", "Row"), (probe, "probe"), (probe, "shuffled_r2"), ("train", "Twin")]
    assert sorted(asked_for(file)) == sorted(pairs)
    assert [pair for pair in pairs if not there(*pair)] == [(probe, "shuffled_r2"), ("train", "Twin")]


@pytest.mark.thorough
def test_we_use_no_earlier_name_ourselves():
    files = [f for room in (*OURS, "docs", "tests") for f in sorted((ROOT / room).rglob("*.py"))]
    pairs = {
        pair: file.relative_to(ROOT)
        for file in files
        if file not in AMISS and "_build" not in file.parts
        for pair in asked_for(file)
    }
    assert len(pairs) > 1000
    assert not {pair: file for pair, file in pairs.items() if not there(*pair)}
