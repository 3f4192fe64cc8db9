"""Immutable means: after copying, pickling and replacing too, and for what is computed from a record as
well."""

import copy
import importlib
import pickle
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property

import jaxtyping
import numpy as np
import pytest
from good_arguments import COUPLED, MESS3, VALUES
from scipy.sparse import csr_array

import processes
from processes import ProcessError, constraints, hmm, named
from processes.compose.coupled import Rule
from processes.information import bounds
from processes.values.record import Record, remembered

WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda v: pickle.loads(pickle.dumps(v)),
    "replace": lambda v: replace(v),
}
RECORDS = {**VALUES, bounds.Sandwich: bounds.sandwich(MESS3, 100), Rule: COUPLED.moves[1]}


def classes() -> set[type]:
    """Every dataclass that is defined in the room."""
    modules = [
        importlib.import_module(m.name)
        for m in pkgutil.walk_packages(processes.__path__, "processes.")
        if "strategies" not in m.name
    ]
    return {
        v
        for m in modules
        for v in vars(m).values()
        if is_dataclass(v) and isinstance(v, type) and v.__module__.startswith("processes")
    }


def is_mutable(cls: type) -> bool:
    """Whether a class holds arrays, or remembers what it computed, and is no record."""
    arrays = any(
        "np.ndarray" in str(f.type)
        or (isinstance(f.type, type) and issubclass(f.type, jaxtyping.AbstractArray))
        for f in fields(cls)
    )
    return (arrays or any(isinstance(v, cached_property) for v in vars(cls).values())) and not issubclass(
        cls, Record
    )


def arrays_of(value, depth: int = 0):
    """All arrays that can be reached from a record: fields, and what it remembers."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, csr_array):
        yield value.data
    elif isinstance(value, tuple | list):
        for v in value:
            yield from arrays_of(v, depth)
    elif isinstance(value, Record) and depth < 2:
        for v in vars(value).values():
            yield from arrays_of(v, depth + 1)


def remembering(value) -> None:
    """Ask for everything that a record remembers."""
    for name, v in vars(type(value)).items():
        if isinstance(v, cached_property):
            getattr(value, name)


def same(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, csr_array):
        return (a != b).nnz == 0
    if isinstance(a, Record):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a) if f.init)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Mapping):
        return dict(a) == dict(b)
    return a == b


def test_every_class_that_holds_arrays_is_a_record_and_tried_here():
    assert [c for c in classes() if is_mutable(c)] == []
    assert {c for c in classes() if issubclass(c, Record) and c is not Record} == set(RECORDS)


def test_a_planted_class_is_caught():
    @dataclass(frozen=True)
    class Loose:
        numbers: jaxtyping.Float[np.ndarray, "N"]

    @dataclass(frozen=True)
    class Cached:
        n: int

        @cached_property
        def squares(self):
            return np.arange(self.n) ** 2

    assert is_mutable(Loose) and is_mutable(Cached)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cls", RECORDS, ids=lambda c: c.__name__)
def test_records_are_immutable_whatever_way_they_came_about(cls, way):
    value = RECORDS[cls]
    remembering(value)
    other = WAYS[way](value)
    assert same(value, other)
    cached = [n for n, v in vars(cls).items() if isinstance(v, cached_property)]
    assert not set(cached) & set(vars(other)), "a cache travelled"
    remembering(other)
    for v in (value, other):
        assert not any(a.flags.writeable for a in arrays_of(v))
        for f in (f for f in fields(cls) if f.init):
            assert not isinstance(getattr(v, f.name), dict | list)
            with pytest.raises(AttributeError):
                setattr(v, f.name, getattr(v, f.name))


def test_what_is_remembered_is_locked_the_first_time_and_later():
    ms = processes.mixed_states(named("even"))
    for _ in range(2):
        with pytest.raises(ValueError, match="read-only"):
            ms.chain[0, 0] = 5
    protocol = VALUES[constraints.Protocol]
    for table in (protocol.distribution, protocol.bodies, protocol.loads):
        with pytest.raises(TypeError):
            table[()] = 1


def test_nobody_keeps_a_hold_on_the_numbers_of_what_people_build():
    T, start = np.full((2, 2, 2), 0.25), np.array([0.5, 0.5])
    weights, table, base = np.array([0.5, 0.5]), np.array([[0, 1], [1, 1]]), np.array([0.5, 0.5])
    made = [hmm(T, start), processes.Process(T, start, np.ones(2), "p", ("0", "1"))]
    made += [
        processes.mixture([made[0]] * 2, weights),
        constraints.automaton(table, [1]),
        constraints.ledger(base, [[0, 1]], p=0.5, g=1),
    ]
    before = [pickle.dumps(v) for v in made]
    for array in (T, start, weights, table, base):
        array[...] = 0
    assert [pickle.dumps(v) for v in made] == before


def test_what_no_constructor_takes_travels_with_copies_but_not_with_replace():
    """A field set later (init=False) is part of a value that is copied, and not of one that is made from
    others.
    """
    value = Later(1)
    object.__setattr__(value, "mark", ["x"])
    assert (
        all(WAYS[way](value).mark == ["x"] for way in ("copy", "deepcopy", "pickle"))
        and replace(value).mark is None
    )


@dataclass(frozen=True, eq=False)
class Later(Record):
    n: int
    mark: list | None = field(default=None, init=False)


def test_a_record_checks_its_fields():
    process = named("even")
    for change in (
        dict(name=3),
        dict(T=np.eye(2)),
        dict(T="x"),
        dict(states=("A", 1)),
        dict(kind="other"),
        dict(start=[[0.5, 0.5]]),
    ):
        with jaxtyped_off(), pytest.raises(ProcessError):
            replace(process, **change)


class jaxtyped_off:
    """Without the run-time annotations of the test suite, which come first."""

    def __enter__(self):
        jaxtyping.config.update("jaxtyping_disable", True)

    def __exit__(self, *_):
        jaxtyping.config.update("jaxtyping_disable", False)


def test_caches_are_keyed_by_what_they_depend_on(tmp_path):
    """A decoy is remembered by numbers, but goes by the name of the process asked for; a file is read anew
    each time.
    """
    own = hmm(named("even").T, name="mine")
    processes.write(own, tmp_path / "mine.json")
    first, second = named("decoy(even)"), named(f"decoy({tmp_path / 'mine.json'})")
    assert first.T.tobytes() == second.T.tobytes()
    assert "mine" in second.name and "mine" not in named("decoy(even)").name
    processes.write(named("coin(p=0.3)"), tmp_path / "mine.json")
    assert named(str(tmp_path / "mine.json")).n_states == 1
    assert named(f"given({tmp_path / 'mine.json'}; no 11)").vocab == 2


def test_equal_numbers_of_other_types_do_not_share_a_cache():
    with pytest.raises(ProcessError, match="max_nodes"):
        processes.bounded_rate(MESS3, True)
    assert processes.bounded_rate(MESS3, np.int64(100)) is processes.bounded_rate(MESS3, 100)


def test_the_planted_cache_is_caught():
    @dataclass(frozen=True, eq=False)
    class Careless(Record):
        n: int

        @cached_property
        def squares(self):
            return np.arange(self.n) ** 2

        @remembered
        def cubes(self):
            return np.arange(self.n) ** 3

    value = Careless(3)
    remembering(value)
    assert [a.flags.writeable for a in arrays_of(value)] == [True, False]
