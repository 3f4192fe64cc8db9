"""Epsilon-machines: the word distribution, unifilarity, minimality; planted violations are caught."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from oracles.structure import FINITE, some, twice

import processes
from processes import Process, ProcessError, entropy, named, strategies
from processes.structure.belief_distribution import alike
from processes.structure.machine import finite_machine

# Epsilon-machines.


def law_epsilon_machine(process: Process, epsilon_machine=processes.epsilon_machine):
    machine = epsilon_machine(process)
    assert processes.distinguishing_word(machine, process) is None
    assert ((machine.T > 0).sum(2) <= 1).all()  # unifilar
    assert entropy(machine.start) == pytest.approx(processes.statistical_complexity(process), abs=1e-9)
    futures = machine.T.sum(2).T  # minimal: no two states with equal futures
    for word_length in range(1, machine.n_states + 1):
        futures = np.column_stack(
            [
                futures,
                *(
                    np.linalg.multi_dot([*machine.T[list(w)], machine.w])
                    for w in
                    # fmt: skip
                    itertools.islice(itertools.product(range(machine.vocab), repeat=word_length + 1), 64)
                ),
            ]
        )
    assert alike(futures, 1e-9).max() + 1 == machine.n_states
    assert epsilon_machine(machine).n_states == machine.n_states


@pytest.mark.parametrize("member", FINITE)
def test_epsilon_machine(member):
    law_epsilon_machine(named(member))


@pytest.mark.thorough
@some
@given(strategies.hmms(kind="periodic"))
def test_epsilon_machine_of_random_processes(process):
    if finite_machine(process) is not None:
        law_epsilon_machine(process)


def test_a_machine_that_is_too_large_or_wrong_is_caught():
    with pytest.raises(AssertionError):
        law_epsilon_machine(named("even"), twice)
    with pytest.raises(AssertionError):
        law_epsilon_machine(named("even"), lambda p: processes.epsilon_machine(named("even(p=0.5000001)")))
    with pytest.raises(ProcessError, match="infinitely many mixed states"):
        processes.epsilon_machine(named("mess3"))
    with pytest.raises(ProcessError, match="stationary"):
        processes.epsilon_machine(replace(named("even"), start=np.array([1.0, 0.0])))


def test_copies_are_merged():
    doubled = twice(named("nemo"))
    assert processes.epsilon_machine(doubled).n_states == 3
    assert processes.minimal_dimension(doubled) == 3 and doubled.n_states == 6
