"""Spectrum, Markov order and synchronisation of the mixed-state chain."""

import numpy as np
import pytest
from hypothesis import given
from oracles.structure import FINITE, some

import processes
from processes import Process, named, strategies
from processes.structure.machine import finite_machine

# Spectrum of the mixed-state chain.


@pytest.mark.parametrize("member", FINITE)
def test_spectrum_reconstructs_h(member):
    ms = processes.mixed_states(named(member))
    s = processes.spectrum(ms)
    np.testing.assert_allclose(
        s.h(40)[s.nilpotent_index :], processes.h(named(member), 40)[s.nilpotent_index :], atol=1e-9
    )
    assert len(s.value) + s.multiplicity == len(ms)
    if named(member).is_stationary:
        assert s.decay() <= ms.transient_modulus + 1e-9


@pytest.mark.parametrize(
    "name, index, decay",
    [
        ("rrxor", 2, 2 ** (-1 / 3)),
        ("even", 0, 0.5**0.5),
        ("nemo", 0, 4 ** (-1 / 3)),
        # fmt: skip
        ("random_insertion", 2, 0.5**0.5),
        ("zero_one_random", 3, 0),
        ("golden_mean", 1, 0),
    ],
)
def test_decay_of_h_is_the_fitted_one(name, index, decay):
    p = named(name)
    s, gap = (
        processes.spectrum(processes.mixed_states(p)),
        processes.h(p, 72) - processes.entropy_rate(p).value,
    )
    assert s.nilpotent_index == index and s.decay() == pytest.approx(decay, abs=1e-9)
    if decay == 0:
        assert np.abs(gap[index:]).max() < 1e-13 and (index == 0 or gap[index - 1] > 1e-3)
        return
    # Terms of one modulus beat against each other with a period that divides 6, so compare lengths 24 apart:
    # gap(L) ~ decay^L.
    fitted = (gap[42:48] / gap[18:24]) ** (1 / 24)
    np.testing.assert_allclose(
        fitted, s.decay(), rtol=2e-3
    )  # the next eigenvalue is still there, 24 symbols on
    planted = s.decay() ** 2
    assert np.abs(fitted - planted).min() > 0.05


def test_nilpotent_blocks_are_not_noise():
    ms = processes.mixed_states(named("zero_one_random"))
    assert processes.spectrum(ms).multiplicity == 4
    np.testing.assert_array_equal(
        np.linalg.matrix_power(ms.chain, 3)[:, ~ms.recurrent], 0
    )  # after three symbols nothing is transient


def law_markov_order(process: Process, markov_order=processes.markov_order):
    """R symbols fix the future iff h(R+1) is the entropy rate already."""
    if finite_machine(process) is None:
        return
    order, gap = markov_order(process), processes.h(process, 12) - processes.entropy_rate(process).value
    if order > 10:
        assert gap[-1] > 1e-13 or order < np.inf
    else:
        assert np.abs(gap[int(order) :]).max() < 1e-10
        assert order == 0 or gap[int(order) - 1] > 1e-10


@pytest.mark.parametrize("member", FINITE)
def test_markov_order_of_member(member):
    law_markov_order(named(member))
    if processes.markov_order(named(member)) in (1, 2, 3):
        for planted in (0, 10):
            with pytest.raises(AssertionError):
                law_markov_order(named(member), lambda p, planted=planted: planted)


@pytest.mark.thorough
@some
@given(strategies.hmms(kind="periodic"))
def test_markov_order_of_random_processes(process):
    law_markov_order(process)


# Synchronisation.


def ergodic(p):
    """For stationary ergodic processes the two definitions agree."""
    return p.is_stationary and len(processes.structure.components.ergodic_components(p)) == 1


@pytest.mark.parametrize("member", [member for member in FINITE if ergodic(named(member))])
def test_synchronisation_two_ways(member):
    p = named(member)
    by_words = processes.synchronising_words(p, 10)
    if by_words is not None:
        np.testing.assert_allclose(processes.synchronisation(p, 10), by_words, atol=1e-9)
    law = processes.synchronisation(p, 10)
    assert (np.diff(law) > -1e-12).all() and law.min() > -1e-12 and law.max() < 1 + 1e-12


def test_synchronisation_by_hand():
    n = np.arange(11)
    np.testing.assert_allclose(
        processes.synchronisation(named("golden_mean"), 10), np.minimum(n, 1), atol=1e-12
    )
    unsynchronised = [
        processes.probability(named("sns"), [0] * k) for k in n
    ]  # a one tells that the state is A
    np.testing.assert_allclose(
        processes.synchronisation(named("sns"), 10), 1 - np.array(unsynchronised), atol=1e-12
    )
    assert not processes.synchronisation(named("mess3"), 10).any()
    even = [1 - processes.probability(named("even"), [1] * k) for k in n]  # only a zero synchronises
    np.testing.assert_allclose(processes.synchronisation(named("even"), 10), even, atol=1e-12)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(processes.synchronisation(named("nemo"), 10), even, atol=1e-12)
