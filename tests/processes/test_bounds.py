"""Bounds on rates and excess entropies, where mixed states are infinite."""

import copy
import itertools
import json
import pickle
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from oracles.information import bloch_walk, fanizza, named, some

import processes
from processes import ProcessError, entropy, hmm, strategies
from processes.information.bounds import sandwich
from processes.information.forgetting import forgotten_rate_gap

# Bounds where mixed states are infinite.


@cache
def truth(name: str) -> processes.Bounded:
    return processes.entropy_rate(named(name))


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["sns", "mess3:shai2024", "mess3:piotrowski2025"])
@pytest.mark.parametrize("kind", ["hmm", "ghmm"])
def test_bounds_hold_at_every_budget(name, kind):
    p = named(name)
    if kind == "ghmm":
        p = processes.similar(
            p, np.eye(p.n_states) * 3 + np.arange(p.n_states**2).reshape(p.n_states, -1) % 3
        )
    widths = []
    for budget in (30, 300, 3000, 30000):
        rate = processes.bounded_rate(p, budget)
        assert rate.lower <= truth(name).upper + 1e-12 and truth(name).lower <= rate.upper + 1e-12
        widths.append(rate.upper - rate.lower)
    assert widths == sorted(widths, reverse=True) and widths[-1] < 0.15 * widths[0]


@pytest.mark.thorough
@some
@given(strategies.ghmms(max_states=3))
def test_what_a_ghmm_forgets(process):
    # h is unknown here, but h(L) - h >= h(L) - h(L') for every L' > L.
    gap, h = forgotten_rate_gap(process, 5, 10_000), processes.h(process, 7)
    n = min(5, len(gap))
    assert (gap[:n] >= h[:n] - h[6] - 1e-9).all()


def test_a_gap_without_what_was_forgotten_would_be_caught():
    h, gap = processes.h(bloch_walk(1.0, 3.0), 7), forgotten_rate_gap(bloch_walk(1.0, 3.0), 5, 10_000)
    assert not (0.02 * gap >= h[:5] - h[6]).all()


def test_renewal_ghmm_is_known_to_ten_digits():
    rate = processes.entropy_rate(fanizza(2000.0, 0.49))
    assert rate.upper - rate.lower < 1e-10


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["sns", "mess3:shai2024", "mess3:piotrowski2025"])
def test_excess_entropy_bounds_nest(name):
    p, budgets = named(name), (300, 3000, 30000)
    found = [processes.excess_entropy_bounds(p, max_nodes=n) for n in budgets]
    for wide, narrow in itertools.pairwise(found):
        assert wide.lower <= narrow.lower + 1e-12 and narrow.upper <= wide.upper + 1e-12
    exact = processes.block_entropy(p, 11)[-1] - 11 * truth(name).value  # H(L) - L h rises to E
    assert found[-1].lower - 1e-4 < exact < found[-1].upper + 11 * truth(name).error


@pytest.mark.parametrize("name", ["even", "rrxor", "nemo", "random_insertion"])
def test_excess_bounds_enclose_the_exact_value(name):
    p = named(name)
    for budget in (50, 500, 5000):
        bound = processes.bounded_excess(p, budget)
        assert bound.lower - 1e-12 <= processes.excess_entropy(p) <= bound.upper + 1e-12
    both = sandwich(p, 5000)
    few = processes.information.bounds.Sandwich(
        both.h[:4], both.h_given_state[:4], np.zeros(4)
    )  # planted: as if after L symbols the past told nothing
    assert few.excess(processes.entropy_rate(p)).upper < processes.excess_entropy(p)


@pytest.mark.thorough
def test_a_mixture_has_the_mean_rate():
    T = np.zeros((2, 5, 5))
    T[:, 0, 0] = 0.9, 0.1
    T[:, 1, 1] = 0.5, 0.5
    T[:, 2:4, 2:4] = named("sns").T
    T[:, 4, 0] = T[:, 4, 2] = 0.25  # a transient state that leads to two components
    mixed = hmm(T, [0.2, 0.3, 0, 0, 0.5])
    coins = float(entropy(np.array([0.9, 0.1])))
    rate = processes.entropy_rate(mixed)
    assert rate.value == pytest.approx(
        (0.2 + 0.25) * coins + 0.3 * np.log(2) + 0.25 * truth("sns").value, abs=1e-12
    )
    with pytest.raises(ProcessError, match="stationary"):
        processes.bounded_rate(mixed, 1000)


def test_hidden_detail_without_consequence_is_ignored():
    # Two states with one future: beliefs wander for ever, the process is a coin.
    T = np.array([[[0.3, 0.2], [0.1, 0.4]], [[0.15, 0.35], [0.45, 0.05]]])
    p = hmm(T)
    assert processes.mixed_states(p) is None
    assert processes.statistical_complexity(p) == pytest.approx(0, abs=1e-12)
    assert processes.entropy_rate(p).value == pytest.approx(np.log(2), abs=1e-12)
    assert processes.markov_order(p) == 0


def test_faint_memory_is_not_rounded_away():
    # Two ones never follow each other; the state that says so has probability 2e-9.
    p = hmm([[[1 - 1e-9, 1e-9], [0, 0.5]], [[0, 0], [0.5, 0]]])
    assert processes.structure.machine.finite_machine(p) is None
    rate = processes.entropy_rate(p)
    assert 0 < rate.lower <= rate.upper < 2.2e-8
    assert (
        processes.statistical_complexity(p) is None
    )  # not 0, which is the complexity of independent symbols


def test_merging_keeps_long_words_cheap():
    widest = {
        n: max(len(found) for found in itertools.islice(processes.belief_distributions(named(n)), 60))
        for n in ("even", "rrxor", "nemo", "sns")
    }
    assert max(widest.values()) <= 62


def test_a_bounded_number_computes_as_its_best_guess():
    rate = processes.entropy_rate(named("mess3"))
    value = rate.value
    assert type(value) is float and rate.lower <= rate == value <= rate.upper
    assert [1 - rate, rate * 2, -rate, abs(rate), round(rate, 3)] == [
        *(1 - value, value * 2, -value, abs(value), round(value, 3)),
    ]
    assert rate < 2 and max(rate, 0.1) == value and sum([rate, rate]) == 2 * value
    assert np.array([rate, rate]).dtype == float and np.log(rate) == np.log(value)
    assert f"{rate:.4f}" == f"{value:.4f}" and json.loads(json.dumps([rate])) == [value]
    assert str(rate) == f"Bounded(value={value}, lower={rate.lower}, upper={rate.upper})"


def test_a_bounded_number_keeps_its_bounds_and_cannot_be_changed():
    rate = processes.Bounded(0.4, 0.39, 0.42)
    for same in (copy.copy(rate), copy.deepcopy(rate), pickle.loads(pickle.dumps(rate))):
        assert (same, same.lower, same.upper) == (0.4, 0.39, 0.42) and same.error == pytest.approx(0.02)
    with pytest.raises(AttributeError, match="lower of a number cannot be set"):
        rate.lower = 0.1
