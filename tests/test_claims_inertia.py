"""Claims about inertia, torque and energy on planted evidence."""

import numpy as np
import pytest

import processes
from analysis import claim as rule
from analysis.claim import Setting
from analysis.claims import CLAIMS
from analysis.claims.hamiltonian import Energy
from analysis.figures.claims import draw
from analysis.hamiltonian import Terms

SEEDS, TRIALS = 8, 20
RRXOR = processes.named("rrxor")


def judge(claim, evidence):
    return rule.judge(CLAIMS[claim], evidence, RRXOR, 8)


def supported(claim, plant):
    return sum(judge(claim, plant(np.random.default_rng(k))).outcome == "supported" for k in range(TRIALS)) / TRIALS


# The Hamiltonian view


def networks(rng, balanced, own, shuffled, spread):
    """Eight networks whose sum varies by so much, more or less."""

    def one():
        scatter = np.exp(spread * rng.normal(size=3))
        kinetic, potential = 4 * scatter[0] * np.array([1.0, 0.8, 0.9, 1.2]), np.array([1.1, 1.0, 0.9, 0.8, 0.7])
        return Terms(kinetic, potential, 0.2, np.array([balanced, own]) * scatter[:2], shuffled * scatter[2])

    return [one() for _ in range(SEEDS)]


def energies(trained=0.2, own=0.3, shuffled=0.4, untrained=0.26, own_untrained=0.39, spread=0.1):
    return lambda rng: Energy(networks(rng, trained, own, shuffled, spread), networks(rng, untrained, own_untrained, 0.4, spread))


def test_power_and_size_of_energy():
    """At a variation smaller by a quarter, with 10 % of spread over networks."""
    assert supported("CL7", energies()) >= 0.9
    assert supported("CL7", energies(trained=0.26, own=0.39)) <= 0.05
    assert judge("CL7", energies(trained=0.4, own=0.6)(np.random.default_rng(0))).outcome == "refuted"


def test_untrained_networks_that_conserve_as_well_leave_it_open():
    same = networks(np.random.default_rng(0), 0.2, 0.3, 0.4, 0.1)
    verdict = judge("CL7", Energy(same, same[::-1]))
    assert verdict.outcome == "inconclusive"


def test_controls_of_energy():
    """Units that decide the sign; layers in any order conserve as well."""
    units = judge("CL7", energies(own=0.6)(np.random.default_rng(0)))
    assert units.outcome == "inconclusive" and "units" in units.reason
    against = judge("CL7", energies(trained=0.4, own=0.2)(np.random.default_rng(0)))
    assert against.outcome == "inconclusive" and "units" in against.reason
    order = judge("CL7", energies(shuffled=0.2)(np.random.default_rng(0)))
    assert order.outcome == "inconclusive" and "order" in order.reason


# All of them

PLANTED = {"CL7": energies()}
PINNED = {"CL7": [(0.0, np.inf)]}


@pytest.mark.parametrize("claim", PINNED)
def test_thresholds_are_not_moved(claim):
    assert [(c.above, c.below) for c in CLAIMS[claim].criteria] == PINNED[claim] and CLAIMS[claim].seeds == 8
    assert "this lab's operationalisation" in CLAIMS[claim].source


@pytest.mark.parametrize("claim", PINNED)
@pytest.mark.parametrize("size", ["small", "default", "large"])
def test_what_is_trained_can_be(claim, size):
    for process in CLAIMS[claim].tested_on:
        found = CLAIMS[claim].recipes(process, Setting(size=size))
        assert found and all(recipe.hash and recipe.seeds == 8 for recipe in found.values())


@pytest.mark.parametrize("claim", PLANTED)
def test_figures_draw(claim, tmp_path):
    evidence = PLANTED[claim](np.random.default_rng(0))
    values = judge(claim, evidence).to_json()
    draw(values, {name: np.asarray(value) for name, value in CLAIMS[claim].shown(evidence).items()}, tmp_path)
    assert (tmp_path / "figure.png").stat().st_size > 10_000
