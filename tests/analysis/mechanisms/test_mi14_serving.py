"""MI14 on planted evidence, and its instrument by what is known of drafts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from planted.rates import MESS3, looked, rate
from planted.serving import serving

import processes
import toy
import train
from analysis.families import CLAIMS
from analysis.instruments import serving as instrument
from analysis.instruments.contexts import contexts
from analysis.instruments.forward import alone, forward, log_distribution

CONFIG = toy.TransformerConfig(vocab=3, n_ctx=6, n_layers=1, n_heads=2, d_model=16, d_head=8, d_mlp=32)


def changed(**how):
    return lambda rng: serving(rng, **how)


@pytest.mark.thorough
def test_power_and_size():
    assert rate("MI14", serving, MESS3, 6) >= 0.9
    for nothing in ({"apart": 4e-6}, {"off": 0.012}, {"off": -0.012}, {"mixed": 0.12}, {"mixed": -0.12}):
        assert rate("MI14", changed(**nothing), MESS3, 6) <= 0.05


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"apart": 1e-5}, "refuted", ""),
        ({"off": 0.05}, "refuted", ""),
        ({"mixed": 1.0}, "refuted", ""),
        ({"learned": 1e-2}, "invalid", "not yet learned"),
        ({"unjudged": 0.5}, "invalid", "nobody judges"),
        ({"untrained": 0.0}, "invalid", "untrained"),
    ],
)
def test_outcomes(how, outcome, told):
    found = looked("MI14", changed(**how), MESS3, 6)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below, c.over) for c in CLAIMS["MI14"].criteria] == [
        (-np.inf, 2e-6, "nearly all"),
        (-np.inf, 0.01, "mean"),
        (-0.1, 0.1, "mean"),
    ]


@pytest.mark.thorough
def test_what_drafts_are_worth():
    """Mean overlap with the exact predictor after ten tokens of Mess3."""
    t = contexts(MESS3, 10)
    late = t.length == 10
    for k, overlap in zip((1, 2, 3, 4), (0.875, 0.943, 0.978, 0.991), strict=True):
        draft = instrument.markov_draft(MESS3, k)
        q = np.asarray(draft.after(jnp.asarray(t.words[late]), jnp.asarray(t.length[late])))
        both = np.minimum(t.next_token[late], q).sum(1)
        assert t.weight[late] @ both / t.weight[late].sum() == pytest.approx(overlap, abs=6e-4)


@pytest.mark.thorough
def test_a_draft_is_the_markov_approximation():
    for name, k in (("mess3", 3), ("rrxor", 2)):
        process = processes.named(name)
        chain, draft = processes.markov(process, k), instrument.markov_draft(process, k)
        t = contexts(process, 6)
        q = np.asarray(draft.after(jnp.asarray(t.words), jnp.asarray(t.length)))
        np.testing.assert_allclose(q, processes.predict(chain, t.believed(chain)), atol=1e-6)


def network(seed=0):
    net = toy.network(CONFIG)
    return jax.tree.map(lambda leaf: 2 * leaf, net.init(jax.random.key(seed)))


def predicted(params, tree):
    """By one network at every node of the tree."""
    tokens, packed = train.packed(tree, tree.depth)
    distribution = np.full((len(tree), 3), 1 / 3)
    distribution[1:] = np.exp(
        log_distribution(forward(CONFIG, alone(params), tokens, tree=packed)["logits"][0])
    )
    return distribution


PROMPTS = np.arange(30_000)[:, None] % 3


@pytest.mark.thorough
@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_drafts_go_as_they_should_and_leave_the_text_the_networks_own(ahead):
    """Counts as the exact course says, words as the network's own distribution says."""
    params, tree, B = network(), processes.prefix_tree(MESS3, 6), len(PROMPTS)
    draft = instrument.markov_draft(MESS3, 2)
    exact = instrument.course(tree, distribution := predicted(params, tree), draft, ahead=ahead)
    text = instrument.speculate(CONFIG, params, draft, PROMPTS, 6, ahead=ahead)
    assert text.course.share == pytest.approx(exact.share, abs=0.008)
    assert text.course.drafted / B == pytest.approx(exact.drafted, rel=0.01)
    assert text.course.passes / B == pytest.approx(exact.passes, rel=0.01)
    assert (text.tokens[:, :1] == PROMPTS).all()
    leaves = tree.level(4)
    along = tree.ancestors[leaves][:, :3]
    p = np.take_along_axis(distribution[along], tree.words[leaves][:, 1:4, None], 2).prod((1, 2)) / 3
    seen = np.bincount(text.tokens[:, :4] @ [27, 9, 3, 1], minlength=81)
    assert ((seen - B * p) ** 2 / (B * p)).sum() < 78 + 4 * np.sqrt(2 * 78)
    p = np.exp(log_distribution(forward(CONFIG, alone(params), text.tokens[:, :-1])["logits"][0]))
    assert abs(instrument.share_of_draft(text.tokens, p, draft)) < 0.02


@pytest.mark.thorough
def test_the_course_of_a_draft_that_is_right_and_of_one_that_knows_nothing():
    tree = processes.prefix_tree(MESS3, 6)
    right = instrument.course(tree, tree.next_token, instrument.markov_draft(MESS3, 6), ahead=2)
    assert right.share == pytest.approx(1) and right.passes == pytest.approx(2)
    nothing = instrument.course(tree, tree.next_token, instrument.markov_draft(MESS3, 0))
    assert nothing.share < 0.8 and nothing.passes > 3


@pytest.mark.thorough
def test_text_that_nobody_judged_is_told():
    rng, params = np.random.default_rng(0), network()
    draft = instrument.markov_draft(MESS3, 1)
    text = np.pad(PROMPTS, ((0, 0), (0, 6)))
    for t in range(1, 7):
        q = np.asarray(draft.after(jnp.asarray(text), jnp.full(len(text), t)))
        text[:, t] = (rng.random((len(q), 1)) >= q.cumsum(1)).sum(1)
    p = np.exp(log_distribution(forward(CONFIG, alone(params), text[:, :-1])["logits"][0]))
    assert instrument.share_of_draft(text, p, draft) == pytest.approx(1, abs=0.03)


@pytest.mark.thorough
def test_ways_of_running_agree_and_a_wrong_one_is_seen(monkeypatch):
    params, tree = alone(network()), processes.prefix_tree(MESS3, 6)
    for way, apart in instrument.differences(CONFIG, params, tree).items():
        assert apart.shape == (1,) and apart[0] < 2e-6, way
    kept = toy.network(CONFIG).extend

    def forgets(config):
        """As if the first token had been let go."""

        def extend(own, tokens, cache):
            if cache is not None:
                blocks = {name: leaf.at[:, 0].set(0) for name, leaf in cache.blocks.items()}
                cache = cache._replace(blocks=blocks)
            return kept(own, tokens, cache)

        return extend

    monkeypatch.setattr(instrument, "_extend", forgets)
    found = instrument.differences(CONFIG, params, tree)
    assert found["cached"][0] > 1e-3 < found["forked"][0] and found["tree"][0] < 2e-6


@pytest.mark.thorough
def test_bad_input_is_refused():
    params, draft = network(), instrument.markov_draft(MESS3, 1)
    with pytest.raises(toy.ModelError, match="write at most 6"):
        instrument.speculate(CONFIG, params, draft, PROMPTS[:3], 7)
    with pytest.raises(toy.ModelError, match="ahead is 0"):
        instrument.speculate(CONFIG, params, draft, PROMPTS[:3], 2, ahead=0)
    assert "too many" in CLAIMS["MI14"].refusal(processes.named("mess3*mess3"), 10)
    assert CLAIMS["MI14"].refusal(MESS3, 10) is None
