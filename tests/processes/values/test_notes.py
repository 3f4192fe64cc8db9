"""What is worked out about a process is kept with it, by numbers: shared by equal ones, bounded, and gone
with them.
"""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import processes
from analysis.instruments.contexts import contexts
from analysis.instruments.probing.baselines import baseline
from processes import ProcessError, hmm, named, renamed
from processes.structure.machine import finite_machine
from processes.values.notes import Notes, noted


def test_processes_are_equal_by_numbers_whatever_their_names():
    mess3 = named("mess3")
    again = [named("mess3(x=0.05, a=0.85)"), renamed(mess3, "mine"), hmm(mess3.T, states=("x", "y", "z"))]
    again += [copy.copy(mess3), pickle.loads(pickle.dumps(mess3)), named("relabelled(mess3, 0, 1, 2)")]
    assert all(p == mess3 and hash(p) == hash(mess3) for p in again) and len({mess3, *again}) == 1
    others = [hmm(mess3.T, [1, 0, 0]), named("relabelled(mess3, 1, 0, 2)"), named("mess3(x=0.05, a=0.86)")]
    assert all(p != mess3 for p in others) and len({mess3, *others}) == 4
    assert mess3 != mess3.digest and mess3 != "mess3"


def test_the_contexts_of_a_file_are_one_and_so_are_those_of_a_process_with_its_published_parameters(tmp_path):
    file = str(tmp_path / "mine.json")
    processes.write(hmm(named("mess3(x=0.1, a=0.7)").T, name="mine"), file)
    assert named(file) is not named(file) and contexts(named(file), 5) is contexts(named(file), 5)
    first = contexts(named("mess3"), 5)
    assert contexts(named("mess3(x=0.05, a=0.85)"), 5) is first and contexts(named("mess3"), 6) is not first
    assert baseline(first, "next_token") is baseline(contexts(named("mess3"), 5), "next_token", "belief")


def test_what_is_kept_says_nothing_of_another_name(tmp_path):
    first = contexts(named("even"), 6)
    mine = renamed(named("even"), "mine")
    other = contexts(mine, 6)
    assert (other.process.name, other.tree.process.name) == ("mine", "mine") != first.process.name
    assert other.belief is first.belief  # the numbers are the same ones
    assert contexts(renamed(named("even"), "mine"), 6) is other and contexts(named("even"), 6) is first
    assert finite_machine(mine) is finite_machine(named("even"))
    coin = hmm([[[0.5]], [[0.5]]], name="first of all")
    for name in ("first of all", "second"):
        with pytest.raises(ProcessError, match=f"^{name} has entropy rate"):
            processes.decoy(renamed(coin, name), seed=0)
    names = [processes.decoy(renamed(named("even"), n), seed=0).name for n in ("one", "two", "one")]
    assert names == ["decoy(one, seed=0)", "decoy(two, seed=0)", "decoy(one, seed=0)"]
    assert len({processes.decoy(renamed(named("even"), n), seed=0) for n in ("one", "two")}) == 1


@pytest.mark.thorough
def test_what_is_kept_goes_with_the_process():
    process = hmm(named("even").T * 1.0, [0.25, 0.75], name="short-lived")
    found = weakref.ref(finite_machine(process))
    assert finite_machine(hmm(process.T, [0.25, 0.75])) is found()
    del process
    gc.collect()
    assert found() is None


class About:
    """Anything with notes."""

    def __init__(self):
        self.notes = Notes()


def test_the_oldest_results_of_a_function_make_room():
    calls = []

    @noted(2)
    def squared(about: About, n: int, power: int = 2) -> np.ndarray:
        calls.append(n)
        return np.array([n**power])

    a, b = About(), About()
    assert squared(a, 3) is squared(a, 3, 2) is squared(a, n=3, power=2) and calls == [3]
    assert not squared(a, 3).flags.writeable
    squared(b, 4), squared(a, 3), squared(b, 5)  # 4 was asked for least recently
    assert squared(a, 3) == 9 and calls == [3, 4, 5]
    squared(b, 4)
    assert calls == [3, 4, 5, 4] and len(a.notes.results) + len(b.notes.results) == 2
    squared.cache_clear()
    assert not a.notes.results and not b.notes.results and squared(a, 3) == 9 and calls[-1] == 3


def test_an_error_is_not_kept():
    @noted(2)
    def refused(about: About) -> None:
        raise ProcessError("once more")

    a = About()
    for _ in range(2):
        with pytest.raises(ProcessError):
            refused(a)
    assert not a.notes.results
