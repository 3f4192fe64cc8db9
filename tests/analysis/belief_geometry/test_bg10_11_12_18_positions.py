"""Claims about positions, attention, factors and futures, on planted evidence."""

from dataclasses import replace

import numpy as np
import pytest
from planted.networks import LAYERS, exact, last_token, markov, networks_on, synchronising, two_layers
from planted.rates import judged, looked, rate
from planted.records import one_layer
from planted.runs import beginnings
from planted.sites import LEARNED

import processes
import toy
from analysis.belief_geometry.bg10_factored import (
    Factored,
    between,
    marginals,
    overlap,
    sizes,
)
from analysis.belief_geometry.bg11_constrained_update import (
    Layer,
    constrained_belief,
    layer,
)
from analysis.belief_geometry.bg11_contributions import contributions
from analysis.belief_geometry.bg12_synchronisation import kind
from analysis.claim import DEFAULT, Setting
from analysis.families import CLAIMS, panels
from analysis.figures.style import style
from analysis.figures.verdict import figure
from analysis.instruments.contexts import contexts, drawn
from analysis.instruments.decompositions.dimensions import axes_needed
from analysis.instruments.probing.baselines import future
from analysis.instruments.probing.study import Study
from analysis.lab import Trial

PROCESSES = {"spectral": "rrxor", "order": "zero_one_random", "power": "uniform_coin"}


@pytest.mark.thorough
@pytest.mark.parametrize("which", PROCESSES)
def test_bg12_follows_the_process(which):
    name = PROCESSES[which]
    assert kind(processes.named(name)) == which
    t = contexts(processes.named(name), 10)
    assert rate("BG12", synchronising(t, exact, 0.005), t.process, 10) >= 0.9
    false = synchronising(t, markov, 0.005)
    assert rate("BG12", false, t.process, 10) <= 0.05
    verdict = looked(
        "BG12", false, t.process, 10
    )  # who predicts by another distribution has not learned this one
    assert verdict.outcome == "invalid" and "not yet learned" in verdict.reason


@pytest.mark.parametrize("name", ["mess3", "sns", "golden_mean"])
def test_bg12_refuses_what_has_no_law_of_synchronisation(name):
    assert "no law of synchronisation" in CLAIMS["BG12"].refusal(processes.named(name), 10)


@pytest.mark.thorough
def test_the_coin_of_unknown_bias_is_exact_for_short_words():
    coin = processes.named("uniform_coin")
    tree = processes.prefix_tree(coin, 11)
    zeros, n = (tree.words == 0).sum(1), tree.length
    log = [
        np.sum(np.log(np.arange(1, k + 1)))
        + np.sum(np.log(np.arange(1, m - k + 1)))
        - np.sum(np.log(np.arange(1, m + 2)))
        for k, m in zip(zeros, n, strict=True)
    ]
    np.testing.assert_allclose(tree.probability, np.exp(log), rtol=1e-12)
    assert (
        abs(processes.entropy_rate(processes.named("uniform_coin(n=40)")).value - 0.5) < 1e-3
    )  # integral of H(p) dp


@pytest.mark.thorough
def test_bg11_wants_the_slope_and_both_orders():
    """Power at preferences of .02 with a spread of .001 between networks."""

    def planted(*how):
        return lambda rng: one_layer(*how, rng)[1]

    process = processes.named("mess3")
    assert rate("BG11", planted(np.log(0.85), -0.02, 0.02), process, 6) >= 0.9
    for false, outcome in (
        ((-0.5, -0.02, 0.02), "refuted"),
        # Untrained networks come as near, which is told first.
        ((np.log(0.85), 0.02, 0.02), "refuted"),
        ((np.log(0.85), -0.02, -0.02), "refuted"),
    ):
        assert rate("BG11", planted(*false), process, 6) <= 0.05
        assert looked("BG11", planted(*false), process, 6).outcome == outcome


@pytest.mark.parametrize("heads", [1, 2])
def test_bg11_reads_contributions_off_attention_and_what_heads_write(heads):
    """Attention that decays, and a value for each token: contributions decay alike, whatever attention adds
    for all tokens; where every position's value is weaker by a factor, that counts too.
    """
    rng = np.random.default_rng(0)
    t = contexts(processes.named("mess3"), 6)
    longest = t.words[t.position == 5]
    attention = np.tile(0.8 ** np.arange(5, -1, -1.0), (len(longest), heads, 1))
    tokens, written = rng.normal(size=(3, heads, 4)), rng.normal(size=(heads * 4, 8))
    newest = t.words[np.arange(len(t.words)), t.position]
    value = tokens[newest] + 5.0  # what is the same for all tokens adds nothing
    along, share = contributions(attention, value, written, t)
    np.testing.assert_allclose(along / along[0], 0.8 ** np.arange(6), rtol=1e-9)
    assert share == pytest.approx(1)
    weaker = value * (0.5 ** (5 - t.position))[:, None, None]
    along, _ = contributions(attention, weaker, written, t)
    np.testing.assert_allclose(along / along[0], 0.4 ** np.arange(6), rtol=1e-9)
    layer = Layer(attention[:2, 0, ::-1], np.array([along, 3 * 0.8 ** np.arange(6)]), np.ones(2), {})
    assert layer.off(0.8)[0] > 0.1 and layer.off(0.8)[1] == pytest.approx(0, abs=1e-12)


def test_bg11_refuses_chains_with_several_rates():
    assert (
        CLAIMS["BG11"].refusal(processes.named("rrxor"), 6)
        and CLAIMS["BG11"].refusal(processes.named("mess3"), 6) is None
    )


def test_constrained_beliefs_by_their_definition():
    t = contexts(processes.named("mess3:piotrowski2025"), 5)
    T, pi = t.process.T, t.process.start
    found = constrained_belief(t)
    for row in np.random.default_rng(0).choice(len(found), 20):
        word = t.words[row, : t.length[row]]
        expected = pi.copy()
        for s, z in enumerate(word):
            once = pi @ T[z] / (pi @ T[z]).sum()
            expected += once @ np.linalg.matrix_power(T.sum(0), len(word) - 1 - s) - pi
        np.testing.assert_allclose(found[row], expected, atol=1e-12)
    first = t.length == 1
    np.testing.assert_allclose(found[first], t.belief[first], atol=1e-12)  # of one symbol it is the belief
    assert np.abs(found - t.belief).max() > 0.01


@pytest.mark.thorough
def test_attention_is_read_from_the_present_backwards():

    config = toy.TransformerConfig(vocab=3, n_ctx=5, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=8)
    params = beginnings(config, 2)
    # Queries and keys that know the position only: the last one attends to the first.
    table = np.zeros((2, 5, 8), np.float32)
    table[:, 0, 0], table[:, 4, 1] = 20.0, 20.0
    params = params | {"positions": {"embedding": table}}
    qkv = np.zeros((2, 8, 12), np.float32)
    qkv[:, 1, 0], qkv[:, 0, 4] = 5.0, 5.0
    params["blocks"][0]["attention"]["qkv"] = {"kernel": qkv, "bias": np.zeros((2, 12), np.float32)}
    found = layer(config, params, contexts(processes.named("mess3"), 5))
    assert found.attention.shape == (2, 5) and (found.attention[:, -1] > 0.9).all()
    np.testing.assert_allclose(found.attention.sum(1), 1, rtol=1e-5)
    assert all(len(v) == 2 for v in found.r2.values())


@pytest.fixture(scope="module")
def pair():
    return drawn(processes.named("mess3 * mess3"), 6, 600)


@pytest.mark.slow
def test_bg10_tells_factors_from_the_joint_simplex(pair):
    rng = np.random.default_rng(0)
    assert sizes(pair.process) == (3, 3)
    factors, joint = np.hstack(marginals(pair.belief, (3, 3))), pair.belief
    untrained = networks_on(
        pair, sum(marginals(pair.belief, (3, 3))), rng, noise=0.3
    )  # both factors in one place
    true = Factored((3, 3), networks_on(pair, factors, rng), untrained, LEARNED)
    verdict = judged("BG10", true, pair.process, 6)
    assert verdict.outcome == "supported" and verdict.prediction == {
        "dimensions if factored": 4,
        "dimensions if joint": 8,
    }
    # Every joint state a direction of its own, all equally loud.
    centred = joint - joint.mean(0)
    white = centred @ np.linalg.svd(centred, full_matrices=False)[2][:8].T
    false = Factored((3, 3), networks_on(pair, white / white.std(0), rng), untrained, LEARNED)
    assert judged("BG10", false, pair.process, 6).outcome == "refuted"
    early = judged("BG10", replace(true, unlearned=np.full(8, 2e-3)), pair.process, 6)
    assert early.outcome == "invalid" and "not yet learned" in early.reason
    for features, supported in ((factors, 1), (white / white.std(0), 0)):

        def plant(rng, features=features):
            return Factored((3, 3), networks_on(pair, features, rng), untrained, LEARNED)

        assert rate("BG10", plant, pair.process, 6) == supported


def test_dimensions_and_overlaps():
    assert axes_needed(np.array([[0.5, 0.46, 0.04], [0.9, 0.04, 0.06]])).tolist() == [2, 3]
    np.testing.assert_allclose(between(np.array([4.0, 8.0]), (3, 3)), [0, 1])
    a = np.eye(5)[:, :2]
    assert overlap(a, np.eye(5)[:, 2:4]) == 0 and overlap(a, a @ [[1.0, 2.0], [0.0, 1.0]]) == pytest.approx(1)
    assert "not made of factors" in CLAIMS["BG10"].refusal(processes.named("mess3"), 10)


def test_futures_are_laws_of_words_up_to_a_rotation():
    t = contexts(processes.named("rrxor"), 6)
    p = t.process
    distribution = np.stack([t.belief @ p.T[a] @ p.T[b] @ p.w for a in range(2) for b in range(2)], 1)
    found = future(t, 2)
    between = lambda v: ((v[:, None] - v[None, :40]) ** 2).sum(-1)  # noqa: E731
    np.testing.assert_allclose(between(found), between(distribution), atol=1e-12)
    assert found.shape[1] < 4


@pytest.mark.slow
def test_bg18_wants_more_than_the_next_token():
    """Power at a noise of .3, as large as a belief's own spread."""
    t = contexts(processes.named("rrxor"), 7)
    untrained = two_layers(t, np.random.default_rng(0), lambda rng: last_token(t), noise=0.3)

    def holding(features):
        return lambda rng: Study(
            t, LAYERS[:2], two_layers(t, rng, lambda rng: features, noise=0.3), untrained
        )

    assert rate("BG18", holding(t.belief), t.process, 7) >= 0.9
    assert rate("BG18", holding(t.next_token), t.process, 7) <= 0.05
    assert "next-token distribution" in CLAIMS["BG18"].refusal(processes.named("mess3"), 7)


@pytest.mark.parametrize("claim", ["BG10", "BG11", "BG12", "BG18"])
@pytest.mark.parametrize(
    "setting", [DEFAULT, Setting(size="small"), Setting(size="large")], ids=lambda s: s.size
)
def test_every_default_test_has_recipes(claim, setting):
    for process in CLAIMS[claim].tested_on:
        test = Trial(CLAIMS[claim], process, setting)
        assert (
            test.recipes
            and len(test.key) == 12
            and CLAIMS[claim].refusal(processes.named(process), test.n_ctx) is None
        )


@pytest.mark.thorough
def test_their_figures_draw(pair):
    rng = np.random.default_rng(0)
    t = contexts(processes.named("rrxor"), 10)
    synchronised = synchronising(t, exact, 0.005)(rng)
    u, update = one_layer(np.log(0.85), -0.02, 0.02, rng)
    features = np.hstack(marginals(pair.belief, (3, 3)))
    factored = Factored(
        (3, 3),
        networks_on(pair, features, rng),
        networks_on(pair, rng.normal(size=(len(features), 9)), rng),
        LEARNED,
    )
    for name, evidence, process, n_ctx in (
        ("BG12", synchronised, t.process, 10),
        ("BG11", update, u.process, 6),
        ("BG10", factored, pair.process, 6),
    ):
        claim = CLAIMS[name]
        verdict = judged(name, evidence, process, n_ctx)
        with style():
            drawn_figure = figure(verdict, claim.drawing(claim.numbers(evidence)), panels())
        assert sum(len(ax.child_axes) for ax in drawn_figure.axes) >= len(verdict.criteria)
