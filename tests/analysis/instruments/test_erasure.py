"""Linear erasure, and interventions on the residual stream."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import processes
import toy
import train
from analysis.belief_geometry.bg13_write_belief import EDITS, LEAST, pairs, random_like, writing, written
from analysis.belief_geometry.bg14_erase_belief import KINDS, UNTRAINED, erasing, recalibrated, worth
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import divergence
from analysis.instruments.interventions.erasure import Eraser, leace, random_eraser
from analysis.instruments.interventions.intervention import subjects
from analysis.instruments.probing.probe import moments, probe
from analysis.instruments.untrained import untrained


@pytest.fixture(scope="module")
def mess3():
    return contexts(processes.named("mess3"), 6)


@pytest.fixture(scope="module")
def features(mess3):
    """Features that hold the belief obliquely, in noise of unequal size."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(len(mess3.belief), 8)) * np.geomspace(0.05, 1, 8)
    return mess3.belief @ rng.normal(size=(3, 8)) + noise @ rng.normal(size=(8, 8)) + 3


def scored(found):
    return np.arange(found.n_folds)


def covariances(x, y, t):
    """Weighted cross-covariance, standard deviations of either side, over the scored contexts."""
    w = np.where(t.fold >= 0, t.weight, 0.0)
    w = w / w.sum()
    x, y = x - w @ x, y - w @ y
    return (x * w[:, None]).T @ y, np.sqrt(w @ x**2), np.sqrt(w @ y**2)


def test_no_linear_probe_finds_what_is_erased(mess3, features):
    found = moments(features, mess3.belief, mess3)
    eraser = leace(found, scored(found))
    erased = eraser(features)
    cross, of_x, of_y = covariances(erased, mess3.belief, mess3)
    assert np.abs(cross / np.outer(of_x, of_y)).max() < 1e-12  # products of a thousand float64 numbers
    before, after = (probe(moments(x, mess3.belief, mess3)) for x in (features, erased))
    assert before.r2 > 0.3 and eraser.rank == 2  # beliefs of three states span a plane
    w = np.where(mess3.fold >= 0, mess3.weight, 0.0)
    design = np.column_stack([erased, np.ones(len(erased))]) * np.sqrt(w)[:, None]
    target = mess3.belief * np.sqrt(w)[:, None]
    residual = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
    total = (w[:, None] * (mess3.belief - w @ mess3.belief / w.sum()) ** 2).sum()
    assert abs(1 - (residual**2).sum() / total) < 1e-12
    # A planted violation: an eraser that sees one coordinate of the belief only leaves the other to be found.
    partial = leace(found[slice(0, 8), slice(0, 1)], scored(found))
    assert partial.rank == 1 and probe(moments(partial(features), mess3.belief, mess3)).r2 > 0.05


def test_what_is_uncorrelated_stays(mess3, features):
    """Features uncorrelated with the belief and with the features that hold it come through as they were."""
    w, rng = np.where(mess3.fold >= 0, mess3.weight, 0.0), np.random.default_rng(1)
    known = np.column_stack([features, mess3.belief[:, :2], np.ones(len(features))])
    other, root = rng.normal(size=(len(features), 3)), np.sqrt(w)[:, None]
    other -= known @ np.linalg.lstsq(known * root, other * root, rcond=None)[0]
    both = np.column_stack([features, other])
    found = moments(both, mess3.belief, mess3)
    erased = leace(found, scored(found))(both)
    np.testing.assert_allclose(erased[:, 8:], other, atol=1e-10)
    assert np.abs(erased[:, :8] - features).max() > 0.1
    related = np.column_stack(
        [features, other + 0.1 * mess3.belief[:, :1]]
    )  # a planted violation: they know a little
    found = moments(related, mess3.belief, mess3)
    assert np.abs(leace(found, scored(found))(related)[:, 8:] - related[:, 8:]).max() > 1e-3


def test_no_other_eraser_changes_less(mess3, features):
    """Any oblique projection along other directions that also erases changes the features more, in every
    quadratic norm.
    """
    found, rng = moments(features, mess3.belief, mess3), np.random.default_rng(0)
    best = leace(found, scored(found))
    cross, *_ = covariances(features, mess3.belief[:, :2], mess3)
    w = np.where(mess3.fold >= 0, mess3.weight, 0.0)
    for _ in range(10):
        C = rng.normal(size=(2, 8))
        other = Eraser(cross @ np.linalg.solve(C @ cross, C), best.mean)
        left, of_x, of_y = covariances(other(features), mess3.belief[:, :2], mess3)
        assert np.abs(left).max() < 1e-9  # it erases as well
        M = rng.normal(size=(8, 8))
        least, more = (w @ (((e(features) - features) @ M) ** 2).sum(1) for e in (best, other))
        assert least < more


def test_a_random_eraser_takes_as_many_directions_and_leaves_the_belief(mess3, features):
    found = moments(features, mess3.belief, mess3)
    e = random_eraser(found, scored(found), 2, np.random.default_rng(0))
    assert e.rank == 2 and np.linalg.matrix_rank(e(features) - e.mean, tol=1e-8) == 6
    assert probe(moments(e(features), mess3.belief, mess3)).r2 > 0.1


def test_a_constant_feature_and_a_collinear_one_are_no_obstacle(mess3, features):
    wide = np.column_stack([features, np.full(len(features), 5.0), features[:, 0] * 2])
    found = moments(wide, mess3.belief, mess3)
    erased = leace(found, scored(found))(wide)
    cross, of_x, of_y = covariances(erased, mess3.belief, mess3)
    assert np.abs(cross).max() < 1e-10 * np.abs(wide).max() and np.allclose(erased[:, 8], 5.0)


def test_worth_is_the_entropy_that_beliefs_take_away(mess3):
    h = processes.h(mess3.process, 7)
    assert worth(mess3) == pytest.approx(
        h[0] - h[5:7].mean(), abs=1e-12
    )  # contexts of 5 and 6 tokens predict symbols 6 and 7


def test_pairs_are_of_one_length_two_folds_and_two_predictions(mess3):
    i, j = pairs(mess3)
    assert (
        len(i) == 2000
        and (mess3.length[i] == mess3.length[j]).all()
        and (mess3.fold[i] != mess3.fold[j]).all()
        and mess3.fold[i].min() >= 0
    )
    assert (divergence(mess3.next_token[j], np.log(mess3.next_token[i])) > LEAST).all()


@pytest.mark.parametrize("metric", ["shortest", "covariance"])
def test_a_probe_reads_what_was_written(mess3, features, metric):
    found, (i, j) = moments(features, mess3.belief, mess3), pairs(mess3)
    p, fold = probe(found), mess3.fold[i]
    metrics = [
        np.eye(8) if metric == "shortest" else found.feature_moments(found.others(f))[1]
        for f in range(found.n_folds)
    ]
    edited = written(features[i], mess3.belief[j], p, fold, metrics)
    np.testing.assert_allclose(p.predict(edited, fold), mess3.belief[j], atol=1e-9)
    change = edited - features[i]
    longer = change + random_like(change, np.random.default_rng(0)) @ (
        np.eye(8) - p.coef[0] @ np.linalg.pinv(p.coef[0], rcond=1e-6)
    )
    here = fold == 0
    if metric == "shortest":  # whatever else is read as the same belief is further away
        np.testing.assert_allclose(
            p.predict(features[i] + longer, fold)[here], mess3.belief[j][here], atol=1e-9
        )
        assert (np.linalg.norm(longer[here], axis=1) > np.linalg.norm(change[here], axis=1)).all()


@pytest.fixture(scope="module")
def networks(mess3):
    """Two untrained networks at all their sites, and their parameters."""
    config = toy.TransformerConfig(vocab=3, n_ctx=6, n_layers=2, n_heads=1, d_model=8, d_head=4, d_mlp=8)
    run = train.Run(
        Path("nowhere"),
        train.Recipe("mess3", config, "expected", train.Optimiser("adam", 1e-3), steps=10, batch=4, seeds=2),
    )
    params = untrained(run.recipe)
    return (
        run,
        [jax.tree.map(lambda leaf, i=i: leaf[i], params) for i in range(2)],
        subjects(run, mess3, config.stream, trained=False),
    )


@pytest.mark.thorough
def test_a_stream_put_back_changes_nothing(mess3, networks):
    run, params, found = networks
    some = np.random.default_rng(0).choice(len(mess3.words), 50, replace=False)
    words, rows = np.maximum(mess3.words[some], 0), np.arange(50)
    apply = jax.jit(lambda p: toy.network(run.recipe.model).apply(p, words)["logits"])
    for subject, own in zip(found, params, strict=True):
        unedited = jax.nn.log_softmax(apply(own)[rows, mess3.position[some]])
        for site in subject:
            np.testing.assert_allclose(site.predict(site.stream[some], some), unedited, atol=2e-5)  # float32
            assert (
                np.abs(site.predict(site.stream[some] + site.stream[some][:, ::-1], some) - unedited).max()
                > 1e-3
            )


@pytest.mark.thorough
def test_only_the_last_position_is_edited(networks, mess3):
    """By hand: a context run by itself, its stream replaced at its last token alone. (An edit of its whole
    stream is another thing.)
    """
    run, params, found = networks
    x, c = np.random.default_rng(0).normal(size=(1, 8)).astype(np.float32), len(mess3.words) - 5
    for site in found[1]:
        last, whole = (
            jax.jit(
                lambda p, word, edit=edit: toy.network(run.recipe.model).apply(p, word, edit=edit)["logits"][
                    -1
                ]
            )(params[1], mess3.words[c])
            for edit in (
                {site.name: lambda value: value.at[-1].set(x[0])},
                {site.name: lambda value: jnp.broadcast_to(x, value.shape)},
            )
        )
        edited = site.predict(x, np.array([c]))[0]
        np.testing.assert_allclose(edited, jax.nn.log_softmax(last), atol=2e-5)
        assert (
            site.name == run.recipe.model.stream[-1]
            or np.abs(edited - jax.nn.log_softmax(whole)).max() > 1e-3
        )


@pytest.mark.thorough
def test_evidence_from_runs(networks, mess3, monkeypatch):
    """Runs that end as untrained networks: whatever is done to them comes to the same on both sides."""
    run, _, found = networks
    monkeypatch.setattr(train.Run, "params", lambda self, step=None: untrained(self.recipe))
    w, e = writing({"transformer": run}), erasing({"transformer": run})
    assert (
        w.sites == run.recipe.model.stream
        and w.trained.shape == (2, len(EDITS), 3, 2)
        and e.trained.shape == (2, len(KINDS))
    )
    for edit in ("none", "belief", "covariance", "logits"):
        np.testing.assert_allclose(w.nearer(edit), w.nearer(edit, trained=False), atol=1e-4)
    np.testing.assert_allclose(e.trained[:, : len(UNTRAINED)], e.untrained, atol=1e-4)
    seen = found[0][-1].predict(found[0][-1].stream, np.arange(len(mess3.fold)))
    weight, excess = mess3.weight * (mess3.fold >= 0), 0.0
    for half in (0, 1):  # what a half tells is read as the other half calibrates it
        here = weight * (mess3.fold % 2 == half)
        told = recalibrated(seen, mess3.next_token, weight - here)
        excess += here @ divergence(mess3.next_token, told) / weight.sum()
    assert e.trained[0, KINDS.index("nothing")] == pytest.approx(excess, abs=1e-5)


@pytest.mark.thorough
def test_a_site_off_the_stream_is_refused(networks, mess3):
    with pytest.raises(toy.ModelError, match="not on the residual stream"):
        subjects(networks[0], mess3, ["logits"], trained=False)
