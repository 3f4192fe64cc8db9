"""Claims about the geometry of whole networks, on planted evidence: supported when true, not when false."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from pictures import picture
from planted.fewer import few_shuffles, one_decoy
from planted.networks import last_token, study_of_two
from planted.rates import FANIZZA, MESS3, RRXOR, by_rule, looked, rate
from planted.records import (
    RECORDS,
    architectures,
    counted,
    grown,
    measured,
    rivals,
    training,
)

import processes
import train
from analysis.belief_geometry import bg16_random_hmms as random_hmms
from analysis.belief_geometry.bg05_fractal_dimension import deepest, scales, scaling
from analysis.belief_geometry.bg06_appears_with_loss import emergence
from analysis.belief_geometry.bg07_capacity_knee import WIDTHS, bound, knee
from analysis.belief_geometry.bg08_any_architecture import RATES, Architectures
from analysis.belief_geometry.bg09_minimal_model import onto
from analysis.claim import ClaimError, Setting
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import observe
from analysis.instruments.probing.baselines import token_window
from analysis.instruments.probing.probe import moments, probe
from analysis.lab import Trial

supported = functools.partial(rate, alone=True)
MINE = ("BG5", "BG6", "BG7", "BG8", "BG9", "BG16")


# BG5


@pytest.fixture
def decoy():
    """Neither a refusal nor what networks hold depends on how many decoys are found."""
    with one_decoy():
        yield


@pytest.fixture(autouse=True)
def fewer():
    with few_shuffles():
        yield


@pytest.fixture(scope="module")
def mess3():
    return contexts(MESS3, 8)


@pytest.fixture(scope="module")
def clouds(mess3):
    """What is measured on networks that hold the beliefs up to a smooth residual, and on untrained ones that
    hold a window of tokens.
    """

    def smooth(rng):
        return np.column_stack([mess3.belief, 0.01 * np.sin(4 * mess3.belief @ rng.normal(size=(3, 2)))])

    return scaling(
        study_of_two(mess3, np.random.default_rng(0), smooth, lambda rng: token_window(mess3), seeds=2)
    )


@pytest.mark.thorough
def test_smooth_images_of_the_beliefs_have_their_dimension(clouds):
    assert np.abs(clouds.excess()).max() < 0.05
    assert clouds.untrained_off().min() > 0.1 and clouds.shuffled_off().min() > 0.1
    kinds = (clouds.true, clouds.probed, clouds.untrained, clouds.shuffled)
    assert clouds.fitted.sum() >= 3 and {c.entropy.shape[1] for c in kinds} == {len(clouds.box)}


@pytest.mark.thorough
def test_noise_that_hides_the_fractal_is_seen(mess3):
    """Independent noise of R2 .995 fills the plane, though every point is near where it should be."""
    noisy = lambda rng: np.column_stack([mess3.belief + 0.035 * rng.normal(size=mess3.belief.shape)])  # noqa: E731
    found = scaling(
        study_of_two(mess3, np.random.default_rng(0), noisy, lambda rng: token_window(mess3), seeds=1)
    )
    assert (found.excess() > 0.2).all()


def test_the_range_of_scales_is_that_of_the_process_alone(mess3):
    t = contexts(processes.named("mess3:piotrowski2025"), 8)
    here = deepest(t)
    assert (t.length[here] == 8).all() and len(here) == 3**8
    for finest, coarsest in (scales(mess3), scales(t)):
        assert 0.05 < finest < 0.1 and coarsest == 0.5


@pytest.mark.thorough
def test_bg5_power_and_size():
    assert supported("BG5", lambda rng: measured(rng, 0.04, 0.04)) >= 0.9  # effect: .04 off with spread .04
    assert (
        supported("BG5", lambda rng: measured(rng, 0.1, 0.04)) <= 0.05
    )  # the nearest value at which it is false
    assert by_rule("BG5", measured(np.random.default_rng(0), 0.4, 0.04)).outcome == "refuted"
    same = by_rule("BG5", measured(np.random.default_rng(0), 0.0, 0.04, control=0.0))
    assert same.outcome == "invalid" and "untrained" in same.reason
    rough = replace(measured(np.random.default_rng(0), 0.0, 0.04), known=np.full(8, 0.57 + 0.05))
    assert by_rule("BG5", rough).outcome == "invalid" and "true beliefs" in by_rule("BG5", rough).reason
    early = replace(measured(np.random.default_rng(0), 0.0, 0.04), excess_loss=np.full(8, 2e-6))
    assert by_rule("BG5", early).outcome == "invalid" and "KL" in by_rule("BG5", early).reason


@pytest.mark.thorough
def test_probes_of_the_true_beliefs_find_their_dimension(clouds):
    assert np.abs(clouds.known_off()).max() < 0.02 and clouds.excess_loss.max() < 1e-6


def test_bg5_refuses_what_has_no_fractal_or_too_few_points(decoy):
    with pytest.raises(ClaimError, match="finitely many mixed states"):
        CLAIMS["BG5"].check(RRXOR, 8)
    with pytest.raises(ClaimError, match="points in a box"):
        CLAIMS["BG5"].check(MESS3, 5)


# BG6


@pytest.mark.thorough
def test_bg6_power_and_size():
    assert supported("BG6", training) >= 0.9  # effect: rank correlation -.98
    assert supported("BG6", lambda rng: training(rng, follows=False)) <= 0.05
    assert by_rule("BG6", training(np.random.default_rng(0), follows=False)).outcome != "supported"


def test_bg6_trainings_that_do_not_follow_the_loss_refute():
    assert looked("BG6", lambda rng: training(rng, follows=False), alone=True).outcome == "refuted"


def test_bg6_shows_what_mere_trends_have_in_common():
    """Steady curves are perfectly correlated with everybody's loss, curves of two stages at times of their
    own with their own.
    """
    rng, e = np.random.default_rng(0), training(np.random.default_rng(0))
    rising = 0.3 + np.cumsum(rng.uniform(0.01, 0.05, e.belief.shape), axis=1)
    falling = np.exp(-np.cumsum(rng.uniform(0.1, 0.5, e.belief.shape), axis=1))
    steady = replace(e, belief=rising, divergence=falling)
    np.testing.assert_allclose([steady.with_own_loss(), steady.with_loss_of_others()], -1.0)
    walk = np.cumsum(rng.normal(size=e.belief.shape), axis=1)
    own = replace(e, belief=walk, divergence=np.exp(-walk))
    np.testing.assert_allclose(own.with_own_loss(), -1.0)
    assert np.abs(own.with_loss_of_others()).mean() < 0.6


def test_bg6_what_every_label_gains_is_no_evidence():
    (selective,) = (c.name for c in CLAIMS["BG6"].controls if "wrong processes" in c.name)

    def fooled(rng):
        e = training(rng)
        return replace(e, rivals=dict(e.rivals) | {selective: -0.2 + 0.01 * rng.normal(size=8)})

    found = looked("BG6", fooled, alone=True)
    assert (found.outcome, found.reason) == ("explained", "beliefs of any process")


@pytest.mark.thorough
def test_emergence_is_read_from_the_kept_steps(recipe, tmp_path):
    run = train.open_run(tmp_path / "run", recipe)
    for _ in run.train():
        pass
    e = emergence(run)
    assert e.step.tolist() == list(run.checkpoint_steps) and e.belief.shape == e.divergence.shape == (
        recipe.seeds,
        len(run.checkpoint_steps),
    )
    assert (e.divergence[:, -1] < e.divergence[:, 0]).all()
    t, final = contexts(RRXOR, recipe.model.n_ctx), recipe.model.stream[-1]
    networks = observe(recipe.model, run.params(), t, (final,))
    alone = [probe(moments(n.activations[final], t.belief, t)).r2 for n in networks]
    np.testing.assert_allclose(
        e.belief[:, -1], alone, atol=1e-6
    )  # the ridge is the same, so only rounding differs
    np.testing.assert_allclose(e.divergence[:, -1], [n.excess for n in networks], rtol=1e-6)


# BG7


@pytest.mark.thorough
def test_bg7_power_and_size():
    assert supported("BG7", lambda rng: grown(rng, 3)) >= 0.9
    assert supported("BG7", lambda rng: grown(rng, 16)) <= 0.05
    assert by_rule("BG7", grown(np.random.default_rng(0), 16)).outcome == "refuted"
    same = by_rule("BG7", grown(np.random.default_rng(0), 3, untrained=30))
    assert same.outcome == "invalid" and "untrained" in same.reason
    flat = by_rule("BG7", grown(np.random.default_rng(0), 1))
    assert flat.outcome == "invalid" and "one dimension" in flat.reason


@pytest.mark.parametrize("at", [2, 3, 4, 8, 16])
def test_the_knee_is_where_it_was_planted(at):
    """To a fifth of a factor two for curves that rise linearly: nine tenths of the way are reached a little
    before all of it.
    """
    width = np.array(WIDTHS)
    assert abs(np.log2(knee(width, np.minimum(width / at, 1.0)) / at)) < 0.25
    assert knee(width, np.ones(len(width))) == 1.0


def test_no_features_explain_more_than_their_number_allows(mess3):
    assert bound(mess3, 1) == pytest.approx(0.5, abs=0.01) and bound(mess3, 2) == pytest.approx(
        1.0
    )  # a symmetric triangle


def test_bg7_refuses_what_no_width_is_too_narrow_for(decoy):
    with pytest.raises(ClaimError, match="on a line"):
        CLAIMS["BG7"].check(processes.named("even"), 8)


# BG8


def test_bg8_power_and_size():
    assert supported("BG8", architectures) >= 0.9  # effect: equal fidelity, spread .008
    for which in RATES:
        assert (
            supported(
                "BG8",
                lambda rng, which=which: architectures(rng, short=0.025, which=which),
            )
            <= 0.05
        )
    assert by_rule("BG8", architectures(np.random.default_rng(0), short=0.1)).outcome == "refuted"
    assert (
        by_rule("BG8", architectures(np.random.default_rng(0), short=-0.1)).outcome == "supported"
    )  # more than reached
    same = by_rule("BG8", architectures(np.random.default_rng(0), untrained=0.9))
    assert same.outcome == "invalid" and "untrained" in same.reason
    (none,) = [c for c in same.controls if "next-token" in c.name]
    assert not none.applies and none.holds


def test_bg8_one_architecture_that_fails_a_control_is_enough():
    e = architectures(np.random.default_rng(0))
    lstm = e.by_name["lstm"]
    memory = "partial R2 given a memory of three tokens"
    assert memory in lstm.controls
    bad = replace(lstm, controls=lstm.controls | {memory: -np.ones(8)})
    found = by_rule("BG8", Architectures(e.by_name | {"lstm": bad}))
    assert (found.outcome, found.reason) == ("explained", "a memory of three tokens")
    unlearned = "share of what contexts are worth that is not yet learned"
    bad = replace(lstm, controls=lstm.controls | {unlearned: np.full(8, 0.1)})
    found = by_rule("BG8", Architectures(e.by_name | {"lstm": bad}))
    assert found.outcome == "invalid" and unlearned in found.reason


# BG9


def test_bg9_power_and_size():
    # Effects: .1 at a spread of .03, and .15 of what the chain leaves, at a spread of .02.
    assert supported("BG9", lambda rng: rivals(rng, 0.95, 0.85, left=0.15)) >= 0.9
    assert supported("BG9", lambda rng: rivals(rng, 0.9, 0.9)) <= 0.05
    assert supported("BG9", lambda rng: rivals(rng, 0.95, 0.85, left=0.1)) <= 0.05
    assert by_rule("BG9", rivals(np.random.default_rng(0), 0.5, 0.95, (0.1, 0.1))).outcome == "refuted"
    assert by_rule("BG9", rivals(np.random.default_rng(0), 0.95, 0.85, left=0.0)).outcome == "refuted"
    # Nothing that training does: untrained networks show the same difference.
    assert supported("BG9", lambda rng: rivals(rng, 0.9, 0.4, untrained=(0.9, 0.4))) <= 0.05
    same = by_rule("BG9", rivals(np.random.default_rng(0), 0.9, 0.4, untrained=(0.9, 0.4)))
    assert same.outcome == "invalid" and "untrained" in same.reason
    window = "partial R2 given a window of tokens"
    good = rivals(np.random.default_rng(0), 0.95, 0.85)
    assert window in good.controls
    bad = by_rule("BG9", replace(good, controls=dict(good.controls) | {window: np.zeros(8)}))
    assert (bad.outcome, bad.reason) == ("explained", "a window of tokens")


@pytest.fixture(scope="module")
def fanizza():
    return contexts(FANIZZA, 8)


@pytest.mark.thorough
def test_bg9_tells_apart_networks_that_hold_one_model_or_the_other(fanizza, decoy):
    rng, t = np.random.default_rng(0), fanizza
    last = last_token(t)
    noisy = lambda labels: lambda rng: labels + 1e-3 * rng.normal(size=labels.shape)  # noqa: E731
    held = onto(study_of_two(t, rng, noisy(t.belief), noisy(last), seeds=2))
    assert (
        (held.minimal > 0.99).all()
        and (held.minimal - held.markov > 0.15).all()
        and set(held.controls) == {c.name for c in CLAIMS["BG9"].controls}
    )
    assert (held.partial > 0.9).all()
    chain = t.believed(processes.markov(t.process, 3))
    other = onto(study_of_two(t, rng, noisy(chain), noisy(last), seeds=2))
    assert (other.markov > 0.99).all() and (other.minimal - other.markov < -0.1).all()
    assert (other.partial < 0.1).all()


@pytest.mark.thorough
def test_bg9_refuses_markov_chains_and_presentations_with_redundant_states(decoy):
    with pytest.raises(ClaimError, match="Markov chain of order 3"):
        CLAIMS["BG9"].check(processes.named("cycle"), 8)
    T = np.kron(RRXOR.T, np.full((2, 2), 0.5))  # every state twice
    redundant = processes.hmm(T)
    with pytest.raises(ClaimError, match="10 states and 5 dimensions suffice"):
        CLAIMS["BG9"].check(redundant, 8)


# All of them

PINNED = {
    "BG5": [(-0.1, 0.1, "mean")],
    "BG6": [(-np.inf, -0.8, "most")],
    "BG7": [(-1.0, 1.0, "mean")],
    "BG8": [(-0.02, np.inf, "mean")] * 3,
    "BG9": [(0.0, np.inf, "mean"), (0.1, np.inf, "mean")],
    "BG16": [(0.5, np.inf, "mean"), (0.5, np.inf, "mean"), (0.0, 1.0, "mean")] * 2,
}


@pytest.mark.parametrize("claim", PINNED)
def test_thresholds_are_not_moved(claim):
    assert [(c.above, c.below, c.over) for c in CLAIMS[claim].criteria] == PINNED[claim] and CLAIMS[
        claim
    ].seeds == 8


@pytest.mark.thorough
@pytest.mark.parametrize("claim", MINE)
def test_recipes_are_valid_and_the_claim_can_be_put_to_its_processes(claim):
    for process in CLAIMS[claim].tested_on:
        for size in ("small", "default", "large"):
            test = Trial(CLAIMS[claim], process, Setting(size=size))
            assert len({r.hash for r in test.recipes.values()}) == len(test.recipes)
            assert all(r.seeds == 8 for r in test.recipes.values())
    names = [c.name for c in (*CLAIMS[claim].criteria, *CLAIMS[claim].controls)]
    assert len(set(names)) == len(names)


@pytest.mark.thorough
@pytest.mark.parametrize("claim", MINE)
def test_figures_draw(claim, tmp_path, monkeypatch):
    monkeypatch.setattr(random_hmms, "_census", lambda *shape: counted(np.random.default_rng(0)))
    evidence, process = RECORDS[claim](np.random.default_rng(0))
    verdict = by_rule(claim, evidence, process)
    assert picture(verdict, evidence, tmp_path) > 10_000
