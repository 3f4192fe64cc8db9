"""Machines that predict almost as well as can be: counted as was computed beforehand, by brute force, and by
what must hold of them.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

import processes
from processes.strategies import hmms

COUNTED = {  # of 16, 729, 65536 machines of 2, 3, 4 states
    "golden_mean": (4, 190, 16278),
    "even": (2, 108, 10002),
    "zero_one_random": (0, 48, 6156),
}
EPS = 1e-6


@pytest.mark.parametrize("name", COUNTED)
@pytest.mark.parametrize("k", [2, 3])
def test_as_many_as_were_counted_beforehand(name, k):
    found = processes.rashomon_set(processes.named(name), k, EPS)
    assert (found.within, found.machines) == (COUNTED[name][k - 2], k ** (2 * k))


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTED)
def test_as_many_of_four_states(name):
    """The number explodes, the share hardly moves; what is just above eps is far above."""
    found = processes.rashomon_set(processes.named(name), 4, EPS)
    assert (found.within, found.machines) == (COUNTED[name][2], 65536)
    assert ((found.excess <= 1e-9) == (found.excess <= 1e-2)).all()


def renamed(machine, name):
    back = np.argsort(name)
    return tuple(tuple(int(name[s]) for s in machine[back[i]]) for i in range(len(machine)))


def test_classes_are_those_of_names_of_states():
    """Every machine is in one class: renaming the later states of its representatives makes all of them."""
    found = processes.rashomon_set(processes.named("even"), 3, EPS)
    orbits = [{renamed(m, n) for n in ([0, 1, 2], [0, 2, 1])} for m in np.asarray(found.next)]
    assert [len(o) for o in orbits] == found.size.tolist()
    assert len(set().union(*orbits)) == found.machines == 729
    assert found.classes_within < found.within
    assert processes.rashomon_set(processes.named("even"), 2, EPS).classes_within == 2  # the first is named


def long_run(process, machine, steps=1000):
    """Loss of a machine with its best parameters, step by step: distributions are averaged over time."""
    joint = np.zeros((process.n_states, len(machine)))
    joint[:, 0] = process.start
    total = np.zeros((len(machine), process.vocab))
    for t in range(steps):
        emitted = np.einsum("is,xij->sxj", joint, process.T)
        if t >= steps // 2:
            total += emitted.sum(2)
        joint = np.zeros_like(joint)
        for s, x in product(range(len(machine)), range(process.vocab)):
            joint[:, machine[s, x]] += emitted[s, x]
    mass = total.sum(1) / total.sum()
    return sum(m * processes.entropy(row / row.sum()) for m, row in zip(mass, total, strict=True) if m > 0)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["golden_mean", "even", "rrxor"])
def test_losses_are_those_of_reading_on_and_on(name):
    process = processes.named(name)
    found = processes.rashomon_set(process, 2, EPS)
    for row, excess in zip(np.asarray(found.next), found.excess, strict=True):
        assert long_run(process, row) - found.floor == pytest.approx(excess, abs=2e-3)


@pytest.mark.thorough
@settings(max_examples=20, deadline=None)
@given(hmms(max_vocab=2))
def test_larger_machines_are_never_worse(process):
    """And those of one state know the frequencies of symbols in the long run."""
    try:
        best = [processes.rashomon_set(process, k, 1e-2).excess.min() for k in (1, 2)]
    except processes.ProcessError as refused:
        assert "entropy rate" in str(refused)
        return
    assert best[1] <= best[0] + 1e-9


def test_its_own_machine_is_in_the_set():
    rrxor = processes.named("rrxor")
    assert processes.rashomon_set(rrxor, 3, EPS).within == 0  # it has five causal states
    with pytest.raises(processes.ProcessError, match=r"5\*\*10 machines"):
        processes.rashomon_set(rrxor, 5, EPS)


def test_refusals():
    even = processes.named("even")
    for process, k, eps, said in (
        (even, 0, EPS, "at least 1 state"),
        (even, 2, 0.0, "more than 0 nats"),
        (processes.named("fanizza"), 2, EPS, "generalised"),
        (processes.named("mess3"), 4, EPS, r"4\*\*12"),
    ):
        with pytest.raises(processes.ProcessError, match=said):
            processes.rashomon_set(process, k, eps)
