"""Mixed states, causal states, minimal realisations, equivalence, spectra and dimensions."""

import numpy as np
import pytest
from oracles.structure import FINITE, INFINITE, MEMBERS, deformed

import processes
from processes import Process, hmm, named
from processes.structure.belief_distribution import alike

# Mixed states.


@pytest.mark.thorough
@pytest.mark.parametrize("member", MEMBERS)
def test_which_sets_of_mixed_states_are_finite(member):
    assert (processes.mixed_states(named(member)) is None) == (member in INFINITE)


@pytest.mark.parametrize("member", FINITE)
def test_mixed_states_are_the_beliefs_of_the_prefix_tree(member):
    p = named(member)
    ms = processes.mixed_states(p)
    depth = next(d for d in range(1, 16) if p.vocab ** (d + 1) > 20000 or d == 12)
    tree = processes.prefix_tree(p, depth)
    distinct = alike(tree.belief, 1e-9)
    near = np.array(
        [np.abs(ms.belief - b).max(1).min() for b in tree.belief[np.unique(distinct, return_index=True)[1]]]
    )
    assert near.max() < 1e-9 and distinct.max() + 1 <= len(ms)
    # Walking the machine gives the belief and the probability of every word.
    for n in range(1, min(len(tree), 500)):
        state, probability = 0, 1.0
        for x in tree.words[n][: tree.length[n]]:
            probability, state = probability * ms.probability[state, x], ms.next[state, x]
        np.testing.assert_allclose(ms.belief[state], tree.belief[n], atol=1e-9)
        assert probability == pytest.approx(tree.probability[n], rel=1e-9)


def test_underflow_does_not_close_an_infinite_set():
    # A fair coin or a constant one: after n zeros the posterior of the fair one is 2^-n, exactly 0 in float64
    # for n > 1074.
    p = hmm([[[0.5, 0], [0, 1]], [[0.5, 0], [0, 0]]], [0.5, 0.5])
    assert processes.mixed_states(p) is None


def test_slow_and_fast_accumulation_are_infinite():
    assert processes.mixed_states(named("sns(p=0.5, q=0.5)")) is None  # beliefs approach their limit like 1/n
    assert processes.mixed_states(named("sns(p=0.5, q=0.01)")) is None  # ... and geometrically
    assert processes.mixed_states(deformed(named("even"), 1e-3)) is None
    assert processes.mixed_states(deformed(named("golden_mean"), 1e-4)) is None


def test_rounding_does_not_split_states():
    for p in (0.1, 1 / 3, 0.7, 0.123456789):
        assert len(processes.mixed_states(named(f"even(p={p})"))) == 4
        assert len(processes.mixed_states(named(f"nemo(p={p}, q=0.3)"))) == len(
            processes.mixed_states(named("nemo(p=0.4, q=0.3)"))
        )


def test_almost_equal_beliefs_are_refused_not_merged():
    # A finite set in truth, but two of its beliefs are 1e-8 apart: it cannot be told from accumulation, so
    # nothing is claimed.
    T = named("zero_one_random").T
    assert len(processes.mixed_states(hmm(T, [1, 0, 0]))) == 3
    assert processes.mixed_states(hmm(T, [1 - 1e-8, 0, 1e-8])) is None
    far = processes.mixed_states(hmm(T, [1 - 1e-5, 0, 1e-5]))
    assert processes.equivalent(_as_process(far), hmm(T, [1 - 1e-5, 0, 1e-5]))
    # Rare histories keep their own support: a belief that differs in what is impossible is never merged.
    assert processes.distinguishing_word(hmm(T, [1 - 1e-13, 0, 1e-13]), hmm(T, [1, 0, 0])) is not None
    assert processes.mixed_states(hmm(T, [1 - 1e-13, 0, 1e-13])) is None


def _as_process(ms) -> Process:
    T = np.zeros((ms.process.vocab, len(ms), len(ms)))
    for m, x in zip(*np.nonzero(ms.next >= 0), strict=True):
        T[x, m, ms.next[m, x]] = ms.probability[m, x]
    return hmm(T / T.sum((0, 2))[None, :, None], np.eye(len(ms))[0])


@pytest.mark.parametrize("member", FINITE)
def test_the_machine_of_mixed_states_has_the_word_distribution(member):
    assert processes.equivalent(_as_process(processes.mixed_states(named(member))), named(member))


@pytest.mark.parametrize("name", ["even", "nemo", "zero_one_random", "rrxor"])
def test_mixed_states_survive_a_change_of_coordinates(name):
    p = named(name)
    A = 2 * p.n_states * np.eye(p.n_states) + (np.arange(p.n_states**2).reshape(p.n_states, -1) * 7 % 3 - 1)
    ms, other = processes.mixed_states(p), processes.mixed_states(processes.similar(p, A))
    assert len(ms) == len(other)
    np.testing.assert_allclose(other.belief, ms.belief @ A, atol=1e-9)
    np.testing.assert_array_equal(other.next, ms.next)


def test_values_on_a_grid_line_are_alike():
    value = 0.25 + 0.5e-10  # half way between two multiples of 1e-10
    rows = np.array([[value - 1e-15, 1.0], [value + 1e-15, 1.0], [value + 1e-8, 1.0], [value, 2.0]])
    assert len(np.unique(np.round(rows, 10), axis=0)) == 4  # what rounding would do
    label = alike(rows, 1e-9)
    assert label[0] == label[1] and len(set(label)) == 3
