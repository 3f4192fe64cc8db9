"""Modular addition of which a part is taught: by counting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import processes
import train
from processes import ProcessError
from processes.constraints import addition


@given(p=st.integers(3, 12), share=st.floats(0.2, 0.8), draw=st.integers(0, 3))
def test_what_is_taught(p, share, draw):
    made = addition(p=p, share=share, draw=draw)
    table = made.taught.reshape(p, p)
    assert (table == table.T).all() and 0 < made.taught.sum() < p * p
    assert np.triu(table).sum() == round(share * p * (p + 1) / 2)
    words = made.sample(50, np.random.default_rng(0))
    assert (words[:, 2] == words[:, :2].sum(1) % p).all() and table[words[:, 0], words[:, 1]].all()


def test_what_follows_is_what_is_counted():
    made = addition(p=7, share=0.6, draw=2)
    taught = made.pairs[made.taught]
    np.testing.assert_allclose(
        made.next_token(np.zeros((0,), int)), np.bincount(taught[:, 0], minlength=7) / len(taught)
    )
    for a in np.unique(taught[:, 0]):
        here = taught[taught[:, 0] == a, 1]
        np.testing.assert_allclose(made.next_token(np.array([a])), np.bincount(here, minlength=7) / len(here))
    np.testing.assert_array_equal(made.next_token(made.pairs).argmax(1), made.pairs.sum(1) % 7)
    assert made.card()["sums taught"] + made.card()["sums held out"] == 49


def test_other_numbers_are_other_questions():
    found = {
        processes.source(f"addition(p={p}, share={share}, draw={draw})").digest
        for p in (7, 11)
        for share in (0.5, 0.6)
        for draw in (0, 1)
    }
    assert len(found) == 8
    made = addition(p=7, share=0.5)
    assert processes.source(made.spec) == made and (made.vocab, made.slots, made.answers) == (7, 2, 1)
    assert (made.taught != addition(p=7, share=0.5, draw=1).taught).any()


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"p": 1, "share": 0.5}, "p is 1"),
        ({"p": 7, "share": 0.0}, "share is 0"),
        ({"p": 7, "share": 1.0}, "share is 1"),
        ({"p": 7, "share": 0.999}, "one held out"),
        ({"p": 7, "share": 0.5, "draw": -1}, "draw is -1"),
    ],
)
def test_what_is_no_addition_is_refused(how, why):
    with pytest.raises(ProcessError, match=why):
        addition(**how)


def test_words_that_are_none_are_refused():
    made = addition(p=7, share=0.05)
    for words, why in (
        (np.zeros((1, 3), int), "end after 3"),
        (np.array([7]), "no number"),
        (np.array([-1, 0]), "no number"),
    ):
        with pytest.raises(ProcessError, match=why):
            made.next_token(words)
    never = int(np.flatnonzero(~made.taught.reshape(7, 7).any(1))[0])
    with pytest.raises(ProcessError, match=f"begins with {never}"):
        made.next_token(np.array([never]))
    with pytest.raises(ProcessError, match="0 or more"):
        made.sample(-1, np.random.default_rng(0))


@pytest.mark.thorough
def test_a_training_draws_what_is_taught():
    import jax

    made = addition(p=7, share=0.6)
    sampler = train.samplers.sampler(made)
    some = sampler.draw(jax.random.key(0), 20)
    taught = made.taught.reshape(7, 7)
    assert taught[tuple(np.asarray(some.tokens).T)].all()
    every = sampler.draw(jax.random.key(1), int(made.taught.sum()))
    np.testing.assert_array_equal(every.tokens, made.pairs[made.taught])
    np.testing.assert_array_equal(np.asarray(every.answer)[:, 0], np.asarray(every.tokens).sum(1) % 7)
    np.testing.assert_array_equal(np.asarray(every.distribution)[:, 0].argmax(1), every.answer[:, 0])
