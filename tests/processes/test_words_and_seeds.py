"""Words as strings of digits, and draws from seeds."""

import numpy as np
import pytest

import processes
from processes import ProcessError, constraints, named
from processes.ensembles.hmms import dense, resetting, sparse

EVEN = named("even")
TASK = constraints.instances(n=3, k=2, m=2)
HORIZON = constraints.horizon(EVEN, constraints.forbidden_word([1, 1, 1, 1], vocab=2), 8)
GUARDED = named("guarded(coin; no 11; p=0.5)").made_of
PAIR = processes.product([EVEN, EVEN])
TAKERS = {
    "as_words": lambda w: processes.as_words(EVEN, w),
    "filter": lambda w: processes.filter(EVEN, w).belief,
    "probability": lambda w: processes.probability(EVEN, w),
    "runs": lambda w: constraints.runs(constraints.forbidden_word("11", vocab=2), w),
    "accepts": lambda w: constraints.accepts(constraints.forbidden_word("101", vocab=2), w),
    "forbidden_word": lambda w: constraints.forbidden_word(w, vocab=2).next,
    "product": lambda w: PAIR.filter(w)[0].belief,
    "coupled": lambda w: processes.coupled([EVEN, EVEN], "sequential").filter(w)[1].belief,
    "horizon": lambda w: HORIZON.log_probability(w),
    "horizon, next": lambda w: HORIZON.next_token(w),
    "relabelled": lambda w: processes.relabelled(named("mess(x=0.1, a=0.7, s=6)"), w, vocab=2).T,
}


@pytest.mark.parametrize("name", TAKERS)
def test_a_string_of_digits_is_a_word(name):
    take = TAKERS[name]
    np.testing.assert_array_equal(take("011011"), take([0, 1, 1, 0, 1, 1]))
    np.testing.assert_array_equal(take("0,1,1,0,1,1"), take("011011"))


@pytest.mark.parametrize("name", ["as_words", "filter", "runs", "accepts", "product"])
def test_a_list_of_strings_is_many_words(name):
    np.testing.assert_array_equal(TAKERS[name](["0110", "0000"]), TAKERS[name]([[0, 1, 1, 0], [0] * 4]))


def test_symbols_above_nine_have_commas():
    p = named("mess(x=0.05, a=0.7, s=12)")
    np.testing.assert_array_equal(processes.as_words(p, "10, 3,0"), [10, 3, 0])
    np.testing.assert_array_equal(processes.as_words(p, "11,"), [11])
    assert processes.probability(p, "") == pytest.approx(1) and processes.as_words(p, "").shape == (0,)
    assert constraints.forbidden_word("10,2", vocab=12).spec == "no 10,2"


@pytest.mark.parametrize(
    "word", ["0a1", "0.5", " ", "0 1", "-1", "0,,1", "\u0661\u0662", ["01", "0"], ["01", 1]]
)
def test_other_strings_are_no_words(word):
    with pytest.raises(ProcessError, match="is not an array of numbers"):
        processes.filter(EVEN, word)
    with pytest.raises(ProcessError, match="symbol 2 at position 1 is not in the alphabet"):
        processes.filter(EVEN, "02")


@pytest.mark.parametrize("draw", [dense, sparse, resetting])
def test_random_processes_come_from_a_generator_or_a_seed(draw):
    assert draw(2, 3, seed=5) == draw(2, 3, np.random.default_rng(5)) != draw(2, 3, seed=6)
    for arguments in ({}, {"rng": np.random.default_rng(0), "seed": 0}):
        with pytest.raises(ProcessError, match="either rng, a random generator, or seed"):
            draw(2, 3, **arguments)
    for arguments in ((0, 3), (2, 0)):
        with pytest.raises(ProcessError, match="make no process"):
            draw(*arguments, seed=0)
    with pytest.raises(ProcessError, match="must be 0 or more"):
        draw(2, 3, seed=-1)


def test_words_and_equations_come_from_seeds_too():
    np.testing.assert_array_equal(
        processes.sample(EVEN, (3, 5), seed=1), processes.sample(EVEN, (3, 5), np.random.default_rng(1))
    )
    one, other = (
        constraints.random_xorsat(4, 3, 2, **g) for g in ({"seed": 1}, {"rng": np.random.default_rng(1)})
    )
    np.testing.assert_array_equal(one.checks, other.checks)
    with pytest.raises(ProcessError, match="sample needs either rng"):
        processes.sample(EVEN, (3, 5))
