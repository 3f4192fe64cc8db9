"""Dictionaries find what they can find, scores are exact, and MI2 on planted evidence."""

from dataclasses import replace
from functools import partial
from unittest import mock

import numpy as np
import pytest
from pictures import picture
from planted.dictionaries import PAIR, dictionaries, judged_latents, pair
from planted.rates import judged, rate

import processes
import toy
import train
from analysis.claim import ClaimError, Setting
from analysis.families import CLAIMS
from analysis.instruments.decompositions.dictionaries import KINDS, dictionary
from analysis.instruments.decompositions.features import factored_beliefs, score
from analysis.mechanisms import mi02_found_features as found_features
from analysis.mechanisms.mi02_found_features import found
from analysis.mechanisms.product_networks import longest
from analysis.trial import Trial


@pytest.fixture(scope="module")
def t():
    return pair(5)


@pytest.fixture(scope="module")
def sparse():
    """Six features, one or none of which is there, in directions that are not orthogonal."""
    rng = np.random.default_rng(0)
    there = np.eye(6)[rng.integers(0, 6, 4000)] * (rng.random((4000, 1)) < 0.8)
    held, axes = rng.uniform(0.5, 1, (4000, 6)) * there, rng.normal(size=(6, 12))
    return held, held @ (axes / np.linalg.norm(axes, axis=1, keepdims=True))


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_sparse_features_are_found(sparse, kind):
    """The positive control: where features are sparse, dictionaries of either kind find them, on rows that
    they were not fitted on; of one at a time a random one has the rough direction, and no more.
    """
    held, x = sparse
    half, weight = np.arange(4000) % 2 == 0, np.ones(4000)
    others = {f"feature {k}": held[~half][:, [k]] for k in range(6)}
    made, fresh = (
        dictionary(x[half], weight[half], latents=24, k=1, kind=kind, steps=steps) for steps in (3000, 0)
    )
    found = score(made(x[~half]), others, weight[~half])
    random = score(fresh(x[~half]), others, weight[~half])
    assert found.matched > 0.99, found
    assert 1 - found.matched < 0.1 * (1 - random.matched)
    assert made.explained(x[~half], weight[~half]) > 0.95 > 0.5 > fresh.explained(x[~half], weight[~half])
    assert 0.5 < found.active < 1.5


@pytest.mark.thorough
def test_a_dictionary_is_the_same_every_time_and_passes_batches_alike(sparse):
    _, x = sparse
    one, two = (dictionary(x, np.ones(4000), latents=4, k=2, seed=3, steps=20) for _ in range(2))
    np.testing.assert_array_equal(one(x), two(x))
    np.testing.assert_allclose(one(x[:7]), one(x)[:7], atol=1e-6)
    assert ((one(x) > 0).sum(1) <= 2).all()


def test_features_are_their_own_best_latents(t):
    features = factored_beliefs(t)
    held = np.hstack(list(features.values()))
    of = score(np.column_stack([held, np.zeros(len(held))]), features, t.weight, t.length)
    assert of.matched == pytest.approx(1) and of.pure == pytest.approx(1)
    assert of.of == ("factor 0",) * 3 + ("factor 1",) * 2
    assert of.dead == pytest.approx(1 / 6)
    assert of.split == pytest.approx(1 / 5)  # two states of one process: one is the other, turned round


def test_purity_is_the_share_of_variance_that_one_factor_tells(t):
    """Against sums over all words of both factors: of a sum the larger part, of a product what is left of it
    in the mean over the other.
    """
    long = np.flatnonzero(t.length == 5)
    features = {g: v[long] for g, v in factored_beliefs(t).items()}
    a, b, w = features["factor 0"][:, 0], features["factor 1"][:, 0], t.weight[long] / t.weight[long].sum()

    def var(x):
        return w @ (x - w @ x) ** 2

    of = score(np.column_stack([a + 0.3 * b, a * b]), features, w)
    assert w @ (a * b) == pytest.approx((w @ a) * (w @ b))  # independent
    assert of.purity[0] == pytest.approx(max(var(a), var(0.3 * b)) / (var(a) + var(0.3 * b)))
    assert of.purity[1] == pytest.approx(max(var(a * (w @ b)), var(b * (w @ a))) / var(a * b))


def test_within_lengths_the_length_itself_is_no_feature(t):
    """A latent that tells the position is pure of nothing."""
    z = t.length[:, None].astype(float)
    assert score(z, factored_beliefs(t), t.weight, t.length).pure == 0
    assert score(z, factored_beliefs(t), t.weight).pure > 0.9  # beliefs tell how much was read


def test_all_dead_is_worth_nothing(t):
    of = score(np.zeros((len(t.length), 3)), factored_beliefs(t), t.weight, t.length)
    assert (of.matched, of.pure, of.dead, of.split, of.active) == (0, 0, 1, 0, 0)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"kind": "relu"}, "choose one of topk, jumprelu"),
        ({"k": 9}, "9 of 8 latents"),
        ({"weight": np.ones(3)}, "must be"),
        ({"x": np.full((4, 2), np.nan), "weight": np.ones(4)}, "finite"),
        ({"x": np.ones((4, 2)), "weight": np.ones(4)}, "do not vary"),
    ],
)
def test_what_makes_no_dictionary_is_refused(change, said):
    given = {"x": np.eye(4), "weight": np.ones(4), "latents": 8, "k": 2} | change
    with pytest.raises(toy.ModelError, match=said):
        dictionary(given.pop("x"), given.pop("weight"), **given)


@pytest.mark.parametrize(
    "z, features, said",
    [
        (np.ones(4), {"a": np.ones((4, 1))}, "latents have shape"),
        (np.ones((4, 1)), {}, "at least one group"),
        (np.ones((4, 1)), {"a": np.ones((3, 1))}, "a row for each context"),
        (np.full((4, 1), np.inf), {"a": np.ones((4, 1))}, "not finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(z, features, said):
    with pytest.raises(toy.ModelError, match=said):
        score(z, features, np.ones(4))


@pytest.mark.thorough
def test_what_is_compared_is_told_apart(t):
    """Of a stream that is the beliefs in random directions: probed beliefs are the features."""
    held = np.hstack(list(factored_beliefs(t).values()))
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 5)))[0].T
    of = found(held @ axes, t, seed=0)
    assert of["truth"].matched > 0.999 and of["truth"].purity > 0.999
    assert of["random"].purity < of["truth"].purity - 0.1
    assert of["topk"].explained > 0.9 and of["topk"].active <= 3


def test_latents_are_judged(t):
    of = judged_latents(t)
    assert of.matched["topk"].min() > 0.999 and of.purity["topk"].min() > 0.999
    assert of.purity["jumprelu"].max() < 0.95 and of.dead["truth"].min() > 0.2
    assert (of.best("purity") == of.purity["topk"]).all()


def test_power_and_size_of_mi2():
    process = processes.named(PAIR)
    assert rate("MI2", dictionaries(), process, 5) >= 0.9
    assert rate("MI2", dictionaries(0.89), process, 5) <= 0.05
    assert rate("MI2", dictionaries(purity=0.89), process, 5) <= 0.05
    assert rate("MI2", dictionaries(principal=(0.98, 0.9)), process, 5) <= 0.05
    assert rate("MI2", dictionaries(random=(0.9, 0.98)), process, 5) <= 0.05
    assert rate("MI2", dictionaries(untrained=(0.9, 0.97)), process, 5) <= 0.05


@pytest.mark.parametrize(
    "given, outcome",
    [
        ({}, "supported"),
        ({"purity": 0.6}, "refuted"),
        ({"matched": 0.94, "principal": (0.99, 0.9)}, "explained"),
        ({"explained": 0.8}, "invalid"),
        ({"truth": (0.8, 0.8)}, "invalid"),
        ({"unlearned": 0.01}, "invalid"),
    ],
)
def test_outcomes_of_mi2(given, outcome):
    evidence = dictionaries(**given)(np.random.default_rng(0))
    assert judged("MI2", evidence, processes.named(PAIR), 5).outcome == outcome


def test_contexts_are_as_long_as_can_be_enumerated():
    assert longest(processes.named("mess3 * even")) == 6
    assert longest(processes.named("mess3 * mess3")) == 5
    made = Trial(CLAIMS["MI2"], "mess3 * mess3", Setting()).recipes["transformer"]
    assert made.model.n_ctx == 5 and made.model.vocab == 9


@pytest.mark.parametrize(
    "name, said", [("mess3", "no product"), ("mess3 * mess3 * mess3", "too many to tell")]
)
def test_mi2_refuses_what_has_no_known_features(name, said):
    with pytest.raises(ClaimError, match=said):
        CLAIMS["MI2"].check(processes.named(name), 5)


@pytest.mark.thorough
def test_its_figure_draws(tmp_path):
    evidence = dictionaries()(np.random.default_rng(0))
    verdict = judged("MI2", evidence, processes.named(PAIR), 5)
    assert picture(verdict, evidence, tmp_path) > 10_000


@pytest.mark.thorough
def test_evidence_of_mi2_is_made_end_to_end(tmp_path):
    """Networks that have learned next to nothing: invalid, by the name of that."""
    claim = CLAIMS["MI2"]
    full = claim.recipes(PAIR, Setting(seeds=2))["transformer"]
    small = replace(full.model, n_ctx=5, n_layers=1, d_model=8, d_head=4, d_mlp=8)
    recipe = replace(full, model=small, steps=2, optimiser=replace(full.optimiser, warmup=1), checkpoints=2)
    with mock.patch.object(found_features, "dictionary", partial(dictionary, steps=20)):
        evidence = claim.evidence({"transformer": train.obtain(recipe, tmp_path)})
    assert evidence.sizes == (3, 2) and evidence.matched["topk"].shape == (2,)
    assert set(evidence.variance) == {"topk", "jumprelu", "topk, ideal", "jumprelu, ideal", "untrained"}
    assert not judged("MI2", evidence, processes.named(PAIR), 5).controls[0].holds
