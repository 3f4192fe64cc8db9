"""Lyapunov exponents and information dimension, beside each other and known sets."""

from functools import cache

import numpy as np
import pytest

import processes
from processes import ProcessError, entropy, named
from processes.geometry.lyapunov import _mean_log_determinant

# Lyapunov exponents and dimensions.

MESS3 = {
    (0.05, 0.85): 0.52,
    (0.15, 0.6): 1.35,
    (0.11, 0.79): 0.84,
    (0.5, 0.6): 1.22,
    (0.25, 0.55): 0.73,
    (0.10, 0.95): 0.27,
    (0.15, 0.2): 1.65,
}


@cache
def measured(x: float, a: float):
    return processes.lyapunov(processes.mess3(x=x, a=a), chains=48, steps=250, seed=0)


@pytest.mark.parametrize("x, a", MESS3)
def test_dimension_of_mess3(x, a):
    found = measured(x, a)
    assert found.dimension_error < 0.005
    assert (
        abs(found.dimension - MESS3[x, a]) < 0.005 + 3 * found.dimension_error
    )  # two printed digits and three standard errors
    p = processes.mess3(x=x, a=a)
    total = _mean_log_determinant(p) + 3 * processes.entropy_rate(p).value  # sum of l_i - l_1, known exactly
    assert found.exponent.sum() == pytest.approx(total, abs=1e-9)
    planted = processes.kaplan_yorke(
        processes.entropy_rate(p).value / np.log(2), found.exponent
    )  # h in bits, exponents in nats
    assert abs(planted - MESS3[x, a]) > 0.05


@pytest.mark.thorough
def test_standard_errors_are_honest():
    runs = [processes.lyapunov(named("mess3"), chains=24, steps=100, seed=s) for s in range(1, 13)]
    values, claimed = np.array([r.dimension for r in runs]), np.mean([r.dimension_error for r in runs])
    # chi^2 with 11 degrees of freedom is between 2.1 and 31 with probability .998
    assert 2.1 < 11 * values.var(ddof=1) / claimed**2 < 31
    assert abs(values.mean() - measured(0.05, 0.85).dimension) < 4 * np.hypot(
        claimed / np.sqrt(12), measured(0.05, 0.85).dimension_error
    )


def test_exponents_do_not_depend_on_coordinates():
    p = named("mess3")
    other = processes.similar(p, 6 * np.eye(3) + np.array([[0, 1, -1], [1, 0, 1], [-1, 1, 0]]))
    a, b = measured(0.05, 0.85), processes.lyapunov(other, chains=48, steps=250, seed=3)
    assert (np.abs(a.exponent - b.exponent) < 4 * np.hypot(a.error, b.error)).all()


def test_countable_sets_have_dimension_zero():
    found = processes.lyapunov(named("sns"), chains=8, steps=50, seed=0)
    assert found.dimension == 0 and np.isneginf(found.exponent).all()
    with pytest.raises(ProcessError, match="one mixed state"):
        processes.lyapunov(named("coin"), chains=8, steps=50, seed=0)


def test_kaplan_yorke_by_hand():
    assert processes.kaplan_yorke(1.0, np.array([-2.0, -3.0])) == 0.5
    assert processes.kaplan_yorke(3.5, np.array([-2.0, -3.0])) == 1.5
    assert processes.kaplan_yorke(9.0, np.array([-2.0, -3.0])) == 2
    assert processes.kaplan_yorke(3.0, np.array([-2.0, -np.inf])) == 1


def digits(distribution, n=20000):
    rng = np.random.default_rng(0)
    return rng.choice(len(distribution), size=(n, 36), p=distribution)


CLOUDS = {  # name: points, information dimension
    "segment in space": (np.random.default_rng(1).random((20000, 1)) @ np.array([[1.0, -2.0, 0.5]]), 1),
    "square": (np.random.default_rng(2).random((200000, 2)), 2),
    "Cantor set": ((2 * digits([0.5, 0.5]) @ 3.0 ** -np.arange(1, 37))[:, None], np.log(2) / np.log(3)),
    "biased Cantor set": (
        (2 * digits([0.2, 0.8]) @ 3.0 ** -np.arange(1, 37))[:, None],
        float(entropy(np.array([0.2, 0.8]))) / np.log(3),
    ),
}


@pytest.mark.parametrize("name", CLOUDS)
def test_dimension_of_known_sets(name):
    points, known = CLOUDS[name]
    found = processes.information_dimension(points)
    assert (
        abs(found.value - known) < 4 * found.error + 0.03 * known
    )  # edges and undersampling leave a bias of a few per cent
    assert found.error < 0.05
    assert found.fitted.sum() >= 3 and (np.diff(found.box) < 0).all()
    if name == "biased Cantor set":  # box counting that ignores the weights would say log 2 / log 3
        assert abs(found.value - np.log(2) / np.log(3)) > 10 * found.error


def test_weights_count_like_copies():
    points = CLOUDS["Cantor set"][0][:4000]
    weight = np.random.default_rng(5).integers(1, 4, len(points))
    a = processes.information_dimension(points, weight.astype(float))
    b = processes.information_dimension(np.repeat(points, weight, axis=0))
    assert a.value == pytest.approx(b.value, abs=1e-9)
    assert (a.fitted == b.fitted).all()


@pytest.mark.thorough
@pytest.mark.parametrize("x, a, depth", [(0.05, 0.85, 9), (0.15, 0.6, 10)])
def test_boxes_and_exponents_agree_on_mess3(x, a, depth):
    tree = processes.prefix_tree(processes.mess3(x=x, a=a), depth)
    last = tree.level(depth)
    boxes, exponents = (
        processes.information_dimension(tree.belief[last], tree.probability[last]),
        measured(x, a),
    )
    # Kaplan-Yorke is an upper bound where images overlap; boxes carry the few per cent of bias seen on known
    # sets.
    assert (
        abs(boxes.value - exponents.dimension)
        < 4 * np.hypot(boxes.error, exponents.dimension_error) + 0.03 * exponents.dimension
    )
    noise = np.random.default_rng(0).normal(size=(20000, 2))
    assert processes.information_dimension(noise).value > exponents.dimension + 0.2


def test_too_few_points_are_refused():
    with pytest.raises(ProcessError, match="scales"):
        processes.information_dimension(np.random.default_rng(0).random((30, 2)))
    with pytest.raises(ProcessError, match="not finite"):
        processes.information_dimension(np.array([[0.0], [np.nan]]))
    with pytest.raises(ProcessError, match="nonnegative"):
        processes.information_dimension(np.zeros((2, 1)), np.array([1.0, -1.0]))
    assert processes.information_dimension(np.ones((5, 2))).value == 0
