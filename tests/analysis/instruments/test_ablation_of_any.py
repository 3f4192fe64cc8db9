"""Ablation of a function comes to what that of our own networks does, which is tested by itself."""

import jax.numpy as jnp
import numpy as np
import pytest
from planted.runs import beginnings

import processes
import toy
from analysis.instruments.contexts import contexts
from analysis.instruments.forward import member
from analysis.instruments.interventions.ablation import KINDS, Part, ablate, belief_labels, scrub
from analysis.instruments.interventions.ablation_of_any import ablate_function, scrub_function

SMALL = toy.TransformerConfig(vocab=2, n_ctx=5, n_layers=1, n_heads=1, d_model=4, d_head=4, d_mlp=8)
TRUTH = contexts(processes.named("rrxor"), 5)
SITE = "blocks.0.attn_out"


@pytest.fixture(scope="module")
def networks():
    return beginnings(SMALL, 1)


def as_function(networks):
    network, own = toy.network(SMALL), member(networks, 0)

    def function(words, value):
        seen = {}

        def edit(passed):
            seen["part"] = passed
            return passed if value is None else jnp.asarray(value)

        out = network.apply(own, words, edit={SITE: edit}, sites=("logits",))
        return {"logits": out["logits"], "part": seen["part"]}

    return function


@pytest.mark.thorough
def test_it_is_the_ablation_of_the_network(networks):
    own, found = ablate(SMALL, networks, TRUTH, Part(SITE)), ablate_function(as_function(networks), TRUTH)
    assert list(found) == list(KINDS)
    for kind in ("zero", "mean", "resample"):
        assert found[kind] == pytest.approx(own[kind][0], abs=2e-6)
    assert found["constant"] == pytest.approx(own["constant"][0], rel=0.02)


@pytest.mark.thorough
def test_it_is_the_scrubbing_of_the_network(networks):
    label = belief_labels(TRUTH)
    found = scrub_function(as_function(networks), TRUTH, label)
    assert found == pytest.approx(scrub(SMALL, networks, TRUTH, Part(SITE), label)[0], abs=2e-6)


@pytest.mark.thorough
def test_words_that_are_drawn_do_as_well(networks, monkeypatch):
    monkeypatch.setattr("analysis.instruments.contexts.MOST_CONTEXTS", 10)
    drawn = contexts(processes.named("golden_mean(p=0.3719)"), 5)
    own = ablate_function(as_function(networks), drawn, kinds=("zero", "resample"))
    monkeypatch.setattr("analysis.instruments.interventions.ablation.STEPS", 1)
    theirs = ablate(SMALL, networks, drawn, Part(SITE))
    for kind, cost in own.items():
        assert cost == pytest.approx(theirs[kind][0], abs=2e-6)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (lambda words, value: {"logits": np.zeros((*words.shape, 2))}, "returns logits; it must return"),
        (
            lambda words, value: {"logits": np.zeros((*words.shape, 3)), "part": np.zeros((*words.shape, 4))},
            r"'logits' of shape \(\d+, 5, 3\)",
        ),
    ],
)
def test_what_is_no_such_function_is_refused(function, sentence):
    with pytest.raises(toy.ModelError, match=sentence):
        ablate_function(function, TRUTH)


@pytest.mark.thorough
def test_kinds_that_are_none_are_refused(networks):
    with pytest.raises(toy.ModelError, match="no ablation 'noise'"):
        ablate_function(as_function(networks), TRUTH, kinds=("zero", "noise"))
