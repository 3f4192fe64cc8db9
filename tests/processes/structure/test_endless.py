"""Infinitely many causal states, proved by a word; told apart from none found."""

import numpy as np
import pytest
from hypothesis import given, settings

import processes
from processes import ProcessError, card, endless_word, filter, markov_order, mixed_states, named
from processes.ensembles.hmms import dense, resetting
from processes.strategies import hmms
from processes.structure.machine import finite_machine

INFINITE = [
    "mess3",
    "mess3:piotrowski2025",
    "sns",
    "mess:four",
    "mess:two",
    "mess3 * coin",
    "bloch_walk",
    "moon",
    "guarded(mess3; no 00; never 2; p=0.5)",
    "matching_parens",
]
FINITE = [
    "coin", "golden_mean", "even", "zero_one_random", "rrxor", "nemo", "random_insertion", "cycle",
    "even * golden_mean", "xorsat(n=3, k=2)", "mess(x=0.05, a=1, s=3)", "quantum_rrxor:blind",
]  # fmt: skip


@pytest.mark.thorough
@pytest.mark.parametrize("name", INFINITE)
def test_a_word_proves_infinitely_many(name):
    process = named(name)
    first, word = endless_word(process)
    assert mixed_states(process) is None
    many = filter(process, first + word * 12).belief[len(first) + len(word) - 1 :: len(word)]
    apart = np.abs(many[:, None] - many[None]).max(2) + np.eye(len(many))
    assert apart.min() > 1e-14  # beliefs after u, uu, .. differ, as far as float64 tells
    assert markov_order(process) == (np.inf if process.is_stationary else None)


@pytest.mark.thorough
@pytest.mark.parametrize("name", FINITE)
def test_no_word_proves_what_is_false(name):
    process = named(name)
    assert finite_machine(process) is not None and endless_word(process) is None


@pytest.mark.thorough
@given(hmms())
@settings(max_examples=80)
def test_a_finite_machine_is_never_called_endless(process):
    if finite_machine(process) is not None:
        assert endless_word(process) is None


@pytest.mark.thorough
def test_random_processes_are_told_apart():
    for seed in range(10):
        assert endless_word(dense(2, 3, seed=seed)) is not None
        assert endless_word(resetting(3, 3, seed=seed)) is None


def test_a_jordan_block_is_endless_and_a_rotation_is_left_open():
    """sns by hand: T[0] = [[.5, .5], [0, .5]] never brings a belief back. A rotation by 2 pi / 5 does."""
    assert endless_word(named("sns")) == ((), (0,))
    turn = processes.permuted(named("cycle(n=5, p=1)"), [0, 1, 2, 3, 4])
    assert endless_word(processes.relabelled(turn, [0] * 5, vocab=1)) is None


def test_a_belief_that_has_no_consequence_proves_nothing():
    """Two states that say the same: beliefs about them are infinitely many, futures are one."""
    T = np.array([[[0.3, 0.2], [0.1, 0.4]], [[0.1, 0.4], [0.25, 0.25]]])
    process = processes.hmm(T, [0.9, 0.1])
    assert mixed_states(process) is None and endless_word(process) is None
    assert processes.statistical_complexity(process) == 0.0


def test_cards_say_why_something_is_not_known():
    why = card(named("mess3"), n_ctx=3)["why"]
    assert why["mixed_states"] == "infinite" and why["markov_order"] == "infinite"
    assert why["statistical_complexity"] == "infinitely many causal states"
    assert card(named("even"), n_ctx=3)["why"] == {"markov_order": "infinite"}
    assert card(named("golden_mean"), n_ctx=3)["why"] == {}
    late = card(processes.hmm(named("mess3").T, [1, 0, 0]), n_ctx=3)["why"]
    assert late["excess_entropy"] == late["markov_order"] == "not stationary"


def test_what_was_not_found_is_not_called_infinite(monkeypatch):
    """A process without a proof: a long cycle of beliefs beyond what is enumerated."""
    from processes.structure import endless

    monkeypatch.setattr(endless, "_found", lambda process: None)
    process = processes.hmm(dense(2, 3, seed=77).T)
    why = card(process, n_ctx=2)["why"]
    assert why["mixed_states"] == why["markov_order"] == "not found" and markov_order(process) is None
    with pytest.raises(ProcessError, match="no finite set of mixed states was found"):
        processes.epsilon_machine(process)


def test_the_epsilon_machine_says_which():
    with pytest.raises(
        ProcessError, match=r"has infinitely many mixed states \(repeating \[0\] after \[\] proves"
    ):
        processes.epsilon_machine(named("mess3"))
