"""What ablations cost, against networks run by hand, exact costs, and planted parts that do nothing."""

import json

import jax
import numpy as np
import pytest
from oracles import distribution_of_words
from planted.runs import beginnings, kept

import processes
import toy
from analysis.claim import Setting
from analysis.commands.main import main
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import observe
from analysis.instruments.forward import log_distribution, member
from analysis.instruments.interventions.ablation import (
    KINDS,
    Part,
    _Ablated,
    ablate,
    belief_labels,
    drawn_alike,
    scrub,
)
from analysis.instruments.interventions.removed import (
    KNOWN,
    cost_of_knowing,
    cost_of_the_past,
    exact_cost,
    known_without,
)
from analysis.instruments.interventions.seen import distinct
from analysis.recipes import standard

SMALL = toy.TransformerConfig(vocab=2, n_ctx=5, n_layers=1, n_heads=2, d_model=8, d_head=4, d_mlp=12)
TRUTH = contexts(processes.named("rrxor"), SMALL.n_ctx)


@pytest.fixture(scope="module")
def networks():
    """Two networks, none of them trained, with weights large enough that their parts matter."""
    return jax.tree.map(lambda leaf: np.asarray(3 * leaf), beginnings(SMALL, 2))


def by_hand(params, i, site, replaced, truth=TRUTH):
    """Mean KL of network i on all contexts, as words and not as a tree, with another value at a site."""
    words = np.maximum(truth.words, 0)  # what comes after a context is not seen by it
    out = toy.network(SMALL).apply(member(params, i), words, edit={site: replaced}, sites=("logits",))
    logits = np.asarray(out["logits"])[np.arange(len(words)), truth.position]
    p = truth.next_token
    return truth.weight @ (-(p * log_distribution(logits)).sum(1) - processes.entropy(p))


@pytest.mark.parametrize(("name", "exact"), [("rrxor", 0.0978), ("even", 0.0897), ("mess3", 0.0529)])
def test_what_the_past_is_worth_to_who_knows_the_present(name, exact):
    process = processes.named(name)
    truth = contexts(process, 8)
    assert abs(cost_of_the_past(truth) - exact) < 5e-5
    shorter = contexts(process, 5)
    by_position = [  # H(next | token, position) - H(next | all), from the distribution of words alone
        _entropy(process, t, known=1) - _entropy(process, t, known=t) for t in range(1, 6)
    ]
    np.testing.assert_allclose(cost_of_the_past(shorter), np.mean(by_position), atol=1e-12)


def _entropy(process, t, known):
    """H(X_{t+1} | the last `known` of X_1..X_t), nats."""
    distribution = distribution_of_words(process, t + 1).reshape((process.vocab,) * (t + 1))
    joint = distribution.sum(tuple(range(t - known)))
    return processes.entropy(joint.ravel()) - processes.entropy(joint.sum(-1).ravel())


@pytest.mark.thorough
def test_zeros_and_means_are_those_of_networks_run_by_hand(networks):
    site = "blocks.0.attn_out"
    found = ablate(SMALL, networks, TRUTH, Part(site))
    for i, e in enumerate(observe(SMALL, networks, TRUTH, (site,))):
        zero = by_hand(networks, i, site, lambda value: 0 * value) - e.excess
        mean = TRUTH.weight @ np.asarray(e.activations[site], np.float64)
        means = by_hand(networks, i, site, lambda value, m=mean: 0 * value + np.float32(m)) - e.excess
        # float32 is summed otherwise by every kind of processor: up to 2.03e-6 seen
        np.testing.assert_allclose(found["zero"][i], zero, atol=1e-5)
        np.testing.assert_allclose(found["mean"][i], means, atol=1e-5)


def living(networks):
    """A neuron that fires somewhere in every network."""
    fires = [
        e.activations["blocks.0.mlp.post"] > 0
        for e in observe(SMALL, networks, TRUTH, ("blocks.0.mlp.post",))
    ]
    return int(np.flatnonzero(np.all([f.any(0) for f in fires], axis=0))[0])


@pytest.mark.thorough
@pytest.mark.parametrize("what", ["head", "neuron"])
def test_one_head_or_neuron_is_ablated_and_no_other(what, networks):
    part = Part("blocks.0.attn.z", head=1)
    if what == "neuron":
        part = Part("blocks.0.mlp.post", neuron=living(networks))
    found = ablate(SMALL, networks, TRUTH, part)

    def without(value):
        k = part.neuron if part.head is None else part.head
        return value.at[..., k, :].set(0) if part.head is not None else value.at[..., k].set(0)

    for i, e in enumerate(observe(SMALL, networks, TRUTH, ())):
        expected = by_hand(networks, i, part.site, without) - e.excess
        np.testing.assert_allclose(found["zero"][i], expected, atol=2e-6)
    assert np.abs(found["zero"]).min() > 1e-6


@pytest.mark.thorough
def test_no_constant_is_better_than_the_best(networks):
    found = ablate(SMALL, networks, TRUTH, Part("blocks.0.attn_out"))
    excess = np.array([e.excess for e in observe(SMALL, networks, TRUTH, ())])
    assert set(found) == set(KINDS)
    assert (found["constant"] <= np.minimum(found["zero"], found["mean"])).all()
    # and none beats who knows the present token alone: that is a theorem
    assert (found["constant"] >= cost_of_the_past(TRUTH) - excess - 1e-6).all()


@pytest.mark.thorough
def test_a_part_that_does_nothing_costs_nothing(networks):
    """The planted violation of every cost: attention whose output is written nowhere."""
    dead = {**networks, "blocks": jax.tree.map(np.array, networks["blocks"])}
    out = dead["blocks"][0]["attention"]["out"]
    for name in out:
        out[name][:] = 0
    found = ablate(SMALL, dead, TRUTH, Part("blocks.0.attn.z"))
    for kind in KINDS:
        np.testing.assert_allclose(found[kind], 0, atol=1e-6)


@pytest.mark.thorough
def test_scrubbing_costs_nothing_where_the_label_is_the_context(networks):
    site = Part("blocks.0.resid_post")
    each = np.arange(len(TRUTH.weight))
    np.testing.assert_allclose(scrub(SMALL, networks, TRUTH, site, each), 0, atol=1e-6)
    nothing = scrub(SMALL, networks, TRUTH, site, np.zeros(len(each), np.int64))
    np.testing.assert_allclose(nothing, ablate(SMALL, networks, TRUTH, site)["resample"], atol=1e-6)


@pytest.mark.thorough
def test_others_are_drawn_by_their_probability():
    label, rng = belief_labels(TRUTH), np.random.default_rng(0)
    draws = np.stack([drawn_alike(TRUTH, label, rng) for _ in range(1500)])
    assert (TRUTH.length[draws] == TRUTH.length).all() and (label[draws] == label).all()
    np.testing.assert_allclose(TRUTH.belief[draws[0]], TRUTH.belief, atol=1e-9)
    group = (TRUTH.length == TRUTH.length[-1]) & (label == label[-1])
    expected = np.where(group, TRUTH.weight, 0) / TRUTH.weight[group].sum()
    share = np.bincount(draws[:, -1], minlength=len(label)) / len(draws)
    np.testing.assert_allclose(share, expected, atol=0.05)
    assert group.sum() > 1


@pytest.mark.thorough
def test_words_that_are_drawn_do_as_well(networks, monkeypatch):
    """Of a process that nobody else asks for: its contexts are remembered as they were drawn."""
    monkeypatch.setattr("analysis.instruments.contexts.MOST_CONTEXTS", 10)
    # What zeros cost does not need the best constant.
    monkeypatch.setattr("analysis.instruments.interventions.ablation.STEPS", 3)
    drawn = contexts(processes.named("golden_mean(p=0.3721)"), SMALL.n_ctx)
    assert drawn.drawn is not None
    site = "blocks.0.attn_out"
    found = ablate(SMALL, networks, drawn, Part(site))
    for i, e in enumerate(observe(SMALL, networks, drawn, ())):
        expected = by_hand(networks, i, site, lambda value: 0 * value, drawn) - e.excess
        np.testing.assert_allclose(found["zero"][i], expected, atol=2e-6)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (Part("blocks.7.attn_out"), "no site 'blocks.7.attn_out'"),
        (Part("blocks.0.attn_out", head=0), "has no heads; a head is one of blocks.K.attn.z"),
        (Part("blocks.0.attn.z", head=2), "head 2 is none of this network's; it has 2"),
        (Part("blocks.0.mlp.post", neuron=-1), "neuron -1"),
    ],
)
def test_what_is_no_part_is_refused(part, sentence, networks):
    with pytest.raises(toy.ModelError, match=sentence):
        ablate(SMALL, networks, TRUTH, part)


def test_longer_contexts_are_refused(networks):
    with pytest.raises(toy.ModelError, match="at most n_ctx = 5"):
        ablate(SMALL, networks, contexts(processes.named("rrxor"), 6), Part("blocks.0.attn_out"))


CELL = toy.RecurrentConfig(vocab=2, n_ctx=5, n_layers=2, d_model=6, cell="gru")
ROTARY = toy.TransformerConfig(
    vocab=2, n_ctx=5, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=12, positions="rotary"
)
DEEP = toy.TransformerConfig(vocab=2, n_ctx=5, n_layers=2, n_heads=2, d_model=8, d_head=4, d_mlp=12)
DECAY = toy.TransformerConfig(
    vocab=2, n_ctx=5, n_layers=2, n_heads=1, d_model=8, d_head=4, d_mlp=12, mixer="decay", positions="none"
)
WITHOUT = [
    (SMALL, Part("blocks.0.attn_out"), "present token and position"),
    (SMALL, Part("blocks.0.attn.z"), "present token and position"),
    (SMALL, Part("embed"), "position"),
    (SMALL, Part("blocks.0.resid_mid"), "nothing"),
    (SMALL, Part("logits"), "nothing"),
    (SMALL, Part("blocks.0.attn.z", head=1), None),
    (SMALL, Part("blocks.0.mlp_out"), None),
    (ROTARY, Part("blocks.0.attn.z", head=0), "present token"),
    (ROTARY, Part("embed"), "nothing"),
    (DEEP, Part("blocks.1.attn_out"), None),
    (DEEP, Part("blocks.0.resid_post"), "nothing"),
    (DECAY, Part("embed"), "position"),
    (DECAY, Part("blocks.0.resid_mid"), "position"),
    (DECAY, Part("blocks.1.resid_post"), "nothing"),
    (CELL, Part("blocks.0.state"), "position"),
    (CELL, Part("blocks.1.resid_pre"), "position"),
    (CELL, Part("blocks.1.state"), "nothing"),
    (CELL, Part("blocks.1.resid_post"), "nothing"),
]


@pytest.mark.thorough
@pytest.mark.parametrize(("config", "part", "known"), WITHOUT)
def test_what_is_left_to_know_without_a_part(config, part, known):
    """Predictions of a network of which a part is constant are the same where what is known is, and where it
    does not follow from the part what is known, they are not.
    """
    assert known_without(config, part) == known
    words, own = np.maximum(TRUTH.words, 0), member(beginnings(config, 1), 0)

    def constant(value):
        return value.at[..., part.head, :].set(0.3) if part.head is not None else 0 * value + 0.3

    out = toy.network(config).apply(own, words, edit={part.site: constant}, sites=("logits",))["logits"]
    at = np.arange(len(words)), TRUTH.position
    logits, last = np.asarray(out)[at], words[at]
    group = {
        "nothing": 0 * last,
        "position": TRUTH.position,
        "present token": last,
        "present token and position": 2 * TRUTH.position + last,
    }[known or "present token and position"]
    spread = max(np.ptp(logits[group == g], axis=0).max() for g in np.unique(group))
    assert (spread < 1e-5) == (known is not None)


@pytest.mark.thorough
@pytest.mark.parametrize(("config", "part", "known"), WITHOUT)
def test_words_of_one_token_say_what_all_contexts_say(config, part, known):
    """Where earlier tokens cannot be seen, the mean over contexts is a mean over these; else all are run."""
    ablated, rng = _Ablated(config, beginnings(config, 1), TRUTH, part), np.random.default_rng(1)
    if known is None:
        assert ablated.distinct is ablated.all
        return
    few = distinct(TRUTH)
    assert len(few.weight) == len(ablated.distinct.weight) == 2 * TRUTH.n_ctx < len(TRUTH.weight)
    constant = rng.normal(size=ablated.shape)
    (loss, slope), (ours, way) = (
        ablated._at(ablated._slope, 0, constant, seen=seen) for seen in (ablated.all, few)
    )
    np.testing.assert_allclose(ours, loss, atol=1e-6)
    np.testing.assert_allclose(way, slope, atol=1e-6)
    assert np.abs(slope).max() > 1e-4


def test_costs_of_knowing_less_are_more():
    found = {known: cost_of_knowing(TRUTH, known) for known in KNOWN}
    for less, more in (
        ("nothing", "position"),
        ("nothing", "present token"),
        ("position", "present token and position"),
        ("present token", "present token and position"),
    ):
        assert found[less] >= found[more] - 1e-12
    assert found["nothing"] > 0.5 * found["present token and position"] > 0
    assert abs(found["nothing"] - TRUTH.worth) < 1e-12


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("config", "site"), [(CELL, "blocks.1.state"), (CELL, "embed"), (SMALL, "blocks.0.resid_post")]
)
def test_the_best_constant_is_as_bad_as_who_knows_as_little(config, site):
    """Of any network, for a constant before the unembedding can say any distribution."""
    networks = beginnings(config, 2)
    part = Part(site)
    exact = exact_cost(config, TRUTH, part)
    excess = np.array([e.excess for e in observe(config, networks, TRUTH, ())])
    lost = ablate(config, networks, TRUTH, part)["constant"] + excess
    assert (lost >= exact - 1e-6).all()
    if site != "embed":
        np.testing.assert_allclose(lost, exact, atol=1e-4)


@pytest.mark.thorough
def test_the_command_tells_and_refuses(tmp_path, capsys):
    process = "golden_mean"
    model = toy.TransformerConfig(2, n_ctx=5, n_layers=1, n_heads=1, d_model=4, d_head=4, d_mlp=4)
    run = kept(standard(process, Setting(seeds=2), model=model), tmp_path)
    assert main(["ablate", str(run.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    truth = contexts(processes.named(process), 5)
    first = jax.tree.map(lambda leaf: leaf[:1], run.params())
    assert [row["part"]["site"] for row in told["parts"]] == ["blocks.0.attn_out", "blocks.0.mlp_out"]
    own = ablate(model, first, truth, Part("blocks.0.attn_out"))
    for kind, cost in told["parts"][0]["cost"].items():
        np.testing.assert_allclose(cost, own[kind], atol=1e-6)
    assert told["parts"][0]["exact"] == cost_of_the_past(truth) and told["parts"][1]["exact"] is None
    assert main(["ablate", str(run.path), "--site", "blocks.0.attn.z", "--head", "0"]) == 0
    assert "blocks.0.attn.z, head 0" in capsys.readouterr().out
    for flags, sentence in (
        (["--head", "0"], "of which site"),
        (["--networks", "0"], "at least 1"),
        (["--site", "blocks.3.attn_out"], "no site 'blocks.3.attn_out'"),
    ):
        assert main(["ablate", str(run.path), *flags]) == 2
        assert sentence in capsys.readouterr().err
    assert main(["ablate", str(tmp_path)]) == 2 and "neither the folder of a run" in capsys.readouterr().err
