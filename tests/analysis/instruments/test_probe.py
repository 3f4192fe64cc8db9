"""Probes: folds, sufficient statistics, ridge, shuffles, baselines, intervals; each against an oracle that
does it the long way.
"""

import time

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import processes
from analysis.instruments.contexts import HISTORY, contexts
from analysis.instruments.evidence import observe
from analysis.instruments.probing import probe as probe_module
from analysis.instruments.probing.baselines import BASELINES
from analysis.instruments.probing.label_shuffles import shuffled_r2
from analysis.instruments.probing.probe import moments, probe, probes
from analysis.instruments.probing.ridge import RIDGES
from analysis.instruments.statistics import crossing, interval, rank_correlation


@pytest.fixture(scope="module")
def t():
    return contexts(processes.named("rrxor"), 7)


@pytest.fixture(scope="module")
def x(t):
    rng = np.random.default_rng(0)
    return t.belief @ rng.normal(size=(5, 12)) + 0.2 * rng.normal(size=(len(t.weight), 12)) + 3.0


def test_weights_are_probabilities_with_each_position_equal(t):
    assert t.weight.sum() == pytest.approx(1, abs=1e-12)
    assert np.allclose(np.bincount(t.position, weights=t.weight), 1 / 7, atol=1e-12)
    assert t.floor @ np.full(7, 1 / 7) == pytest.approx(t.weight @ processes.entropy(t.next_token), abs=1e-12)


def test_histories_are_held_out_whole(t):
    subtree = [tuple(w[:HISTORY]) for w in t.words]
    for prefix in {s for s, n in zip(subtree, t.length, strict=True) if n > HISTORY}:
        folds = {
            int(f) for s, n, f in zip(subtree, t.length, t.fold, strict=True) if n > HISTORY and s == prefix
        }
        assert len(folds - {-1}) == 1
    assert (t.fold[t.length <= HISTORY] == -1).all()


def test_positions_with_few_contexts_are_not_scored(t):
    """64 contexts or more; the longest third of lengths where none has as many."""
    for truth, expected in (
        (t, [n for n in range(HISTORY + 1, t.n_ctx + 1) if (t.length == n).sum() >= 64]),
        (contexts(processes.named("golden_mean"), 8), [6, 7, 8]),
    ):
        assert truth.scored_lengths.tolist() == expected
        assert ((truth.fold >= 0) == np.isin(truth.length, expected)).all() and expected


def test_contexts_must_be_longer_than_what_is_held_out():
    with pytest.raises(processes.ProcessError, match="n_ctx is 4"):
        contexts(processes.named("rrxor"), 4)
    with pytest.raises(processes.ProcessError, match="only 1 histories"):
        contexts(processes.hmm([[[1.0]]]), 6)


def by_sklearn(x, y, t, ridge, intercept=True):
    """Held-out R2 with scikit-learn, fold by fold, at given relative penalties."""
    error, scored = 0.0, t.fold >= 0
    for f in range(t.fold.max() + 1):
        fit, test = scored & (t.fold != f), t.fold == f
        w = t.weight[fit]
        centre = w @ x[fit] / w.sum() if intercept else np.zeros(x.shape[1])
        scale = np.linalg.eigvalsh(((x[fit] - centre) * w[:, None]).T @ (x[fit] - centre)).mean()
        model = Ridge(alpha=ridge[f] * scale, fit_intercept=intercept, solver="cholesky").fit(
            x[fit], y[fit], sample_weight=w
        )
        error += (t.weight[test, None] * (y[test] - model.predict(x[test])) ** 2).sum()
    w = t.weight[scored]
    return 1 - error / (w[:, None] * (y[scored] - w @ y[scored] / w.sum()) ** 2).sum()


@pytest.mark.parametrize("intercept", [True, False])
def test_a_probe_is_weighted_ridge_regression_held_out_by_history(t, x, intercept):
    p = probe(moments(x, t.belief, t), intercept=intercept)
    assert p.r2 == pytest.approx(by_sklearn(x, t.belief, t, p.ridge, intercept), abs=1e-9)
    residual = t.belief - p.predict(x, t.fold)
    scored = t.fold >= 0
    assert p.rmse == pytest.approx(
        np.sqrt(t.weight[scored] @ (residual[scored] ** 2).sum(1) / t.weight[scored].sum()), abs=1e-9
    )


@pytest.mark.thorough
def test_the_ridge_is_chosen_without_the_held_out_fold(t, x):
    """Nested cross-validation the long way: for each fold, the penalty that is best among the others."""
    y, p = t.belief, probe(moments(x, t.belief, t))
    folds = range(t.fold.max() + 1)
    for f in folds:
        losses = []
        for r in RIDGES:
            total = 0.0
            for g in folds:
                if g == f:
                    continue
                fit, test = (t.fold >= 0) & (t.fold != f) & (t.fold != g), t.fold == g
                w = t.weight[fit]
                c = w @ x[fit] / w.sum()
                scale = np.linalg.eigvalsh(((x[fit] - c) * w[:, None]).T @ (x[fit] - c)).mean()
                model = Ridge(alpha=r * scale, solver="cholesky").fit(x[fit], y[fit], sample_weight=w)
                total += (t.weight[test, None] * (y[test] - model.predict(x[test])) ** 2).sum()
            losses.append(total)
        assert p.ridge[f] == RIDGES[int(np.argmin(losses))]


@pytest.mark.parametrize("stack", [1, probe_module.STACK], ids=["one by one", "together"])
def test_networks_are_probed_together_as_alone(t, x, stack, monkeypatch):
    monkeypatch.setattr(probe_module, "STACK", stack)
    rng = np.random.default_rng(0)
    networks = [moments(x + noise * rng.normal(size=x.shape), t.belief, t) for noise in (0.0, 0.5, 5.0)]
    for found, alone in zip(probes(networks), map(probe, networks), strict=True):
        for field in ("r2", "rmse", "r2_in_sample", "ridge", "coef", "intercept"):
            np.testing.assert_allclose(getattr(found, field), getattr(alone, field), atol=1e-10)
    assert len({p.r2 for p in probes(networks)}) == 3


def test_perfect_features_are_perfect_and_noise_is_not(t):
    rng = np.random.default_rng(0)
    assert probe(moments(t.belief @ rng.normal(size=(5, 9)), t.belief, t)).r2 > 1 - 1e-9
    noise = probe(moments(rng.normal(size=(len(t.weight), 9)), t.belief, t))
    assert noise.r2 < 0.1


def test_centred_moments_are_the_moments_of_centred_features(t, x):
    scored = t.fold >= 0
    centre = x - t.weight[scored] @ x[scored] / t.weight[scored].sum()
    direct, derived = moments(centre, t.belief, t), moments(x, t.belief, t).centred()
    for field in ("x", "y", "xx", "xy", "yy"):
        np.testing.assert_allclose(getattr(derived, field), getattr(direct, field), atol=1e-12)


@pytest.mark.thorough
def test_shuffles_are_refits_with_permuted_labels(t, x):
    """Each shuffle's score, recomputed by permuting, refitting at every ridge and taking the best."""
    found = shuffled_r2([x], [moments(x, t.belief, t)], t.belief, t, n=3, seed=7)[0]
    rng = np.random.default_rng(7)
    for score in found:
        source = np.arange(len(t.weight))
        for n in t.scored_lengths:
            level = np.flatnonzero(t.length == n)
            source[level] = rng.permutation(level)
        best = max(by_sklearn(x, t.belief[source], t, np.full(9, r)) for r in RIDGES)
        assert score == pytest.approx(best, abs=1e-9)


def test_shuffles_find_nothing_and_real_labels_do(t, x):
    null = shuffled_r2([x], [moments(x, t.belief, t)], t.belief, t, n=200)
    assert null.shape == (1, 200) and null.max() < 0.2 < probe(moments(x, t.belief, t)).r2


def test_a_thousand_shuffles_are_not_a_thousand_fits(t, x):
    m = moments(x, t.belief, t)
    start = time.perf_counter()
    by_sklearn(x, t.belief, t, np.full(9, 1e-3))
    one_fit = time.perf_counter() - start
    start = time.perf_counter()
    shuffled_r2([x], [m], t.belief, t, n=1000)
    assert time.perf_counter() - start < 200 * one_fit  # of 9000 fits


# R2 in sample, all prefixes of length 1..10, weighted by probability; known to three digits.
PUBLISHED = {
    "mess3": (1.0, 0.966),
    "mess3:piotrowski2025": (1.0, 0.989),
    "rrxor": (0.246, 0.149),
    "nemo": (0.477, 0.720),
    "random_insertion": (0.502, 0.593),
    "zero_one_random": (0.478, 0.810),
    "even": (1.0, 0.752),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_baselines_have_their_published_values(name):
    t = contexts(processes.named(name), 10)
    for baseline, expected in zip(("next_token", "token_window"), PUBLISHED[name], strict=True):
        assert probe(moments(BASELINES[baseline](t), t.belief, t)).r2_in_sample == pytest.approx(
            expected, abs=6e-4
        )


def test_evidence_is_exact(small, t):
    import jax

    import toy

    deep = contexts(processes.named("rrxor"), 6)
    network = toy.network(small)
    params = jax.jit(network.init)(jax.random.key(0))
    (e,) = observe(small, jax.tree.map(lambda leaf: leaf[None], params), deep, ("blocks.1.resid_post",))
    last = deep.length == 6
    out = jax.jit(network.apply)(params, deep.words[last])
    np.testing.assert_allclose(
        e.activations["blocks.1.resid_post"][last], out["blocks.1.resid_post"][:, -1], atol=1e-4
    )
    log_q = np.asarray(jax.nn.log_softmax(out["logits"][:, -1]), np.float64)
    p = deep.next_token[last]
    kl = (p * (np.log(np.where(p > 0, p, 1)) - log_q)).sum(1)
    np.testing.assert_allclose(e.divergence[last], kl, atol=1e-5)
    assert e.excess == pytest.approx(e.excess_by_position.mean(), abs=1e-12)
    with pytest.raises(toy.ModelError, match="no site 'resid'"):
        observe(small, params, deep, ("resid",))


@pytest.mark.thorough
def test_intervals_cover_the_mean_as_often_as_they_say():
    rng = np.random.default_rng(0)
    n = 4000
    inside = sum(low <= 0 <= high for _, low, high in (interval(rng.normal(size=8)) for _ in range(n)))
    assert abs(inside / n - 0.95) < 5 * np.sqrt(0.95 * 0.05 / n)
    assert interval(np.array([0.3])).low == -np.inf


@pytest.mark.parametrize(
    ("y", "level", "at"),
    [
        ([0.0, 1.0, 5.0, 0.0], 2.0, 2.5),  # the first time counts
        ([0.0, 1.0, 5.0, 0.0], 1.0, 2.0),
        ([3.0, 1.0, 5.0, 0.0], 2.0, 1.0),
        ([0.0, 1.0, 1.5, 0.0], 2.0, 8.0),
    ],
)
def test_a_level_is_crossed_between_points_or_at_an_end(y, level, at):
    x, y = np.array([1.0, 2.0, 4.0, 8.0]), np.array(y)
    assert crossing(x, y, level, y >= level) == crossing(x, -y, -level, y >= level) == at


def test_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, 80).astype(float), rng.normal(size=80)
    assert rank_correlation(a, b, np.ones(80)) == pytest.approx(spearmanr(a, b)[0], abs=1e-12)
    doubled = rank_correlation(np.r_[a, a], np.r_[b, b], np.ones(160))
    assert rank_correlation(a, b, np.full(80, 2.0)) == pytest.approx(doubled, abs=1e-12)
    assert rank_correlation(np.ones(80), b, np.ones(80)) == 0
