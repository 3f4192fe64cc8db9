"""Claims about inertia, torque and energy on planted evidence."""

from dataclasses import fields, replace

import numpy as np
import pytest
from fixed import thresholds, trained
from pictures import picture
from planted.attention import energies, inertias, strains, terms
from planted.rates import MESS3, RRXOR, TRIALS, judged, looked, rate, verdicts

import processes
import train
from analysis.claim import Setting
from analysis.constraint_load import cl6_drawn_constraints as drawn_constraints
from analysis.constraint_load import cl6_torque as torque
from analysis.constraint_load.cl5_inertia import GUARDED, switched_on
from analysis.constraint_load.cl6_drawn_constraints import COUNT, HEAVIEST, KINDS, LIGHTEST, drawn
from analysis.constraint_load.cl7_hamiltonian import Energy, Terms
from analysis.families import CLAIMS
from analysis.instruments.statistics import partial_rank_correlation, rank_correlation
from analysis.recipes import SMALL, standard
from processes.constraints import constraint, load

WHERE = {"CL5": (MESS3, 7), "CL6": (MESS3, 7), "CL7": (RRXOR, 7)}


def verdict_on(claim, evidence):
    return judged(claim, evidence, *WHERE[claim])


def looked_at(claim, plant):
    return looked(claim, plant, *WHERE[claim])


def rate_of(claim, plant):
    return rate(claim, plant, *WHERE[claim])


# The Hamiltonian view


@pytest.mark.thorough
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


@pytest.mark.thorough
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


@pytest.mark.thorough
def test_power_and_size_of_torque():
    """At an effect of torque as large as those of load and norm together; and none."""
    assert rate_of("CL6", strains()) >= 0.9
    assert rate_of("CL6", strains(by_torque=0.0)) <= 0.05


@pytest.mark.thorough
def test_damage_against_the_torque_refutes():
    contrary = [v.outcome for v in verdicts("CL6", strains(by_torque=-1.0), *WHERE["CL6"])]
    assert contrary.count("refuted") >= 0.9 * TRIALS


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("like", "rival"),
    [
        ({"like_load": 0.9, "by_norm": 0.0}, "the load"),
        ({"like_norm": 0.9, "by_load": 0.0}, "the norm of the constraint's gradient"),
        ({"like_load": 0.5, "like_norm": 0.45}, "load and norm together"),
        ({"by_torque": 1.0, "untrained": 20.0}, "torque at untrained networks"),
    ],
    ids=["load", "norm", "both", "untrained"],
)
def test_torque_that_only_repeats_a_rival_is_explained_by_it(like, rival):
    found = verdicts("CL6", strains(**{"by_torque": 0.0} | like), *WHERE["CL6"])
    assert sum(v.outcome == "explained" and rival in v.reason for v in found) >= 0.9 * TRIALS
    assert all(v.criteria[0].holds for v in found)  # though the correlation is there


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"learned": 0.01}, "not yet learned"),
        ({"followed": -0.5}, "followed"),
        ({"again": 0.0}, "other minibatches"),
    ],
)
def test_controls_of_torque(what, reason):
    found = verdicts("CL6", strains(**what), *WHERE["CL6"])
    assert {v.outcome for v in found} == {"invalid"} and all(reason in v.reason for v in found)


@pytest.mark.thorough
@pytest.mark.parametrize("name", CLAIMS["CL6"].tested_on)
def test_constraints_are_drawn_anew_for_every_network(name):
    process = processes.named(name)
    found = [drawn(process, seed) for seed in range(2)]
    for of in found:
        loads = np.array([d.load for d in of])
        assert len(of) == len({d.constraint.spec for d in of}) == COUNT >= 40
        assert loads.min() >= LIGHTEST and loads.max() <= HEAVIEST and np.ptp(np.log(loads)) > 2
        assert {d.kind for d in of} == set(KINDS)
        for d in of[::12]:
            assert d.load == pytest.approx(load(process, constraint(str(d.constraint.spec), process.vocab)))
    first, second = ({d.constraint.spec for d in of} for of in found)
    assert len(first & second) < 0.7 * COUNT and drawn(process, 0) == found[0]
    assert CLAIMS["CL6"].refusal(process, 7) is None


@pytest.mark.thorough
def test_a_process_that_bears_too_few_constraints_is_refused(monkeypatch):
    """Of a cycle that leaves nothing open every constraint costs nothing, or all."""
    monkeypatch.setattr(drawn_constraints, "TRIES", 100)
    cycle = np.stack([np.roll(np.eye(3), 1, 1) * (np.arange(3) == x)[:, None] for x in range(3)])
    reason = CLAIMS["CL6"].refusal(processes.hmm(cycle, name="cycle"), 7)
    assert reason is not None and reason.startswith("only 0 different constraints")


def test_correlations_are_those_of_the_statistics_module():
    s = strains()(np.random.default_rng(0))
    plain = [rank_correlation(x, y, np.ones(COUNT)) for x, y in zip(s.torque, s.damage, strict=True)]
    partial = [partial_rank_correlation(*of) for of in zip(s.torque, s.damage, s.load, strict=True)]
    np.testing.assert_allclose(s.foretells(), plain, atol=1e-12)
    np.testing.assert_allclose(s.beyond(s.load), partial, atol=1e-12)
    assert (np.abs(s.beyond(s.load, s.norm) - s.beyond(s.load)) > 1e-3).all()


@pytest.mark.thorough
def test_torques_and_damage_of_small_networks_are_measured(tmp_path, monkeypatch):
    """Each network on its own constraints."""
    monkeypatch.setattr(torque, "WORDS", 64)
    recipe = standard("mess3", Setting(seeds=2, training="short"), model=replace(SMALL, n_ctx=5))
    tiny = replace(recipe.model, n_layers=1, d_model=8, d_head=4, d_mlp=0)
    run = train.obtain(replace(recipe, model=tiny, steps=150, checkpoints=2), tmp_path)
    process = processes.named("mess3")
    wanted = {seed: tuple(drawn(process, 7 + seed)[:3]) for seed in range(2)}
    monkeypatch.setattr(torque, "drawn", lambda process, seed: wanted[seed])
    found = torque.strain({"base": run})
    assert found.torque.shape == found.damage.shape == (2, 3)
    assert (found.damage > 0).all() and (found.followed > 0).all() and (found.norm > 0).all()
    assert ((found.torque > 0) & (found.torque <= 1)).all() and not (found.torque == found.again).any()
    assert [list(row) for row in found.load] == [[d.load for d in of] for of in wanted.values()]


# Contextual mass


@pytest.mark.thorough
def test_power_and_size_of_mass():
    """At an effect of mass little larger than the noise; none, though row entropy has one; and the
    contrary."""
    assert rate_of("CL5", inertias()) >= 0.9
    assert rate_of("CL5", inertias(by_mass=0.0)) <= 0.05
    contrary = [v.outcome for v in verdicts("CL5", inertias(by_mass=0.6, by_rows=0.0), *WHERE["CL5"])]
    assert contrary.count("refuted") >= 0.9 * TRIALS


@pytest.mark.thorough
def test_row_entropy_alone_is_no_inertia():
    """A plain correlation would be fooled: mass and row entropy go together."""
    found = inertias(by_mass=0.0, by_rows=-1.0)(np.random.default_rng(0))
    plain = [
        rank_correlation(m.ravel(), r.ravel(), np.ones(16))
        for m, r in zip(found.trained.mass, found.trained.output, strict=True)
    ]
    assert np.mean(plain) < -0.4 and abs(found.trained.given_rows().mean()) < 0.35
    assert rate_of("CL5", inertias(by_mass=0.0, by_rows=-1.0)) <= 0.05


@pytest.mark.thorough
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


@pytest.mark.thorough
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
    assert thresholds(claim) == PINNED[claim]
    assert "this lab's operationalisation" in CLAIMS[claim].source


@pytest.mark.parametrize("claim", PINNED)
@pytest.mark.parametrize("size", ["small", "default", "large"])
def test_what_is_trained_can_be(claim, size):
    assert trained(claim, size)


@pytest.mark.thorough
@pytest.mark.parametrize("claim", PLANTED)
def test_figures_draw(claim, tmp_path):
    evidence = PLANTED[claim](np.random.default_rng(0))
    verdict = verdict_on(claim, evidence)
    assert picture(verdict, evidence, tmp_path) > 10_000
