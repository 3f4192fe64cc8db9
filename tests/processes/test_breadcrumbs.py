"""The breadcrumb price against the definition carried out on words, and its published-beforehand values."""

from collections import defaultdict
from itertools import product as tuples

import numpy as np
import pytest

import processes
from processes import ProcessError, breadcrumbs, named

SHARES = {
    "mess3": 0.0,
    "golden_mean": 0.0,
    "even": 0.0,
    "sns": 0.0,
    "zero_one_random": 0.28,
    "nemo": 0.30,
    "checksum:ternary": 0.44,
    "random_insertion": 0.45,
    "rrxor": 1.00,
}
"""As a share of what contexts are worth, mean over ten positions; computed from the definition beforehand."""


@pytest.mark.parametrize("name", SHARES)
def test_the_price_of_processes_of_the_literature(name):
    found = breadcrumbs(named(name), 10)
    assert round(found.price, 2) == SHARES[name]
    assert (found.excess >= 0).all() and len(found.excess) == len(found.classes) == 10


def test_it_depends_on_how_many_positions_there_are():
    assert round(breadcrumbs(named("checksum:ternary"), 8).price, 2) == 0.32


def by_words(process, n_ctx):
    """Excess and number of classes at each position from probabilities of whole words: a dictionary from
    memories to the words that share them.
    """
    V = process.vocab

    def P(word):
        row = process.start
        for x in word:
            row = row @ process.T[x]
        return float(row @ process.w)

    groups, excess, count = {(): [()]}, [], []
    for _ in range(n_ctx):
        longer = defaultdict(list)
        for memory, words in groups.items():
            for word, x in tuples(words, range(V)):
                if P((*word, x)) > 1e-14:
                    longer[memory, x].append((*word, x))
        groups, floor = defaultdict(list), 0.0
        for words in longer.values():
            mass = np.array([sum(P((*w, x)) for w in words) for x in range(V)])
            groups[tuple(np.round(mass / mass.sum(), 9) + 0.0)] += words
        loss = 0.0
        for words in groups.values():
            each = np.array([[P((*w, x)) for x in range(V)] for w in words])
            loss += each.sum() * processes.entropy(each.sum(0) / each.sum())
            floor += each.sum(1) @ processes.entropy(each / each.sum(1, keepdims=True))
        excess.append(loss - floor)
        count.append(len(groups))
    return np.array(excess), count


@pytest.mark.parametrize("name", ["rrxor", "nemo", "zero_one_random", "sns", "tally", "fanizza", "triggered"])
def test_excess_and_classes_are_those_of_the_definition(name):
    process = (
        named("triggered(even, coin; switch=[[0, .3], [.2, 0]]; first=[1, 0])")
        if name == "triggered"
        else named(name)
    )
    found = breadcrumbs(process, 5)
    excess, count = by_words(process, 5)
    np.testing.assert_allclose(found.excess, excess, atol=1e-9)
    assert found.classes.tolist() == count


def test_worth_is_what_contexts_save():
    found, h = breadcrumbs(named("nemo"), 6), processes.h(named("nemo"), 7)
    assert found.worth == pytest.approx(h[0] - h[1:].mean(), abs=1e-12)
    assert breadcrumbs(named("coin"), 6).price == 0.0


@pytest.mark.parametrize("start", [None, [1, 0, 0]])
def test_a_card_says_what_contexts_are_worth(start):
    """All of them, by their probability, whether or not the start is stationary."""
    process = processes.hmm(named("mess3").T, start)
    tree = processes.prefix_tree(process, 4)
    distribution, weight = processes.predict(process, tree.belief[1:]), tree.probability[1:] / 4
    worth = processes.entropy(weight @ distribution) - weight @ processes.entropy(distribution)
    card = processes.card(process, n_ctx=4)
    assert worth > 0.01 and card["worth"] == pytest.approx(worth, abs=1e-12)
    assert card["breadcrumb_price"] == breadcrumbs(process, 4).price


def test_nothing_has_no_share():
    card = processes.card(named("coin"), n_ctx=4)
    assert (card["worth"], card["breadcrumb_price"]) == (0.0, None)
    assert card["why"]["breadcrumb_price"] == "contexts are worth nothing"


@pytest.mark.parametrize("M, share", [(2, 0.54), (3, 0.63), (5, 0.69)])
def test_a_tally_is_lost_before_it_is_asked_for(M, share):
    found = breadcrumbs(processes.tally(M=M, p=0.3), 10)
    assert round(found.price, 2) == share
    assert set(found.classes) == {2}  # somebody has asked, or not: all that a greedy memory holds


def test_a_tally_tells_the_sum_and_begins_again():
    three = processes.tally(M=3, p=0.3)
    known = processes.filter(three, [3, 0, 1, 2, 1, 3]).belief  # whatever was before the first answer
    np.testing.assert_allclose(processes.predict(three, known[-1]), [0, 1, 0, 0], atol=1e-12)
    again = processes.filter(three, [3, 0, 1, 2, 1, 3, 1, 2, 3]).belief[-1]
    np.testing.assert_allclose(processes.predict(three, again), [0, 0, 1, 0], atol=1e-12)
    assert named("tally(M=3, p=0.3)") == three == named("tally:thirds") and named(three.spec) == three


def test_bad_input_is_told_in_a_sentence():
    for call, said in (
        (lambda: breadcrumbs(named("even"), 0), "n_ctx is 0"),
        (lambda: breadcrumbs(named("mess3"), 9, most=1000), "over 1000 classes of words"),
        (lambda: processes.tally(M=1, p=0.3), "M is 1"),
        (lambda: processes.tally(M=2, p=1.0), "p is 1"),
    ):
        with pytest.raises(ProcessError, match=said):
            call()
