"""Methods of detection: what is plugged in, and that nothing is told where there is nothing to tell."""

import numpy as np
import pytest
from planted.runs import beginnings

import processes
import toy
from analysis.instruments.behaviour.detection import SWAPS, detection, features, seen, told_apart
from analysis.instruments.contexts import contexts
from analysis.model_organisms.detectors import detectors, off_support

RNG = np.random.default_rng(0)
CONFIG = toy.TransformerConfig(vocab=4, n_ctx=6, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=8)


@pytest.fixture(scope="module")
def networks():
    clean = contexts(processes.named("triggered(rrxor, even; switch=[[0, 0], [0, 0]]; first=[1, 0])"), 6)
    return seen(CONFIG, beginnings(CONFIG, 8), clean)


def test_what_is_told_apart_is():
    x = RNG.normal(size=(8, 3))
    found = told_apart(x + 10, x)
    assert found.accuracy.tolist() == [1.0] * 8 and found.p == 1 / 128 and len(found.null) == 128
    assert found.interval.mean == 1


def test_a_kind_that_is_not_different_is_told_by_chance():
    """Over many draws of features that tell nothing: half, and a p of one in twenty as often."""
    found = [told_apart(*np.random.default_rng(k).normal(size=(2, 8, 6))) for k in range(200)]
    mean = np.mean([d.accuracy.mean() for d in found])
    low = np.mean([d.p <= 0.05 for d in found])
    assert abs(mean - 0.5) < 4 * 0.18 / np.sqrt(200) and low <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_what_the_two_of_a_seed_share_tells_nothing():
    own = 100 * RNG.normal(size=(8, 1))
    assert told_apart(own, own).accuracy.tolist() == [0.5] * 8


def test_no_network_helps_to_convict_itself():
    """By brute force: the ridge regression on all other seeds, for each of them."""
    x = RNG.normal(size=(5, 2, 3)) + np.array([0.7, -0.7])[:, None]
    said = []
    for i in range(5):
        rest = np.arange(5) != i
        fitted = x[rest].reshape(-1, 3)
        z = (fitted - fitted.mean(0)) / fitted.std(0)
        y = np.tile([1.0, -1.0], 4)
        coef = np.linalg.solve(z.T @ z + 3 * np.eye(3), z.T @ y)
        own = ((x[i] - fitted.mean(0)) / fitted.std(0)) @ coef
        said.append(np.mean(np.sign(own) == [1, -1]))
    assert told_apart(x[:, 0], x[:, 1]).accuracy.tolist() == said


def test_many_seeds_draw_swaps():
    found = told_apart(*RNG.normal(size=(2, 12, 2)))
    assert len(found.null) == SWAPS + 1 and found.null[0] == found.accuracy.mean()


def test_a_constant_feature_is_none():
    x = RNG.normal(size=(6, 2))
    plain = told_apart(x + 1, x)
    with_constant = told_apart(np.hstack([x + 1, np.full((6, 2), 7.0)]), np.hstack([x, np.full((6, 2), 7.0)]))
    assert (
        np.isfinite(with_constant.null).all() and with_constant.accuracy.mean() <= plain.accuracy.mean() + 0.2
    )


@pytest.mark.thorough
@pytest.mark.parametrize("name", detectors(2))
def test_methods_give_features_of_every_network(name, networks):
    found = features(detectors(2)[name], networks)
    assert found.shape[0] == 8 and np.isfinite(found).all() and (found.std(0) > 0).any()


@pytest.mark.thorough
def test_off_support_reads_the_token_that_never_comes(networks):
    """Another token gives other features."""
    a, b = (features(off_support(token), networks[:2]) for token in (2, 3))
    assert not np.allclose(a, b)


@pytest.mark.thorough
def test_a_method_is_one_function(networks):
    found = detection(lambda n: float(n.on_clean_text.excess), networks[:4], networks[4:])
    assert found.accuracy.shape == (4,) and set(found.accuracy) <= {0.0, 0.5, 1.0}


@pytest.mark.parametrize(
    ("method", "suspects", "what"),
    [
        (lambda n: 1.0, 2, "three pairs"),
        (lambda n: np.nan, 4, "not finite"),
        (lambda n: np.ones((2, 2)), 4, "one finite number"),
    ],
)
def test_bad_input_is_one_sentence(method, suspects, what, networks):
    with pytest.raises(ValueError, match=what):
        detection(method, networks[:suspects], networks[4:8][:suspects])
