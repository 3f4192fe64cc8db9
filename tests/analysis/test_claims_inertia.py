"""Claims about inertia, torque and energy on planted evidence."""

from dataclasses import fields

import numpy as np
import pytest
from pictures import picture
from planted.attention import K, energies, inertias, strains, terms
from planted.rates import MESS3, RRXOR, TRIALS, judged, looked, rate, verdicts

import processes
from analysis.claim import Setting
from analysis.constraint_load.cl5_inertia import GUARDED, switched_on
from analysis.constraint_load.cl6_torque import CANDIDATES, loads
from analysis.constraint_load.cl7_hamiltonian import Energy, Terms
from analysis.families import CLAIMS
from analysis.instruments.statistics import partial_rank_correlation, rank_correlation

WHERE = {"CL5": (MESS3, 7), "CL6": (MESS3, 7), "CL7": (RRXOR, 7)}


def verdict_on(claim, evidence):
    return judged(claim, evidence, *WHERE[claim])


def looked_at(claim, plant):
    return looked(claim, plant, *WHERE[claim])


def rate_of(claim, plant):
    return rate(claim, plant, *WHERE[claim])


# The Hamiltonian view


def test_power_and_size_of_energy():
    """At a variation smaller by a quarter, with 10 % of spread over networks."""
    assert rate_of("CL7", energies()) >= 0.9
    assert rate_of("CL7", energies(trained=0.26, own=0.39)) <= 0.05
    assert verdict_on("CL7", energies(trained=0.4, own=0.6)(np.random.default_rng(0))).outcome == "refuted"


def test_untrained_networks_that_conserve_as_well_leave_it_open():
    same = terms(np.random.default_rng(0), 0.2, 0.3, 0.4, 0.1)
    turned = Terms(*(getattr(same, f.name)[::-1] for f in fields(Terms)))
    verdict = verdict_on("CL7", Energy(same, turned))
    assert verdict.outcome == "undecided"


def test_controls_of_energy():
    """Units that decide the sign; layers in any order conserve as well."""
    units = verdict_on("CL7", energies(own=0.6)(np.random.default_rng(0)))
    assert units.outcome == "invalid" and "units" in units.reason
    against = verdict_on("CL7", energies(trained=0.4, own=0.2)(np.random.default_rng(0)))
    assert against.outcome == "invalid" and "units" in against.reason
    order = looked_at("CL7", energies(shuffled=0.15))
    assert (order.outcome, order.reason) == ("explained", "any order of the layers")
    assert rate_of("CL7", energies(shuffled=0.2)) <= 0.05


# Inhibitory torque


def test_power_and_size_of_torque():
    """At an effect of torque twice as large as that of load; none; and the contrary."""
    assert rate_of("CL6", strains()) >= 0.9
    assert rate_of("CL6", strains(by_torque=0.0)) <= 0.05
    found = verdicts("CL6", strains(by_torque=0.0, other=1.5), *WHERE["CL6"], trials=100)
    chance = [v.outcome for v in found]
    assert (
        chance.count("supported") <= 5 and chance.count("refuted") <= 10
    )  # a likeness that all networks share, for the claim or against it


def test_damage_against_the_torque_refutes():
    contrary = [v.outcome for v in verdicts("CL6", strains(by_torque=-1.0), *WHERE["CL6"])]
    assert contrary.count("refuted") >= 0.9 * TRIALS


def test_torque_that_only_repeats_the_load_is_no_evidence():
    outcomes = verdicts("CL6", strains(by_torque=0.0, by_load=1.0, alike=0.9), *WHERE["CL6"])
    assert sum(v.outcome == "supported" for v in outcomes) <= 0.05 * TRIALS
    assert sum("load" in v.reason for v in outcomes) >= 0.9 * TRIALS
    assert all(v.criteria[0].holds for v in outcomes)  # though the correlation is there


@pytest.mark.parametrize(
    ("what", "outcomes", "reason"),
    [
        # Half of them: as many as an effect that all networks share leaves open.
        ({"untrained": 20.0}, {"explained", "undecided"}, "untrained"),
        ({"learned": 0.5}, {"invalid"}, "learned"),
        ({"followed": -0.5}, {"invalid"}, "followed"),
    ],
)
def test_controls_of_torque(what, outcomes, reason):
    found = verdicts("CL6", strains(**what), *WHERE["CL6"])
    assert {v.outcome for v in found} == outcomes and all(
        reason in v.reason or v.outcome == "undecided" for v in found
    )


def test_loads_are_many_and_differ():
    for name in CLAIMS["CL6"].tested_on:
        found = loads(processes.named(name))
        assert tuple(found) == CANDIDATES and len({round(v, 9) for v in found.values()}) >= 10
    assert "only" in CLAIMS["CL6"].refusal(RRXOR, 7)


def test_correlations_are_those_of_the_statistics_module():
    s = strains()(np.random.default_rng(0))
    plain = [rank_correlation(x, y, np.ones(K)) for x, y in zip(s.torque, s.damage, strict=True)]
    partial = [partial_rank_correlation(x, y, s.load) for x, y in zip(s.torque, s.damage, strict=True)]
    np.testing.assert_allclose(s.predicts(), plain, atol=1e-12)
    np.testing.assert_allclose(s.predicts(given_load=True), partial, atol=1e-12)


# Contextual mass


def test_power_and_size_of_mass():
    """At an effect of mass little larger than the noise; none, though row entropy has one; and the
    contrary."""
    assert rate_of("CL5", inertias()) >= 0.9
    assert rate_of("CL5", inertias(by_mass=0.0)) <= 0.05
    contrary = [v.outcome for v in verdicts("CL5", inertias(by_mass=0.6, by_rows=0.0), *WHERE["CL5"])]
    assert contrary.count("refuted") >= 0.9 * TRIALS


def test_row_entropy_alone_is_no_inertia():
    """A plain correlation would be fooled: mass and row entropy go together."""
    found = inertias(by_mass=0.0, by_rows=-1.0)(np.random.default_rng(0))
    plain = [
        rank_correlation(m.ravel(), r.ravel(), np.ones(16))
        for m, r in zip(found.trained.mass, found.trained.output, strict=True)
    ]
    assert np.mean(plain) < -0.4 and abs(found.trained.given_rows().mean()) < 0.35
    assert rate_of("CL5", inertias(by_mass=0.0, by_rows=-1.0)) <= 0.05


@pytest.mark.parametrize(
    "by_rows",
    [
        0.0,
        pytest.param(
            -0.5,
            marks=pytest.mark.xfail(
                strict=True,
                reason="among four heads of a block ranks of row entropy do not take out all that goes with "
                "it: -.08 of correlation is left where mass does nothing, and 3 of 20 are supported",
            ),
        ),
    ],
)
def test_depth_alone_is_no_inertia(by_rows):
    assert rate_of("CL5", inertias(by_mass=0.0, by_rows=by_rows, by_depth=1.5)) <= 0.05


def test_untrained_networks_of_the_same_inertia_leave_it_open():
    assert rate_of("CL5", inertias(untrained=-0.6)) <= 0.05


@pytest.mark.parametrize(
    ("what", "outcome", "reason"),
    [
        ({"by_mass": 0.0, "by_rows": 0.0, "by_depth": 1.5}, "undecided", "not depth alone"),
        ({"by_mass": 0.6, "by_depth": 2.5}, "explained", "depth alone"),
        ({"added": 1.1}, "invalid", "length"),
        ({"still": 0.01}, "invalid", "no length"),
        ({"learned": 0.5}, "invalid", "learned"),
    ],
)
def test_controls_of_mass(what, outcome, reason):
    verdict = looked_at("CL5", inertias(**what))
    assert verdict.outcome == outcome and reason in verdict.reason


def test_constraints_are_counted_by_their_control_tokens():
    words = processes.sample(processes.named(GUARDED), (400, 5), np.random.default_rng(0))
    count = switched_on(processes.named(GUARDED), words)
    assert count.tolist() == [sum(int(token >= 5) for token in word[:3]) for word in words] and set(
        count
    ) == {0, 1, 2, 3}
    assert (
        abs(count.mean() - 1.5) < 4 * np.sqrt(0.75 / 400)
        and not switched_on(processes.named("mess3"), words).any()
    )


# All of them

PLANTED = {"CL5": inertias(), "CL6": strains(), "CL7": energies()}
PINNED = {"CL5": [(-np.inf, 0.0), (-np.inf, 0.0)], "CL6": [(0.0, np.inf)], "CL7": [(0.0, np.inf)]}


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
    values = verdict_on(claim, evidence).to_json()
    assert picture(values, evidence, tmp_path) > 10_000
