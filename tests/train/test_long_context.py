"""Contexts of hundreds of tokens: drawn, filtered in float32, trained on, and analysed over sampled words
that say they are a sample.
"""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from planted.fewer import few_shuffles
from planted.runs import beginnings

import processes
import toy
import train
from analysis.commands.main import main
from analysis.instruments.contexts import HISTORY, contexts, drawn, enumerated
from analysis.instruments.evidence import observe
from processes import named
from train.tables import next_token_distributions, stratified

SIGMAS = 5  # a two-sided five-sigma test fails by chance once in two million
LONG = 512
FLOAT32 = 512 * 2.0**-23
"""One rounding a token, none forgotten: the most that a filter which does not amplify errors can be off by,
6e-5.
"""
DRIFTLESS = {
    "mess3": lambda: named("mess3"),
    "rrxor": lambda: named("rrxor"),
    "mixture": lambda: processes.mixture([named("coin"), named("coin(p=0.45)")], [0.5, 0.5]).process(),
    "moon": lambda: named("moon"),
    "bloch_walk": lambda: named("bloch_walk"),
    "product": lambda: processes.product([named("mess3")] * 2).process(),
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", DRIFTLESS)
def test_float32_filtering_is_stable_over_512_tokens(name):
    process = DRIFTLESS[name]()
    table = train.tables(process)
    words = np.asarray(train.sample(table, jax.random.key(0), 16, LONG))
    exact = processes.predict(process, processes.filter(process, words).belief)
    assert np.abs(np.asarray(next_token_distributions(table, jnp.asarray(words))) - exact).max() < FLOAT32
    together, distributions = stratified(table, jax.random.key(1), 16, LONG)
    exact = processes.predict(process, processes.filter(process, np.asarray(together)).belief)
    assert np.abs(np.asarray(distributions) - exact).max() < FLOAT32
    half = processes.filter(process, words).belief.astype(
        np.float16
    )  # the planted violation: what eleven bits would do
    assert (
        np.abs(
            processes.predict(process, half.astype(float))
            - processes.predict(process, processes.filter(process, words).belief)
        ).max()
        > FLOAT32
    )


@pytest.mark.thorough
@pytest.mark.parametrize("objective", ["expected", "stratified"])
def test_training_reads_256_tokens(objective):
    model = toy.TransformerConfig(vocab=3, n_ctx=256, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=0)
    recipe = train.Recipe(
        "mess3", model, objective, train.Optimiser("adam", 1e-2), steps=12, batch=4, seeds=1
    )
    state = list(train.fit(recipe))[-1].state
    assert np.isfinite(state.excess).all() and state.excess[0, -1] < state.excess[0, 0]


@pytest.fixture(scope="module")
def pair():
    """The same contexts twice: all of them, and a sample."""
    process = named("mess3")
    return enumerated(process, 6), drawn(process, 6, 3000)


def means(t, value):
    """Weighted mean of a value at each position."""
    return np.bincount(t.position, weights=t.weight * t.n_ctx * value, minlength=t.n_ctx)


def score(t, weight):
    """Error of the sampled mean surprise, in standard errors of the drawn words."""
    exact, found = t
    value = processes.entropy(found.next_token) ** 2
    target = exact.weight @ processes.entropy(exact.next_token) ** 2
    return (weight @ value - target) / (found.mean_of_words(value).std() / np.sqrt(found.sampled))


def test_drawn_contexts_weigh_the_same(pair):
    exact, found = pair
    assert (
        found.sampled == 3000 and exact.sampled is None and found.weight.sum() == pytest.approx(1, abs=1e-12)
    )
    assert np.abs(score(pair, found.weight)) < SIGMAS
    twice = np.exp(processes.filter(found.process, found.drawn).log_probability.reshape(-1))
    assert (
        np.abs(score(pair, twice / twice.sum())) > SIGMAS
    )  # the planted violation: probable contexts drawn often and weighted up


def test_a_sample_has_the_rows_of_a_tree(pair):
    """Every drawn context is a node, and all that is exact about it agrees."""
    exact, found = pair
    node = {tuple(w): i for i, w in enumerate(exact.words)}
    here = np.array([node[tuple(w)] for w in found.words])
    assert np.array_equal(found.length, exact.length[here])
    for field in ("belief", "next_token"):
        np.testing.assert_allclose(getattr(found, field), getattr(exact, field)[here], atol=1e-12)
    other = named("mess3:piotrowski2025")
    np.testing.assert_allclose(found.believed(other), exact.believed(other)[here], atol=1e-12)
    np.testing.assert_allclose(
        found.floor, exact.floor, atol=0.02
    )  # 3000 words, entropies that spread by at most .25 nats: five SEs


def test_sampled_histories_are_held_out_whole(pair):
    found = pair[1]
    long = found.length > HISTORY
    history = found.words[long, :HISTORY] @ 3 ** np.arange(HISTORY)
    assert (found.fold[~long] == -1).all() and set(found.fold[long]) == set(range(8))
    assert all(len(set(found.fold[long][history == h])) == 1 for h in np.unique(history))


@pytest.mark.thorough
def test_networks_read_words_as_they_read_trees(pair, small):
    exact, found = pair
    config = replace(small, vocab=3)
    params = beginnings(config, 2)
    site = "blocks.1.resid_post"
    node = {tuple(w): i for i, w in enumerate(exact.words)}
    here = np.array([node[tuple(w)] for w in found.words])
    for all_of_them, sample in zip(
        observe(config, params, exact, (site,)), observe(config, params, found, (site,)), strict=True
    ):
        np.testing.assert_allclose(
            sample.activations[site], all_of_them.activations[site][here], atol=1e-4
        )  # float32
        np.testing.assert_allclose(sample.log_prediction, all_of_them.log_prediction[here], atol=1e-4)
        mean, low, high = sample.excess_interval
        assert mean == pytest.approx(sample.excess, rel=1e-9) and all_of_them.excess_interval is None
        assert abs(sample.excess - all_of_them.excess) < SIGMAS / 1.96 * (high - low) / 2


def test_the_interval_covers_as_often_as_it_says(pair, small):
    """Words are the unit: taking each context for one makes the interval too narrow by what contexts of a
    word share.
    """
    from analysis.instruments.statistics import interval

    exact, rng = pair[0], np.random.default_rng(0)
    value = exact.belief[:, 0]
    many = drawn(exact.process, 6, 400 * 60, seed=1)
    inside = {"words": 0, "contexts": 0}
    for words in many.belief[:, 0].reshape(400, 60, 6)[rng.permutation(400)]:
        for unit, values in (("words", words.mean(1)), ("contexts", words.reshape(-1))):
            _, low, high = interval(values)
            inside[unit] += low <= exact.weight @ value <= high
    assert abs(inside["words"] / 400 - 0.95) < SIGMAS * np.sqrt(0.95 * 0.05 / 400)
    assert inside["contexts"] / 400 < 0.95 - SIGMAS * np.sqrt(0.95 * 0.05 / 400)


def test_enumeration_stays_where_it_fits(monkeypatch):
    assert contexts(named("mess3"), 7).sampled is None and contexts(named("rrxor"), 12).sampled is None
    mess3 = named("mess3")
    long = contexts(mess3, 64)
    assert long.sampled == 512 and long is contexts(mess3, 64)
    assert len(long.weight) == 512 * 64 and long.n_ctx == 64
    monkeypatch.setattr("analysis.instruments.contexts.MOST_CONTEXTS", 3)
    with pytest.raises(processes.ProcessError, match="only 1 histories"):
        contexts(processes.hmm([[[1.0]]]), 64)


def test_a_network_that_reads_less_is_refused(pair, small):
    with pytest.raises(toy.ModelError, match="up to 6 tokens but the model reads at most n_ctx = 4"):
        observe(replace(small, vocab=3, n_ctx=4), {}, pair[1], ())


@pytest.mark.thorough
def test_a_run_over_sampled_words_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("train.use_all_cores", lambda: None)
    monkeypatch.setattr("analysis.instruments.contexts.DRAWN_CONTEXTS", 4000)
    monkeypatch.setattr("analysis.instruments.contexts.FEWEST_WORDS", 100)
    tiny = (
        "--training",
        "short",
        "--steps",
        "10",
        "--optimiser.warmup",
        "2",
        "--seeds",
        "2",
        "--checkpoints",
        "2",
        "--model.n-layers",
        "1",
        "--model.d-model",
        "8",
    )
    shape = (
        "--model.d-mlp",
        "0",
        "--model.n-ctx",
        "40",
        "--objective",
        "stratified",
        "--batch",
        "4",
        "--process",
        "mess3(x=0.06, a=0.85)",
    )
    with few_shuffles():
        assert main(["run", "mess3", *tiny, *shape, "--out", str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    assert "contexts: 100 words sampled" in out and "4000 contexts of sampled words" in out
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["sampled"] == 100 and all(v["sampled"] == 100 for v in report["verdicts"])
    for excess, (mean, low, high) in zip(report["excess"]["trained"], report["excess_interval"], strict=True):
        assert low < mean < high and mean == pytest.approx(excess)
    assert {p.stem for p in (tmp_path / "run" / "figures").glob("*.png")} == {"layers", "loss", "simplex"}
