"""Claims on guarded processes: supported on planted evidence where true, not where false."""

import json
from dataclasses import replace

import numpy as np
import pytest
from fixed import thresholds
from planted.guarded import stacks, subsets
from planted.rates import TRIALS, judged, rate, share, verdicts
from planted.runs import kept

import processes
import train
from analysis import claim as rule
from analysis.claim import ClaimError, Setting
from analysis.constraint_load import cl2_load_decides as load_decides
from analysis.constraint_load import cl3_intervention_paradox as intervention_paradox
from analysis.constraint_load import cl3_stacking_design as stacking_design
from analysis.constraint_load import regimes
from analysis.constraint_load.cl2_load_decides import DEFAULT_PROCESS, advantage, held_out
from analysis.constraint_load.cl3_intervention_paradox import slope
from analysis.constraint_load.cl3_stacking_design import BASE, MATCHED, PAIRS, interaction
from analysis.constraint_load.subset_violation import design, measured
from analysis.constraint_load.violation import forbidden
from analysis.families import CLAIMS, panels
from analysis.figures.verdict import draw, figure
from analysis.lab import Trial
from processes.constraints import conjunction, constraint, load

WORDS = np.stack(np.meshgrid(*[np.arange(3)] * 4), -1).reshape(-1, 4)
"""All words of four of three symbols."""


@pytest.fixture(scope="module")
def guarded():
    return processes.named(DEFAULT_PROCESS)


@pytest.fixture(scope="module")
def loads():
    return design(processes.named(DEFAULT_PROCESS).made_of)[1:]


@pytest.fixture(autouse=True)
def fewer_shuffles(monkeypatch):
    """Shuffled loads are far from everything planted here."""
    monkeypatch.setattr(load_decides, "SHUFFLES", 10)


@pytest.mark.thorough
def test_cl2_power(guarded, loads):
    """At a relative violation that grows e^4-fold per nat (over half a nat: sevenfold), with a spread of
    factor two between subsets.
    """
    assert rate("CL2", subsets(loads, by_load=4.0), guarded, 7) >= 0.9


@pytest.mark.thorough
@pytest.mark.parametrize("false", [{"by_count": 0.6}, {}], ids=["count", "neither"])
def test_cl2_size(false, guarded, loads):
    assert rate("CL2", subsets(loads, **false), guarded, 7) <= 0.05


@pytest.mark.thorough
def test_cl2_is_refuted_where_count_decides(guarded, loads):
    verdict = judged("CL2", subsets(loads, by_count=1.5)(np.random.default_rng(0)), guarded, 7)
    assert verdict.outcome == "refuted"


def test_cl2_a_predictor_that_ignores_its_controls_is_no_evidence(guarded, loads):
    """Its violation mass follows load; its relative violation is 1 everywhere."""
    evidence = subsets(loads, level=-0.05, noise=0.02)(np.random.default_rng(0))
    found = {c.name: c for c in judged("CL2", evidence, guarded, 7).criteria}
    assert min(found["transformer: violation mass, load over count, nats a subset"].values) > 0.1
    assert judged("CL2", evidence, guarded, 7).outcome == "invalid"


def test_cl2_untrained_networks_that_depend_on_load_make_it_invalid(guarded, loads):
    verdict = judged("CL2", subsets(loads, by_load=6.0, untrained=2.0)(np.random.default_rng(0)), guarded, 7)
    assert verdict.outcome == "invalid" and "untrained" in verdict.reason


def test_held_out_likelihood_is_that_of_lines_fitted_to_the_others():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=9), rng.normal(size=9)
    total = 0.0
    for i in range(9):
        rest = np.arange(9) != i
        X = np.stack([np.ones(8), x[rest]], 1)
        line, rss, _, _ = np.linalg.lstsq(X, y[rest], rcond=None)
        here = np.array([1, x[i]])
        variance = rss[0] / 6 * (1 + here @ np.linalg.inv(X.T @ X) @ here)
        total += -0.5 * np.log(2 * np.pi * variance) - (y[i] - here @ line) ** 2 / (2 * variance)
    np.testing.assert_allclose(held_out(y[None], x), [total / 9], rtol=1e-12)
    assert (advantage(np.exp(np.tile(x, (3, 1)) + 0.1 * rng.normal(size=(3, 9))), x, y) > 0.5).all()


REFUSED = {
    "mess3": "no constraints to switch on",
    "guarded(mess3; never 0; p=0.5)": "only 1 of its subsets",
    "guarded(mess(x=0.1, a=0.85, s=6); never 0; never 1; never 2; never 3; p=0.5)": "cannot be told apart",
    "guarded(mess(x=0.1, a=0.85, s=6); never 01; never 10; never 01; never 10; p=0.5)": "equal load",
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", REFUSED)
def test_cl2_refuses_what_cannot_tell_load_from_count(name):
    with pytest.raises(ClaimError, match=REFUSED[name]):
        CLAIMS["CL2"].check(processes.named(name), 7)
    assert Trial(
        CLAIMS["CL2"], name
    ).key  # a refusal comes before any training, but after the recipes are asked for


@pytest.fixture(scope="module")
def protocols():
    return [p for _, p in stacking_design.design(processes.named(BASE))]


@pytest.fixture(scope="module")
def gaps(protocols):
    return np.array([interaction(p) for p in protocols])


def on_pairs(**plant):
    """Verdicts through all looks."""
    gaps = plant.pop("gaps")
    return verdicts("CL3", lambda rng: stacks(gaps, rng, **plant), processes.named(BASE), 9)


@pytest.mark.thorough
def test_cl3_pairs_have_matched_single_loads_and_five_interactions(protocols, gaps):
    """By the load of each constraint and of both, worked out here and not by the protocol."""
    base = processes.named(BASE)
    single = {text: load(base, constraint(text, 3)) for pair in PAIRS for text in pair}
    mean = np.mean([*single.values()])
    assert np.ptp([*single.values()]) < MATCHED * mean
    both = [load(base, conjunction([constraint(c, 3) for c in pair])) for pair in PAIRS]
    exact = np.array([v - single[a] - single[b] for v, (a, b) in zip(both, PAIRS, strict=True)])
    np.testing.assert_allclose(gaps, np.sort(exact), atol=1e-9)
    np.testing.assert_allclose(gaps, [-0.1679, -0.0684, 0.0007, 0.0480, 0.1733], atol=2e-4)
    assert (np.diff(gaps) > 10 * MATCHED * mean).all() and abs(gaps[2]) < MATCHED * mean
    for kind in ("no ", "odd number", "depth"):
        assert any(text.startswith(kind) for pair in PAIRS for text in pair)
    for p in protocols:  # all of them remember: what they forbid is not the same after every word
        assert all(
            len({tuple(row) for row in forbidden(c, WORDS)[:, 1:].reshape(-1, 3)}) > 1 for c in p.constraints
        )


@pytest.mark.thorough
def test_cl3_power(gaps):
    """At a third of the base's violation per nat, with a spread of .06 between networks and pairs."""
    assert share(on_pairs(gaps=gaps, rises=0.35)) >= 0.9


@pytest.mark.thorough
@pytest.mark.parametrize(
    "false",
    [
        {"rises": 0.0},
        {"rises": 0.5, "together": 0.5},
        {"rises": 0.35, "leaks": 0.35},
        {"rises": 0.35, "composed": 0.35},
    ],
    ids=["nothing rises", "all rise", "vectors leak as much", "single leaks rise as much"],
)
def test_cl3_size(false, gaps):
    assert share(on_pairs(gaps=gaps, **false)) <= 0.05


@pytest.mark.parametrize(
    "false",
    [{"rises": 0.5, "together": 0.8}, {"rises": -0.3}, {"rises": 0.35, "leaks": 0.8}],
    ids=["integration does not help", "conflict helps", "vectors leak more than both violate"],
)
def test_cl3_is_refuted_where_it_is_false(false, gaps):
    assert share(on_pairs(gaps=gaps, **false), "refuted") >= 0.9


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("changes", "outcome", "named"),
    [
        ({"composed": 0.9}, "explained", "leaks of single constraints"),
        ({"learned": 0.5}, "invalid", "when learned"),
    ],
    ids=["leaks alone would rise more", "not learned"],
)
def test_cl3_controls_that_misbehave_are_named(changes, outcome, named, gaps):
    found = on_pairs(gaps=gaps, rises=0.4, **changes)
    assert sum(v.outcome == outcome and named in v.reason for v in found) >= 0.9 * TRIALS


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("coin", "2 symbols are too few"),
        ("mess3", "single loads go from 0.05.* not matched within 1%"),
    ],
)
def test_cl3_refuses_bases_without_matched_pairs(name, reason):
    assert Trial(CLAIMS["CL3"], name).key
    with pytest.raises(ClaimError, match=reason):
        CLAIMS["CL3"].check(processes.named(name), 9)


def test_cl3_refuses_pairs_without_all_kinds_of_interaction(monkeypatch):
    monkeypatch.setattr(stacking_design, "PAIRS", (PAIRS[0], *PAIRS[2:], PAIRS[3]))
    monkeypatch.setattr(stacking_design, "design", stacking_design.design.__wrapped__)
    reason = stacking_design.refusal(processes.named(BASE), 9)
    assert "+0.0480, +0.0480" in reason and "5 different ones" in reason


def test_slope_is_that_of_least_squares(gaps):
    y = np.random.default_rng(0).normal(size=(3, len(gaps)))
    np.testing.assert_allclose(slope(y, gaps), np.polyfit(gaps, y.T, 1)[0])


PINNED = {
    "CL2": [(0.0, np.inf)] * 4,
    "CL3": [(0.0, np.inf), (0.0, np.inf), (0.0, np.inf), (-0.25, 0.25)] * 2,
}
CONTROLS = {
    "CL2": [(0.0, np.inf), (0.0, np.inf), (-0.5, 0.5), (-5.0, -0.6)] * 2,
    "CL3": [(0.0, np.inf), (0.0, np.inf), (-np.inf, 0.25), (-0.25, 0.25)] * 2,
}


@pytest.mark.parametrize("claim", PINNED)
def test_thresholds_are_not_moved(claim):
    assert thresholds(claim) == PINNED[claim]
    assert [(f.above, f.below) for f in CLAIMS[claim].controls] == CONTROLS[claim]


@pytest.mark.thorough
@pytest.mark.parametrize("claim", PINNED)
def test_recipes_are_valid_for_every_default_process_and_size(claim):
    for process in CLAIMS[claim].tested_on:
        CLAIMS[claim].check(processes.named(process), 7)
        for size in ("small", "default", "large"):
            recipes = CLAIMS[claim].recipes(process, Setting(size=size))
            assert recipes and all(r.seeds == 8 for r in recipes.values())


def tiny(model):
    return replace(model, n_layers=1, d_model=8, d_head=4, d_mlp=0)


@pytest.mark.thorough
def test_a_small_run_is_measured_and_drawn(tmp_path):
    name = "guarded(mess(x=0.2, a=0.85, s=3); never 0; no 12; at most 2 of 2 in a row; never 0; p=0.5)"
    recipe = load_decides.recipes(name, Setting(seeds=2, size="small"))["transformer"]
    run = kept(replace(recipe, model=tiny(recipe.model)), tmp_path)
    found = measured(run)
    assert found.mass.shape == found.relative.shape == found.untrained.shape == (2, 15)
    base = found.mass / found.relative  # the base predictor violates the same beside every network
    np.testing.assert_allclose(base[0], base[1])
    assert (
        ((base > 0) & (base < 1)).all()
        and np.isfinite(found.untrained).all()
        and np.ptp(found.relative, axis=0).min() > 0
    )
    verdict = rule.judge(
        replace(CLAIMS["CL2"], refusal=lambda p, n: None), {"transformer": found}, processes.named(name), 7
    )
    assert not verdict.criteria[2].applies  # no GRU was trained
    json.dumps(verdict.to_json(), allow_nan=False)


@pytest.mark.thorough
def test_regimes_of_tiny_networks_are_measured(tmp_path, monkeypatch):
    """Of networks that begin, but for those that learned both constraints together."""
    monkeypatch.setattr(intervention_paradox, "STAGE", 150)
    monkeypatch.setattr(regimes, "SAMPLES", 8)
    asked = intervention_paradox.recipes(BASE, Setting(seeds=2, size="small"))
    assert len({r.hash for r in asked.values()}) == 19  # the base is shared by all, two of firsts by two each
    whole = stacking_design.design(processes.named(BASE))
    monkeypatch.setattr(intervention_paradox, "design", lambda base: whole[-1:])  # words are learned soonest
    asked = intervention_paradox.recipes(BASE, Setting(seeds=2, size="small"))

    def shrunk(r):
        return replace(
            r, model=tiny(r.model), batch=8, origin=r.origin and train.Origin(shrunk(r.origin.recipe))
        )

    runs = {
        role: (train.obtain if role.stage == "together" else kept)(shrunk(r), tmp_path)
        for role, r in asked.items()
    }
    (found,) = intervention_paradox.evidence(runs).values()
    assert found.base.shape == (2, 1) and found.load.shape == (1, 2)
    for key in regimes.MEASURES:
        assert all(np.isfinite(y).all() and y.shape == (2, 1) for y in getattr(found, key).values())
    assert (found.learned["together"].mean() < found.base.mean()) and (found.base > 0.3).all()


@pytest.mark.thorough
@pytest.mark.parametrize("claim", PINNED)
def test_figures_are_drawn(claim, guarded, loads, gaps, tmp_path):
    evidence, process = {
        "CL2": lambda: (subsets(loads, by_load=4.0)(np.random.default_rng(0)), guarded),
        "CL3": lambda: (stacks(gaps, np.random.default_rng(0), rises=0.4), processes.named(BASE)),
    }[claim]()
    verdict = judged(claim, evidence, process, 7)
    shown = CLAIMS[claim].drawing(CLAIMS[claim].numbers(evidence))
    draw(verdict, shown, tmp_path, panels())
    assert (tmp_path / "figure.png").stat().st_size > 20_000
    assert "operationalisation" in CLAIMS[claim].source
    assert len(figure(verdict, shown, panels()).subfigs) == 2
