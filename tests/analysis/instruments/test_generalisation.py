"""What is taught and what is held out, against enumeration; waves, against functions made of them."""

import numpy as np
import pytest

import processes
import toy
import train
from analysis.instruments.behaviour.generalisation import among, curves, of_sums, reached
from analysis.instruments.contexts import contexts
from analysis.instruments.decompositions import fourier
from processes.constraints import addition
from train.program import fixed_words

P = 11
SUMS = addition(p=P, share=0.7)


def wave(p, k, of):
    return np.cos(2 * np.pi * k * of / p)


def logits_of(*frequencies):
    """What adds by these frequencies: largest at the sum."""
    a, b = SUMS.pairs.T
    return sum(wave(P, k, (a + b)[:, None] - np.arange(P)) for k in frequencies)


def test_key_frequencies_are_those_that_logits_are_made_of():
    made = logits_of(2, 5)
    np.testing.assert_array_equal(fourier.key_frequencies(made, P), [1, 4])
    np.testing.assert_allclose(fourier.restricted(made, P, np.array([1, 4])), made, atol=1e-12)
    np.testing.assert_allclose(fourier.excluded(made, P, np.array([1, 4])), 0, atol=1e-12)
    np.testing.assert_allclose(fourier.excluded(made, P, np.array([1])), logits_of(5), atol=1e-12)
    a, b = SUMS.pairs.T
    by_heart = made + wave(P, 2, a)[:, None] * wave(P, 3, b)[:, None] * wave(P, 1, np.arange(P))
    np.testing.assert_allclose(fourier.restricted(by_heart, P, np.array([1, 4])), made, atol=1e-12)


def test_all_frequencies_say_all_that_depends_on_the_sum():
    rng, (a, b) = np.random.default_rng(0), SUMS.pairs.T
    of_sum = rng.normal(size=(P, P))[(a + b) % P]
    everything = np.arange(P // 2)
    np.testing.assert_allclose(fourier.restricted(of_sum, P, everything), of_sum, atol=1e-12)
    square = fourier.waves(P).reshape(-1, P)
    np.testing.assert_allclose(square @ square.T, np.eye(P - 1), atol=1e-12)
    assert fourier.shares(rng.normal(size=(P, 4))).sum() == pytest.approx(1)
    embedded = np.stack([wave(P, 3, np.arange(P)), 2 + 0 * np.arange(P)], 1)
    np.testing.assert_allclose(fourier.shares(embedded), np.eye(P // 2)[2], atol=1e-12)


def test_the_loss_of_who_adds_and_of_who_does_not():
    right = np.log(np.maximum(SUMS.next_token(SUMS.pairs), 1e-300))
    np.testing.assert_allclose(of_sums(SUMS, right), 0)
    np.testing.assert_allclose(of_sums(SUMS, np.full((3, P * P, P), -np.log(P))), np.log(P))


def test_where_a_curve_comes_below_a_level():
    steps = np.array([0, 1, 3, 7, 15])
    curve = np.array([[1, 1, 0.1, 0.01, 0.2], [0.01] * 5, [1.0] * 5, [1, 0.9, 0.09, 0.5, 0.0]])
    found = reached(steps, curve, 0.1)
    between = np.log(9) / np.log(10)
    np.testing.assert_allclose(found, [3, 0, 15, np.expm1(np.log(2) * (1 + between))])


MODEL = toy.TransformerConfig(vocab=2, n_ctx=5, n_layers=1, n_heads=1, d_model=8, d_head=8, d_mlp=16)


def recipe(**changes):
    how = dict(objective="fixed", steps=3, batch=6, seeds=2, checkpoints=2) | changes
    return train.Recipe("rrxor", MODEL, optimiser=train.Optimiser("adam", 1e-2), **how)


@pytest.mark.thorough
def test_words_that_are_taught_are_those_of_the_training(tmp_path):
    """The loss on their contexts, worked out on all of them, is that of the first step."""
    run, truth = train.obtain(recipe(first_seed=5), tmp_path), contexts(processes.named("rrxor"), 5)
    words = fixed_words(run.recipe)
    assert words.shape == (2, 6, 5) and (words[0] != words[1]).any()
    from analysis.instruments.evidence import observe

    first = observe(MODEL, run.params(0), truth, ())
    row = {tuple(w[:n]): i for i, (w, n) in enumerate(zip(truth.words.tolist(), truth.length, strict=True))}
    for own, seen, loss in zip(words, first, run.history()["excess"][:, 0], strict=True):
        read = [row[tuple(w[:n])] for w in own.tolist() for n in range(1, 6)]
        assert seen.divergence[read].mean() == pytest.approx(float(loss), rel=1e-4)
        assert np.flatnonzero(among(truth, own)).tolist() == sorted(set(read))
    found = curves(run)
    assert found.taught.shape == found.held_out.shape == (2, len(found.steps))


def test_what_holds_nothing_out_is_refused(tmp_path):
    run = train.open_run(tmp_path / "x", recipe(objective="expected"))
    with pytest.raises(train.RecipeError, match="holds nothing out"):
        curves(run)
    with pytest.raises(train.RecipeError, match="only fixed"):
        fixed_words(run.recipe)
