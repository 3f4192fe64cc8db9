"""Minimal dimension, minimal realisations and equivalence, beside enumeration."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.structure import MEMBERS, deformed, some, twice

import processes
from processes import Process, ProcessError, hmm, named, strategies


def any_process():
    return st.one_of(strategies.hmms(max_states=3), strategies.ghmms(max_states=3))


def first_difference(a: Process, b: Process, length: int, by: float = 1e-8):
    """Shortest word up to `length` with different probabilities, by enumeration (oracle)."""
    for L in range(length + 1):
        for w in itertools.product(range(a.vocab), repeat=L):
            if abs(processes.probability(a, w) - processes.probability(b, w)) > by * 2.0**-L:
                return w
    return None


# Dimension, realisation, equivalence.


def hankel_rank(process: Process, length: int) -> int:
    """Numerical rank of P(past, future) over all words up to `length` (oracle)."""
    words = [w for L in range(length + 1) for w in itertools.product(range(process.vocab), repeat=L)]
    table = np.array([[processes.probability(process, u + v) for v in words] for u in words])
    scale = table[:, :1]
    rows = table[scale[:, 0] > 1e-9] / scale[scale[:, 0] > 1e-9]
    return int((np.linalg.svd(rows / np.linalg.norm(rows), compute_uv=False) > 1e-9).sum())


@pytest.mark.parametrize("name, rank", [("coin", 1), ("golden_mean", 2), ("even", 2), ("zero_one_random", 3),
("sns", 2), ("nemo", 3),
                                        ("random_insertion", 3), ("rrxor", 5), ("mess3", 3)])  # fmt: skip
def test_minimal_dimension(name, rank):
    p = named(name)
    assert processes.minimal_dimension(p) == rank == hankel_rank(p, 3 if p.vocab == 3 else 4)


def law_minimal(process: Process, minimal_ghmm=processes.minimal_ghmm):
    small = minimal_ghmm(process)
    d = processes.minimal_dimension(process)
    assert small.n_states == d <= process.n_states
    assert processes.distinguishing_word(small, process) is None
    np.testing.assert_allclose(small.T.sum(0) @ small.w, small.w, atol=1e-9)
    assert small.start @ small.w == pytest.approx(1, abs=1e-9)
    assert processes.minimal_dimension(small) == d


@pytest.mark.parametrize("member", MEMBERS)
def test_minimal_ghmm_of_member(member):
    law_minimal(named(member))


@some
@given(any_process())
def test_minimal_ghmm_of_random_process(process):
    law_minimal(process)


def test_a_wrong_realisation_is_caught():
    for planted in (lambda p: p, lambda p: replace(processes.minimal_ghmm(p), start=np.ones(3) / 3)):
        with pytest.raises(AssertionError):
            law_minimal(twice(named("nemo")), planted)


@pytest.mark.thorough
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.data())
def test_similar_processes_are_one(data):
    p = data.draw(any_process())
    other = processes.similar(p, data.draw(strategies.similarities(p.n_states)))
    assert processes.minimal_dimension(other) == processes.minimal_dimension(p)
    assert processes.equivalent(p, other) and processes.equivalent(other, p)
    for w in itertools.product(range(p.vocab), repeat=3):
        assert processes.probability(other, w) == pytest.approx(processes.probability(p, w), abs=1e-9)
    np.testing.assert_allclose(processes.h(other, 4), processes.h(p, 4), atol=1e-8)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(any_process(), any_process())
def test_equivalence_agrees_with_enumeration(a, b):
    if a.vocab != b.vocab:
        assert not processes.equivalent(a, b)
        with pytest.raises(ProcessError, match="one alphabet"):
            processes.distinguishing_word(a, b)
        return
    found, oracle = processes.distinguishing_word(a, b), first_difference(a, b, 4)
    assert (found is None) <= (oracle is None)
    if oracle is not None:
        assert found is not None and len(found) <= len(oracle)
        assert processes.probability(a, found) != processes.probability(b, found)


def deformable(p):
    """As an HMM with a stationary start, which `deformed` keeps."""
    return p.kind == "hmm" and p.n_states > 1 and np.allclose(p.start @ p.T.sum(0), p.start)


DEFORMABLE = [member for member in MEMBERS if deformable(named(member))]


@pytest.mark.parametrize("by", [1e-2, 1e-5, 1e-7])
@pytest.mark.parametrize("member", DEFORMABLE)
def test_a_small_change_is_found(member, by):
    p = named(member)
    word = processes.distinguishing_word(p, deformed(p, by))
    if word is None:  # mixing with noise keeps a process that is noise already
        assert first_difference(p, deformed(p, by), 5) is None
    else:
        assert abs(processes.probability(p, word) - processes.probability(deformed(p, by), word)) > 1e-10 * by


def test_processes_that_agree_on_all_short_words():
    # rrxor shows its first correlation at length three, and a longer checksum at length five.
    assert len(processes.distinguishing_word(named("rrxor"), hmm([[[0.5]], [[0.5]]]))) == 3
    assert processes.equivalent(processes.permuted(named("rrxor"), [4, 3, 2, 1, 0]), named("rrxor"))
