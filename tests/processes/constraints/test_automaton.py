"""Constraints as automata: what they mean, what is refused, conjunctions and live states."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracles import all_words
from oracles.constraints import (
    FAIR,
    READY,
    modest,
    ready,
    satisfied,
)

from processes import (
    ProcessError,
)
from processes.constraints import (
    accepts,
    anything,
    at_most,
    automaton,
    bounded_depth,
    conditioned,
    conjunction,
    finite_load,
    forbidden_word,
    horizon,
    live,
    load,
    order,
    parity_checks,
    period,
    pulled_back,
    restricted,
    runs,
)
from processes.constraints.strategies import automata

# -- automata
# ----------------------------------------------------------------------------------------------------

BAD_AUTOMATA = {
    "not a table": (dict(next=[0, 1], forbidden=[]), "shape"),
    "not integers": (dict(next=[[0.5]], forbidden=[]), "dtype float64"),
    "undefined transition": (dict(next=[[0, -1]], forbidden=[]), "state 0 on symbol 1 is undefined"),
    "transition out of range": (dict(next=[[0, 7]], forbidden=[]), r"undefined \(7\)"),
    "forbidden out of range": (dict(next=[[0, 0]], forbidden=[3]), "forbidden names the states"),
    "start out of range": (dict(next=[[0, 0]], forbidden=[], start=2), "start names"),
    "forbidden start": (dict(next=[[0, 0]], forbidden=[0]), "start state 0"),
    "final and forbidden": (
        dict(next=[[0, 1], [1, 1]], forbidden=[1], final=[1]),
        "both final and forbidden",
    ),
    "empty language": (dict(next=[[1, 1], [2, 2], [2, 2]], forbidden=[2]), "language is empty"),
    "no way to a final state": (dict(next=[[0, 0], [1, 1]], forbidden=[], final=[1]), "language is empty"),
}


@pytest.mark.parametrize("case", BAD_AUTOMATA)
def test_bad_automata_are_refused_in_one_sentence(case):
    arguments, message = BAD_AUTOMATA[case]
    with pytest.raises(ProcessError, match=message) as caught:
        automaton(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: forbidden_word([], vocab=2), "empty word"),
        (lambda: forbidden_word([2], vocab=2), "symbol 2"),
        (lambda: at_most(-1, 0, vocab=2), "count -1"),
        (lambda: order(1, 1, vocab=2), "before itself"),
        (lambda: bounded_depth(1, 1, vocab=2, depth=1, closed=False), "both open and close"),
        (lambda: period(30, vocab=3), "shorter period"),
        (lambda: conjunction([]), "anything"),
        (lambda: conjunction([anything(2), anything(3)]), "one alphabet"),
        (lambda: parity_checks(np.array([[1, 2]])), "0/1 matrix"),
        (lambda: parity_checks(np.array([[1, 1], [1, 1]]), [0, 1]), "contradict"),
        (lambda: parity_checks(np.array([[1, 1]]), [0, 1]), "does not fit"),
        (lambda: load(FAIR, anything(3)), "need one alphabet"),
        (lambda: finite_load(FAIR, anything(2), -1), "length -1"),
        (lambda: pulled_back(anything(2), [0, 5]), "reads 0 to 1"),
        (lambda: runs(anything(2), np.array([0, 2])), "not in the alphabet"),
        (lambda: horizon(FAIR, anything(2), 0), "not 0"),
        (lambda: restricted(FAIR, period(5, vocab=2), max_pairs=10), "over 10"),
        (lambda: conditioned(FAIR, period(5, vocab=2), max_pairs=10), "over 10"),
        (
            lambda: conjunction([at_most(9, 0, vocab=2), at_most(9, 1, vocab=2)], max_states=50),
            "over 50 states",
        ),
    ],
)
def test_misuse_is_refused_in_one_sentence(make, message):
    with pytest.raises(ProcessError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", READY)
@pytest.mark.parametrize("V", [2, 3])
def test_ready_constraints_mean_what_they_say(name, V):
    for n in range(9 if V == 2 else 6):
        assert np.array_equal(accepts(ready(name, V), all_words(V, n)), satisfied(name, V, n))


def test_the_check_of_meanings_catches_a_wrong_count():
    words = all_words(2, 6)
    assert not np.array_equal(
        accepts(at_most(3, 1, vocab=2), words), [READY["at most"][1](tuple(w)) for w in words]
    )


@pytest.mark.parametrize("seed", range(5))
def test_parity_checks_accept_the_code(seed):
    rng = np.random.default_rng(seed)
    H = rng.integers(0, 2, (3, 5))
    syndrome = H @ rng.integers(0, 2, 5) % 2  # one that some block has
    words = all_words(2, 10)
    expected = ((words.reshape(-1, 2, 5) @ H.T % 2) == syndrome).all((1, 2))
    assert np.array_equal(accepts(parity_checks(H, syndrome), words), expected)
    assert not np.array_equal(
        accepts(parity_checks(H, syndrome), words),
        ((words.reshape(-1, 2, 5) @ H.T % 2) == 1 - syndrome).all((1, 2)),
    )


@modest
@given(st.data())
def test_conjunction_accepts_what_all_accept(data):
    V = data.draw(st.integers(1, 3))
    parts = [data.draw(automata(vocab=V)) for _ in range(data.draw(st.integers(1, 3)))]
    words = all_words(V, 5)
    both = conjunction(parts)
    assert np.array_equal(accepts(both, words), np.all([accepts(c, words) for c in parts], 0))
    reached = (
        {0} | set(runs(both, all_words(V, min(both.n_states, 6))).ravel().tolist())
        if V**6 < 800 and both.n_states <= 6
        else None
    )
    assert reached is None or reached == set(range(both.n_states))


@modest
@given(st.data())
def test_live_states_have_satisfying_words_of_every_length(data):
    both = conjunction([data.draw(automata(vocab=2)) for _ in range(2)])
    n = both.n_states + 1  # by pumping, words this long exist iff arbitrarily long ones do
    assume(n <= 10)
    assert live(both)[0] == accepts(both, all_words(2, n)).any()


def test_a_constraint_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        anything(2).next[0, 0] = 1
