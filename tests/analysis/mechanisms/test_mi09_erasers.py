"""Erasers by other rules than LEACE's: what they leave, where they agree, and MI9 on planted evidence."""

import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pictures import picture
from planted.erasers import classes, erasing
from planted.rates import MESS3, RRXOR, looked, rate
from planted.runs import kept

import processes
import toy
from analysis.claim import Setting
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.instruments.interventions import erasers as instrument
from analysis.instruments.interventions.erasers import (
    HOW,
    Read,
    adversarial,
    eraser,
    inlp,
    left_to_read,
    mean_projection,
    moments_of,
    read_along,
    taken_out,
)
from analysis.instruments.probing.nonlinear import nonlinear_r2
from analysis.instruments.probing.probe import moments, probe
from analysis.instruments.probing.probe import moments_of as moments_of_folds
from analysis.instruments.statistics import overlap
from analysis.mechanisms import mi09_erased as measuring
from analysis.mechanisms import mi09_erasers as mi9

PEER = Path(__file__).parents[3] / ".venv-peers" / "bin" / "python"
ALL = np.arange(2)


@pytest.fixture(scope="module")
def three():
    return classes(np.random.default_rng(0))


@pytest.fixture(scope="module")
def found(three):
    return moments_of(*three)


def least_squares(x, which):
    """R2 of one-hot classes by least squares, from the rows themselves."""
    y = np.eye(3)[which]
    design = np.column_stack([x, np.ones(len(x))])
    off = y - design @ np.linalg.lstsq(design, y, rcond=1e-10)[0]
    return 1 - (off**2).sum() / ((y - y.mean(0)) ** 2).sum()


def test_what_is_left_is_what_least_squares_on_the_rows_reads(three, found):
    x, which = three
    assert left_to_read(found, ALL) == pytest.approx(least_squares(x, which), abs=1e-9)
    for how in HOW:
        made = eraser(x, which, how)
        assert left_to_read(found, ALL, made) == pytest.approx(least_squares(made(x), which), abs=1e-7), how


def test_means_of_classes_are_equal_afterwards(three):
    """After mean projection, LEACE, and an adversary who has reached the optimum; after no other projection
    of two directions.
    """
    x, which = three
    spread = np.sqrt(((x - x.mean(0)) ** 2).mean())

    def apart(made):
        means = np.array([made(x)[which == c].mean(0) for c in range(3)])
        return np.abs(means - means.mean(0)).max() / spread

    assert apart(eraser(x, which, "leace")) < 1e-10 and apart(eraser(x, which, "mean")) < 1e-10
    assert apart(eraser(x, which, "adversarial")) < 1e-2
    other = instrument._orthogonal(x.mean(0), np.linalg.qr(np.random.default_rng(1).normal(size=(6, 2)))[0])
    assert apart(other) > 0.1


def test_the_optimum_is_unique_and_is_the_mean_projection(found):
    mean = taken_out(mean_projection(found, ALL))
    assert mean.shape == (6, 2)
    for seed in range(4):
        other = taken_out(adversarial(found, ALL, 2, seed=seed, continued=True))
        assert overlap(mean, other) > 0.999
    wide = taken_out(adversarial(found, ALL, 4, seed=0, continued=True))
    assert wide.shape == (6, 4) and overlap(mean, wide) > 0.999  # of more directions, it is among them
    again = taken_out(adversarial(found, ALL, 4, seed=1, continued=True))
    assert overlap(wide, again) < 0.99  # and the rest is free


def test_the_slope_is_that_of_what_is_read(found):
    """Against central differences; and the share is that of the columns' span, whatever their basis."""
    game, rng = Read(found, ALL), np.random.default_rng(0)
    A = rng.normal(size=12)
    value, slope = game.slope(A, 1e-3)
    assert value == pytest.approx(game.probe(np.linalg.qr(A.reshape(6, 2))[0], 1e-3)[0])
    steps = 1e-6 * np.eye(12)
    expected = [(game.slope(A + s, 1e-3)[0] - game.slope(A - s, 1e-3)[0]) / 2e-6 for s in steps]
    np.testing.assert_allclose(slope, expected, atol=1e-7)


def test_nullspaces_are_projected_until_little_is_read(three, found):
    made = inlp(found, ALL)
    assert left_to_read(found, ALL, made) < 0.03
    assert made.rank >= 2 and made.rank % 2 == 0
    assert inlp(found, ALL, read=0.9).rank < made.rank
    assert inlp(found, ALL, read=1.0).rank == 0
    np.testing.assert_allclose(made(made(three[0])), made(three[0]), atol=1e-12)


def test_overlaps():
    e = np.eye(4)
    assert overlap(e[:, :2], e[:, 1:3]) == pytest.approx(0.5)
    assert overlap(e[:, :1], e[:, :3]) == 1 and np.isnan(overlap(e[:, :0], e))
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    assert overlap(e[:, :2], e[:, :2] @ turned) == pytest.approx(1)


def test_what_leace_and_mean_projection_take_out_is_one_and_what_they_read_is_not(three):
    x, which = three
    leace, mean = eraser(x, which, "leace"), eraser(x, which, "mean")
    assert overlap(taken_out(leace), taken_out(mean)) == pytest.approx(1)
    w = np.ones(len(x))
    assert overlap(read_along(leace, x, w), read_along(mean, x, w)) < 0.99


def test_what_is_read_is_the_same_in_other_coordinates(three):
    x, which = three
    turned = x @ np.random.default_rng(2).normal(size=(6, 6)) + 1
    w = np.random.default_rng(3).random(len(x))
    one, other = (eraser(z, which, "leace", weight=w) for z in (x, turned))
    assert overlap(read_along(one, x, w), read_along(other, turned, w)) == pytest.approx(1)
    mean = eraser(turned, which, "mean", weight=w)  # which depends on them
    assert overlap(read_along(eraser(x, which, "mean", weight=w), x, w), read_along(mean, turned, w)) < 0.99


@pytest.mark.parametrize(
    "change, said",
    [
        ({"how": "rlace"}, "choose one of leace, mean, inlp, adversarial"),
        ({"x": np.ones(4)}, "have shape"),
        ({"y": np.zeros((3, 1))}, "have shape"),
        ({"y": np.zeros(4, int)}, "do not vary"),
        ({"x": np.full((4, 3), np.nan)}, "finite"),
        ({"weight": -np.ones(4)}, "at least zero"),
        ({"how": "adversarial", "rank": 3}, "3 directions are to be taken out of 3"),
    ],
)
def test_what_nothing_can_be_erased_from_is_refused(change, said):
    given = {"x": np.eye(4, 3), "y": np.array([0, 1, 0, 1])} | change
    with pytest.raises(toy.ModelError, match=said):
        eraser(given.pop("x"), given.pop("y"), **given)


@pytest.mark.thorough
def test_a_perceptron_reads_what_no_line_does():
    """Of a product of signs nothing is linear, and a perceptron reads all; of labels dealt anew, nothing."""
    t = contexts(MESS3, 7)
    rng = np.random.default_rng(0)
    signs = np.sign(rng.normal(size=(len(t.weight), 2)))
    x, y = signs + 0.05 * rng.normal(size=signs.shape), signs.prod(1, keepdims=True)
    assert abs(probe(moments(x, y, t)).r2) < 0.05
    (r2,) = nonlinear_r2([x], y, t, seed=0)
    (none,) = nonlinear_r2([x], rng.permutation(y), t, seed=0)
    assert r2 > 0.95 and none < 0.05


@pytest.mark.skipif(not PEER.exists(), reason="no peers' environment; make it with `make peers`")
def test_leace_is_that_of_the_authors(three, tmp_path):
    """The concept-erasure package, in the peers' environment; by default it shrinks covariances first, as if
    contexts were drawn, and here they are all there.
    """
    x, which = three
    np.savez(tmp_path / "given.npz", x=x, which=which)
    script = (
        "import sys, numpy as np, torch\n"
        "from concept_erasure import LeaceEraser\n"
        "given = np.load(sys.argv[1])\n"
        "x, y = torch.tensor(given['x']), torch.tensor(np.eye(3)[given['which']])\n"
        "np.save(sys.argv[2], LeaceEraser.fit(x, y, shrinkage=False)(x).numpy())\n"
    )
    asked = [PEER, "-c", script, tmp_path / "given.npz", tmp_path / "told.npy"]
    said = subprocess.run(asked, capture_output=True, text=True)
    if "No module named 'concept_erasure'" in said.stderr:
        pytest.skip("the peers' environment has no concept-erasure")
    assert said.returncode == 0, said.stderr
    np.testing.assert_allclose(eraser(x, which, "leace")(x), np.load(tmp_path / "told.npy"), atol=1e-6)


def test_power_and_size_of_mi9():
    """At overlaps of .5 over starts and over histories, where mean projections agree to .85, that differ by
    .08 between networks; at each threshold and beyond.
    """
    assert rate("MI9", erasing(), MESS3, 8) >= 0.9
    for nothing in (
        {"starts": {"adversarial": 0.9}},
        {"starts": {"adversarial": 0.97}},
        {"apart": {"adversarial": 0.75}},
        {"apart": {"adversarial": 0.85}},
        {"apart": {"mean": 0.6}},
        {"starts": {"continued": 0.9}},
        {"apart": {"continued": 0.75}},
    ):
        assert rate("MI9", erasing(**nothing), MESS3, 8) <= 0.05


def test_power_of_mi9_at_a_small_effect():
    """Overlaps of .8 over starts, and of .2 less than mean projections over histories."""
    weak = {"adversarial": 0.8, "continued": 0.8}, {"adversarial": 0.65, "continued": 0.65}
    assert rate("MI9", erasing(starts=weak[0], apart=weak[1]), MESS3, 8) >= 0.9


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"starts": {"adversarial": 0.998}}, "refuted", "from other starts"),
        ({"apart": {"adversarial": 0.85}}, "refuted", "on disjoint histories, minus"),
        ({"starts": {"continued": 0.999}}, "explained", "ends before the optimum"),
        ({"apart": {"continued": 0.85}}, "explained", "ends before the optimum"),
        ({"apart": {"mean": 0.3, "adversarial": 0.03}}, "invalid", "mean projections take out"),
        ({"leace": 1e-4}, "invalid", "LEACE"),
        ({"solved": 0.1}, "invalid", "continued search"),
        ({"before": 0.2}, "invalid", "before anything"),
        ({"unlearned": 1e-3}, "invalid", "not yet learned"),
    ],
)
def test_outcomes_of_mi9(how, outcome, told):
    found = looked("MI9", erasing(**how), MESS3, 8)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below, c.over) for c in CLAIMS["MI9"].criteria] == [
        (-np.inf, 0.9, "mean"),
        (-np.inf, -0.1, "mean"),
    ]
    assert (mi9.NOTHING, mi9.SOLVED, mi9.HELD, mi9.ROOM, mi9.LESS) == (1e-6, 0.01, 0.3, 0.5, 0.1)


@pytest.mark.parametrize("n", [8, 7, 2])
def test_halves_have_no_histories_in_common_and_are_all_of_them(n):
    found = measuring.divisions(n, np.random.default_rng(0))
    assert len(found) == measuring.DIVISIONS
    for half, rest in found:
        assert sorted([*half, *rest]) == list(range(n)) and 0 <= len(rest) - len(half) <= 1
    assert n == 2 or len({tuple(half) for half, _ in found}) > 1


def test_what_two_fits_have_in_common():
    """Where every history says the same, only starts are left to differ; where two folds say different
    things, mean projections on disjoint histories take out different directions.
    """
    rng = np.random.default_rng(0)
    x, which = classes(rng, 400)
    rows = np.arange(400)
    y = np.eye(3)[which]

    def fitted(of):
        w, folds = np.ones(len(of)), np.array_split(np.arange(len(of)), 4)
        return measuring.erasers(moments_of_folds(of, y_of, w, (*folds, rows[:0])), seed=0)

    y_of = np.tile(y, (4, 1))
    same = fitted(np.tile(x, (4, 1)))
    assert set(same.restarts) == set(measuring.STARTED) and set(same.histories) == set(measuring.KINDS)
    for kind in ("leace", "mean", "adversarial", "continued"):
        assert same.histories[kind] == pytest.approx(1, abs=1e-6), kind
    turned = [x @ np.linalg.qr(rng.normal(size=(6, 6)))[0] for _ in range(4)]
    other = fitted(np.concatenate(turned))
    assert other.histories["mean"] < 0.9 and other.histories["leace"] == pytest.approx(
        other.histories["mean"]
    )


def test_where_mi9_cannot_be_tested():
    with pytest.raises(processes.ProcessError, match="are worth"):
        CLAIMS["MI9"].check(processes.named("mess3(x=0.3, a=0.4)"), 8)
    assert CLAIMS["MI9"].refusal(RRXOR, 10) is None


@pytest.mark.thorough
def test_its_figure_draws(tmp_path):
    evidence = erasing()(np.random.default_rng(0))
    verdict = looked("MI9", erasing(), MESS3, 8)
    assert picture(verdict, evidence, tmp_path) > 10_000


@pytest.mark.thorough
def test_what_mi9_measures_on_networks(tmp_path, monkeypatch):
    """Networks as they begin, whose streams hold a part of the belief: every number is where it must be."""
    monkeypatch.setattr(mi9, "DEPTH", 6)
    monkeypatch.setattr(mi9, "RESTARTS", 2)
    monkeypatch.setattr(measuring, "RESTARTS", 2)
    recipe = CLAIMS["MI9"].recipes("rrxor", Setting(seeds=2, size="small", training="short"))["transformer"]
    recipe = replace(recipe, model=replace(recipe.model, n_layers=1, d_model=16))
    of = mi9.erasing({"transformer": kept(recipe, tmp_path)})
    assert of.rank == 4 and set(of.restarts) == set(measuring.STARTED) and of.between.shape == (2, 5, 5)
    np.testing.assert_allclose(of.beside_mean("leace"), 0, atol=1e-9)
    assert (of.histories["mean"] < 1).all() and of.histories["mean"].shape == (2,)
    np.testing.assert_allclose(of.between[:, 0, 1], 1)  # LEACE takes out what mean projection does
    np.testing.assert_allclose(of.between, of.between.transpose(0, 2, 1))
    assert np.abs(of.in_sample["leace"]).max() < mi9.NOTHING > np.abs(of.in_sample["mean"]).max()
    assert (of.in_sample["continued"] <= of.in_sample["adversarial"] + 1e-3).all()
    np.testing.assert_allclose(of.alike["leace"], of.alike["leace"][::-1])
    by_kind = of.cost, of.told, of.linear, of.nonlinear, of.alike, of.histories
    assert all(set(d) == set(measuring.KINDS) for d in by_kind)
