import jax
import numpy as np
import pytest

import toy
import train
from analysis.commands.main import main
from train.machine import memory
from train.machine.memory import check_memory, installed, least

ADAM = train.Optimiser("adam", learning_rate=1e-3)


def recipe(**changes):
    shape = dict(vocab=3, n_ctx=8, n_layers=2, n_heads=2, d_model=16, d_head=8, d_mlp=32) | changes
    return train.Recipe("mess3", toy.TransformerConfig(**shape), "expected", ADAM, steps=2, batch=4, seeds=1)


@pytest.mark.thorough
@pytest.mark.parametrize("n_ctx", [16, 64])
def test_a_step_keeps_no_less_than_that(n_ctx):
    asked = recipe(n_ctx=n_ctx)
    network = toy.network(asked.model)
    params = network.init(train.key(0))

    def loss(params, tokens):
        return network.apply(params, tokens)["logits"].sum()

    tokens = np.zeros((asked.batch, n_ctx), np.int32)
    kept = jax.vjp(lambda p: loss(p, tokens), params)[1]
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(kept) if hasattr(leaf, "nbytes"))
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(params))
    assert 0 < least(asked) <= held - weights


def test_of_attention_the_patterns_count_and_of_others_the_streams():
    short, long = least(recipe(n_ctx=1000)), least(recipe(n_ctx=2000))
    assert 3.5 < long / short < 4
    of_decay = [least(recipe(n_ctx=n, mixer="decay")) for n in (1000, 2000)]
    assert of_decay[1] == 2 * of_decay[0]


def test_what_cannot_fit_is_refused_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(memory, "installed", lambda: 8_000)
    with pytest.raises(train.RecipeError, match="4 words of n_ctx 8 keeps at least 0 GB .* smaller n_ctx"):
        next(train.fit(recipe()))
    with pytest.raises(train.RecipeError, match="keeps at least"):
        next(train.fit_many([recipe()]))
    check_memory(recipe(), hosts=10)
    monkeypatch.setattr(memory, "installed", lambda: None)
    check_memory(recipe(n_ctx=100_000))


def test_memory_is_told_or_not_asked_for(monkeypatch):
    there = installed()
    assert there is None or there > 10**8
    monkeypatch.setattr(memory, "entry_points", lambda group: ["cuda"])
    assert installed() is None


def test_the_command_refuses_in_one_sentence(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(memory, "installed", lambda: 24 * 10**9)
    assert main(["run", "mess3", "--model.n-ctx", "100000"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "32 words of n_ctx 100000 keeps at least" in said and "this machine has 24 GB" in said
    assert not list(tmp_path.iterdir())


def test_a_context_too_long_to_be_measured_is_refused(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(memory, "installed", lambda: None)
    assert main(["run", "mess3", "--model.n-ctx", "100000"]) == 2
    assert "use at most 16384" in " ".join(capsys.readouterr().err.split())
