"""SM8 on planted evidence, and its instruments by what is known of grids, noise and depths."""

import numpy as np
import pytest
from pictures import picture
from planted.rates import by_rule, looked, rate
from planted.tasks import reading

import processes
from analysis.claim import ClaimError, Setting
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts
from analysis.simulators import sm08_task_depth as task_depth
from analysis.simulators import sm08_task_trees as sm8
from analysis.simulators.sm08_task_depth import Curves, Reader, as_fabric, half_depth
from analysis.simulators.sm08_task_grid import Grid, additive_share, grid_of, one_hotness, task_means

TWO, THREE, TREE = CLAIMS["SM8"].tested_on


def changed(**how):
    return lambda rng: reading(rng, **how)


@pytest.mark.thorough
def test_power_and_size_of_sm8():
    """A block apart, within three tenths of one; in a tree the order alone is asked."""
    assert rate("SM8", reading, alone=True) >= 0.9
    assert rate("SM8", changed(grid=False), alone=True) >= 0.9
    for nothing in (
        {"state": 1.2},
        {"state": 1.2, "grid": False},
        {"one_hot": 0.5},
        {"fabric": 1.0},
        {"one_hot": 0.9},
        {"last": 0.1},
    ):
        assert rate("SM8", changed(**nothing), alone=True) <= 0.05, nothing


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"task": 2.5, "state": 1.2}, "refuted", ""),
        ({"one_hot": 0.1}, "refuted", ""),
        ({"learned": 1e-1}, "invalid", "not yet learned"),
        ({"last": 0.03}, "invalid", "last layer"),
        ({"untrained": 1.0}, "invalid", "untrained"),
        ({"fabric": 2.0}, "explained", "one fabric of beliefs"),
        ({"one_hot": 0.7}, "explained", "one fabric of beliefs"),
    ],
)
def test_outcomes_of_sm8(how, outcome, told):
    found = looked("SM8", changed(**how), alone=True)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below) for c in CLAIMS["SM8"].criteria] == [(-np.inf, 0.0), (0.5, np.inf)]


@pytest.mark.parametrize(
    ("name", "said"),
    [("even", "not a mixture"), ("mixture(coin, coin(p=0.9))", "told by")],
)
def test_sm8_refuses(name, said):
    with pytest.raises(ClaimError, match=said):
        CLAIMS["SM8"].check(processes.named(name), 6)


# Grids.


def test_grids_are_known_by_what_they_are_made_of():
    two, three, tree = (grid_of(processes.named(n).made_of) for n in (TWO, THREE, TREE))
    assert two is not None and two.shape == (2, 2) and two.row.tolist() == [0, 0, 1, 1]
    assert three is not None and three.shape == (3, 3) and three.column.tolist() == [0, 1, 2] * 3
    assert tree is None
    part = "mixture(golden_mean * even, even * even, even * golden_mean)"
    assert grid_of(processes.named(part).made_of) is None  # one combination is missing


@pytest.mark.parametrize(("k", "share"), [(2, 2 / 3), (3, 0.5), (4, 0.4)])
def test_additive_share_of_one_hots(k, share):
    grid = Grid(np.repeat(np.arange(k), k), np.tile(np.arange(k), k))
    one_hots = np.eye(k * k)[np.random.default_rng(0).permutation(k * k)]
    turned = one_hots @ np.linalg.qr(np.random.default_rng(1).normal(size=(k * k, k * k)))[0] + 3.0
    assert additive_share(turned, grid) == pytest.approx(share, abs=1e-12)
    assert one_hotness(turned, grid) == pytest.approx(1, abs=1e-12)
    rng = np.random.default_rng(2)
    sums = rng.normal(size=(k, 5))[grid.row] + rng.normal(size=(k, 5))[grid.column]
    assert one_hotness(sums, grid) == pytest.approx(0, abs=1e-12)
    assert additive_share(np.ones((k * k, 2)), grid) == 1.0


def test_means_are_of_the_text_of_each_task():
    """Of attributes that are independent, posteriors of one attribute do not know the other."""
    process = processes.named(TWO)
    t, mixture = contexts(process, 5), process.made_of
    grid = grid_of(mixture)
    posterior = mixture.posterior(t.belief)
    marginals = np.column_stack([posterior @ (grid.row == 1), posterior @ (grid.column == 1)])
    means = task_means(marginals, t, mixture)
    assert one_hotness(means, grid) == pytest.approx(0, abs=1e-9)
    assert means[:, 0] == pytest.approx([means[0, 0]] * 2 + [means[2, 0]] * 2, abs=1e-9)
    last = t.length == t.n_ctx
    by_hand = sum(
        processes.probability(mixture.components[1], w) * m
        for w, m in zip(t.words[last], marginals[last], strict=True)
    )
    assert means[1] == pytest.approx(by_hand, abs=1e-9)
    assert 0 < one_hotness(task_means(posterior, t, mixture), grid) <= 1 + 1e-9


# Depth.


def test_half_depth_is_linear_between_blocks():
    assert half_depth(np.array([0.0, 0.2, 0.6, 0.8])) == pytest.approx(1.5)
    assert half_depth(np.array([0.5, 0.6, 0.8])) == 0.0
    assert half_depth(np.array([0.0, 0.5, -0.1])) == 2.0  # nothing to come to


@pytest.fixture(scope="module")
def reader():
    process = processes.named("mixture(rrxor, even)")
    return Reader(contexts(process, 8))


def test_beliefs_tell_the_task_and_rivals_do_not(reader):
    assert reader.known["posterior"] < 0.9 and reader.within
    assert reader.partial("posterior", reader.contexts.belief) > 0.999
    noise = np.random.default_rng(0).normal(size=reader.contexts.belief.shape)
    assert reader.partial("posterior", noise) < 0.05


@pytest.mark.thorough
def test_the_fabric_of_exact_beliefs_in_noise_is_itself(reader):
    """A network whose layers are exact beliefs in other noise is matched by it, within what draws of noise
    differ by; one that holds what no belief in noise holds is not.
    """
    singles = [task_depth.fabric(reader, draws=1, seed=k) for k in range(4)]
    focused = Curves(*np.mean(singles, axis=0))
    assert (np.diff(focused.belief) > -0.02).all() and focused.belief[-1] > 0.99
    other = task_depth.fabric(reader, draws=1, seed=9)
    alike = as_fabric(other, focused)
    spread = np.std(singles, axis=0, ddof=1)
    for now, then, s in zip(alike[:2], other[:2], spread, strict=False):
        assert (np.abs(now - then) <= 5 * np.sqrt(1 + 1 / 4) * s.max()).all()
    task_alone = Curves(np.ones(3), np.zeros(3), np.array([0.0, 0.3, 0.6]))
    assert (as_fabric(task_alone, focused).task < 0.95).all()


def test_sm8_trains_four_blocks_on_contexts_that_can_be_read():
    for name in (TWO, THREE, TREE):
        (recipe,) = CLAIMS["SM8"].recipes(name, Setting()).values()
        process = processes.named(name)
        assert recipe.model.n_layers == sm8.DEPTH
        assert processes.count_words(process, recipe.model.n_ctx, most=10**6) <= sm8.MOST


@pytest.mark.thorough
@pytest.mark.parametrize("grid", [True, False])
def test_figure_draws(tmp_path, grid):
    evidence = reading(np.random.default_rng(0), grid=grid)
    process = processes.named(TWO if grid else TREE)
    verdict = by_rule("SM8", evidence, process, 6 if grid else 9)
    assert picture(verdict, evidence, tmp_path) > 10_000
