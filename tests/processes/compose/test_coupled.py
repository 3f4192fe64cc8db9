"""Coupled factors: by hand, against enumeration, and factor by factor against the joint filter."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import all_words, distribution_of_words
from oracles.compose import ROUNDING, assert_is_a_process, modest

from processes import (
    ProcessError,
    coin,
    coupled,
    entropy_rate,
    equivalent,
    filter,
    hmm,
    minimal_dimension,
    named,
    permuted,
    predict,
    prefix_tree,
    similar,
)
from processes.strategies import hmms

MESS3 = [named("mess3"), named("mess3:piotrowski2025")]
THREE = [coin(p=0.5), coin(p=0.3), coin(p=0.9)]
EXAMPLES = {
    "two coins": coupled([coin(p=0.6), [coin(p=0.7), coin(p=0.2)]], "sequential"),
    "mess3 by mess3": coupled([MESS3[0], MESS3], "sequential", maps=[None, [0, 1, 1]]),
    "chain": coupled([coin(p=0.6), [coin(p=0.7), coin(p=0.2)], [coin(p=0.1), coin(p=0.5)]], "sequential"),
    "tree": coupled(
        [named("even"), [coin(p=0.7), coin(p=0.2)], [named("even"), named("golden_mean")]],
        "sequential",
        parents=[-1, 0, 0],
    ),
    "transitions": coupled([MESS3, MESS3], "conditional_transitions", maps=[[0, 1, 1], [1, 0, 0]]),
    "transitions after a chain": coupled(
        [MESS3, THREE],
        "conditional_transitions",
        maps=[[1, 0], [0, 1, 2]],
        emission=[1, [2, 0, 1]],
    ),
    "a dial": coupled([coin(p=0.6), [coin(p=0.7), coin(p=0.2)]], "sequential", coupling=0.25),
}
HIDDEN = {
    "by state": coupled([MESS3[0], [*MESS3, named("mess3(x=0.3, a=0.9)")]], "hidden"),
    "each by the other": coupled(
        [[named("even"), named("golden_mean")], [named("golden_mean"), named("sns")]],
        "hidden",
        parents=[1, 0],
    ),
}


def test_two_coins_by_hand():
    made = EXAMPLES["two coins"]
    assert made.next_token(made.start) == pytest.approx([0.42, 0.18, 0.08, 0.32], abs=1e-15)
    assert predict(made.process(), made.process().start) == pytest.approx([0.42, 0.18, 0.08, 0.32], abs=1e-15)
    half = EXAMPLES["a dial"].process()  # the second coin: .7 after 0, .75 * .7 + .25 * .2 = .575 after 1
    assert predict(half, half.start) == pytest.approx([0.42, 0.18, 0.23, 0.17], abs=1e-15)


@pytest.mark.parametrize("name", EXAMPLES)
def test_joint_matrices_are_kronecker_products_of_the_chosen_variants(name):
    made = EXAMPLES[name]
    joint = made.process()
    assert_is_a_process(joint, 2)
    if made.structure != "sequential" or made.coupling != 1:
        return
    for token, symbols in enumerate(made.digits):
        chosen = [rule.of(symbols[None], made.radices)[0] for rule in made.moves]
        expected = np.eye(1)
        for variants, k, x in zip(made.factors, chosen, symbols, strict=True):
            expected = np.kron(expected, variants[k].T[x])
        np.testing.assert_allclose(joint.T[token], expected, rtol=0, atol=1e-15)


def sequential_oracle(made, word):
    """P(word) by the chain rule, one factor after the other, each a product of its chosen matrices."""
    total = 1.0
    for i, variants in enumerate(made.factors):
        row = variants[0].start
        for token in word:
            symbols = made.digits[token]
            k = made.moves[i].of(symbols[None], made.radices)[0]
            row = row @ variants[k].T[symbols[i]]
        total *= row @ variants[0].w
    return total


@pytest.mark.parametrize("name", ["two coins", "mess3 by mess3", "chain", "tree"])
def test_words_by_the_chain_rule(name):
    made = EXAMPLES[name]
    words = all_words(made.vocab, 2)
    expected = [sequential_oracle(made, word) for word in words]
    assert np.abs(distribution_of_words(made.process(), 2) - expected).max() < ROUNDING


@pytest.mark.parametrize("name", EXAMPLES)
def test_beliefs_factor_exactly_although_tokens_are_dependent(name):
    made = EXAMPLES[name]
    joint = made.process()
    tree = prefix_tree(joint, 3)
    last = tree.level(3)
    words = tree.words[last][:, :3]
    parts = made.filter(words)
    outer = parts[0].belief
    for part in parts[1:]:
        outer = (outer[..., :, None] * part.belief[..., None, :]).reshape(*outer.shape[:-1], -1)
    assert np.abs(outer[:, -1] - tree.belief[last]).max() < ROUNDING
    logs = sum(part.log_probability for part in parts)[:, -1]
    assert np.abs(logs - np.log(tree.probability[last])).max() < ROUNDING
    next_token = made.next_token([part.belief[:, -1] for part in parts])
    assert np.abs(next_token - tree.next_token[last]).max() < ROUNDING
    marginals = [predict(joint, joint.start).reshape(made.radices)]
    first, second = (marginals[0].sum(tuple(j for j in range(len(made.radices)) if j != i)) for i in (0, 1))
    pair = marginals[0].sum(tuple(range(2, len(made.radices))))
    if name in ("two coins", "chain", "a dial"):  # the planted violation: not a product of its marginals
        assert np.abs(pair - np.outer(first, second)).max() > 0.01


@pytest.mark.parametrize("name", HIDDEN)
def test_chosen_by_hidden_states_by_hand_and_beliefs_do_not_factor(name):
    made = HIDDEN[name]
    joint = made.process()
    assert_is_a_process(joint, 2)
    states = list(itertools.product(*map(range, made.sizes)))
    for token, symbols in enumerate(made.digits):
        for s, here in enumerate(states):
            k = [0 if not r.parents else r.variants[here[r.parents[0]]] for r in made.moves]
            rows = [v[k[i]].T[symbols[i], here[i]] for i, v in enumerate(made.factors)]
            np.testing.assert_allclose(joint.T[token, s], np.kron(*rows), rtol=0, atol=1e-15)
    assert joint.is_stationary
    belief = prefix_tree(joint, 3).belief.reshape(-1, *made.sizes)
    outer = belief.sum(2)[:, :, None] * belief.sum(1)[:, None, :]
    assert np.abs(belief - outer).max() > 1e-3
    with pytest.raises(ProcessError, match="hidden states"):
        made.filter(np.array([0]))


def test_the_dial_goes_from_independent_to_coupled():
    for structure in ("sequential", "hidden"):
        at = [coupled([MESS3[0], [*MESS3, MESS3[1]]], structure, coupling=c) for c in (0, 0.5, 1)]
        off, half, on = (made.process() for made in at)
        assert off == MESS3[0] * MESS3[0] and off.spec == (MESS3[0] * MESS3[0]).spec
        np.testing.assert_allclose(half.T, (off.T + on.T) / 2, rtol=0, atol=1e-15)
        assert entropy_rate(off, max_nodes=2000).value != entropy_rate(on, max_nodes=2000).value


def test_what_nothing_chooses_is_a_product():
    alone = coupled([MESS3, THREE], "independent", maps=[[1], [2]]).process()
    assert alone == MESS3[1] * THREE[2] and type(alone.made_of).__name__ == "Product"
    same = coupled([MESS3[0], [THREE[1]] * 3], "sequential", maps=[None, [1, 1, 1]])
    assert same.process() == MESS3[0] * THREE[1]
    assert equivalent(coupled([MESS3[0], [THREE[1]] * 3], "sequential").process(), same.process())


@pytest.mark.thorough
@modest
@given(st.data())
def test_random_factors_are_processes_whose_beliefs_factor(data):
    p, q = data.draw(hmms(max_states=2, max_vocab=2)), data.draw(hmms(max_states=2, max_vocab=2))
    other = permuted(q, [*range(q.n_states)][::-1])
    variants = [q, hmm(other.T, q.start)]
    choice = data.draw(st.lists(st.integers(0, 1), min_size=p.vocab, max_size=p.vocab))
    made = coupled(
        [p, variants], "sequential", maps=[None, choice], coupling=data.draw(st.integers(0, 4)) / 4
    )
    joint = made.process()
    assert_is_a_process(joint, 2)
    expected = [sequential_oracle(made, w) for w in all_words(made.vocab, 2)]
    if made.coupling == 1:
        assert np.abs(distribution_of_words(joint, 2) - expected).max() < ROUNDING
    tree = prefix_tree(joint, 2)
    words = tree.words[tree.level(2)][:, :2]
    a, b = (part.belief[:, -1] for part in made.filter(words))
    assert (
        np.abs((a[:, :, None] * b[:, None]).reshape(len(a), -1) - tree.belief[tree.level(2)]).max() < ROUNDING
    )
    assert minimal_dimension(joint) <= p.n_states * q.n_states


def test_factors_as_arrays_of_variants():
    arrays = [coin(p=0.6).T[None], np.stack([coin(p=0.7).T, coin(p=0.2).T])]
    made = coupled(arrays, "sequential")
    np.testing.assert_array_equal(made.process().T, EXAMPLES["two coins"].process().T)
    assert made.spec is None and made.process().made_of is made


def test_generalised_factors_couple_where_they_share_their_right_vector():
    bloch = named("bloch_walk")
    joint = coupled([bloch, [THREE[0], THREE[1], THREE[2], THREE[1]]], "sequential").process()
    assert joint.kind == "ghmm" and joint.vocab == 8
    other = similar(bloch, np.diag([1.0, 1.0, 2.0]) + np.eye(3)[[0, 0, 0]].T)
    with pytest.raises(ProcessError, match="another right vector"):
        coupled([THREE[0], [bloch, other]], "sequential")
    with pytest.raises(ProcessError, match="no events"):
        coupled([THREE[0], bloch], "hidden")


def test_tokens_can_be_listed():
    certain = [coin(p=1.0), coin(p=0.0)]
    made = coupled([coin(p=0.25), certain], "sequential", tokens=[[1, 1], [0, 0]])
    assert made.vocab == 2 and predict(made.process(), made.process().start).tolist() == [0.75, 0.25]
    assert filter(made.process(), [[0, 1]]).log_probability[0, -1] == pytest.approx(np.log(0.75 * 0.25))
    with pytest.raises(ProcessError, match=r"leaves out the symbols \[0, 0\], which can occur"):
        coupled([coin(p=0.25), certain], "sequential", tokens=[[1, 1], [0, 1]]).process()


REFUSED = {
    "cycle": (lambda: coupled([THREE], "fully_conditional"), "no finite process: .* divided by its sum"),
    "no factors": (lambda: coupled([], "sequential"), "sequence of factors"),
    "no variants": (lambda: coupled([[]], "sequential"), "no variant"),
    "sizes": (lambda: coupled([[MESS3[0], THREE[0]]], "independent"), "2 symbols .* share both"),
    "map missing": (
        lambda: coupled([THREE[0], THREE], "sequential"),
        r"3 variants .* 2 values; give maps\[1\]",
    ),
    "map short": (lambda: coupled([THREE[0], THREE], "sequential", maps=[None, [0]]), "each of the 2 values"),
    "map out": (lambda: coupled([THREE[0], THREE], "sequential", maps=[[0], [0, 3]]), "the variants 0 to 2"),
    "maps": (lambda: coupled([THREE[0], THREE], "sequential", maps=[[0]]), "maps has 1 entries"),
    "parent": (lambda: coupled([THREE[0]] * 2, "sequential", parents=[1, 0]), "an earlier factor"),
    "own": (lambda: coupled([THREE[0]] * 2, "hidden", parents=[0, 0]), "another factor"),
    "parents": (lambda: coupled([THREE[0]], "independent", parents=[-1]), "not for independent"),
    "emission": (lambda: coupled([THREE[0]], "sequential", emission=[0]), "conditional_transitions alone"),
    "coupling": (lambda: coupled([THREE[0]], "sequential", coupling=2.0), "must be a probability"),
    "token": (lambda: coupled([THREE[0]], "sequential", tokens=[[2]]), "its factor has not"),
    "twice": (lambda: coupled([THREE[0]], "sequential", tokens=[[1], [1]]), "twice"),
    "large": (
        lambda: coupled([[MESS3[0], MESS3[1], MESS3[0]]] * 4, "sequential").process(max_entries=9),
        "over 9",
    ),
    "axes": (lambda: coupled([np.eye(2)], "sequential"), "an array .variants"),
    "silent": (
        lambda: coupled(
            [[coin(p=1.0), coin(p=0.5)], [coin(p=0.5)] * 2],
            "conditional_transitions",
            emission=[1, 0],
            maps=[[0, 1]] * 2,
        ).process(),
        "variant 0 of factor 0 cannot emit symbol 1",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_misuse_is_refused_in_one_sentence(case):
    make, message = REFUSED[case]
    with pytest.raises(ProcessError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.thorough
def test_the_product_of_conditionals_is_no_finite_process():
    """Why `fully_conditional` is refused: its word distribution has a Hankel matrix of growing rank, for two
    factors of two states where an independent pair needs four dimensions.
    """
    q = [named("mess(x=0.1, a=0.7, s=2)"), named("sns")]

    def conditional(beliefs):
        p = np.array(
            [
                [(beliefs[0] @ q[b].T[a]).sum() * (beliefs[1] @ q[a].T[b]).sum() for b in range(2)]
                for a in range(2)
            ]
        )
        return p / p.sum()

    def probability(word):
        beliefs, total = [np.full(2, 0.5), np.full(2, 0.5)], 1.0
        for a, b in word:
            total *= conditional(beliefs)[a, b]
            if total == 0:
                return 0.0
            rows = beliefs[0] @ q[b].T[a], beliefs[1] @ q[a].T[b]
            beliefs = [row / row.sum() for row in rows]
        return total

    tokens = list(itertools.product(range(2), repeat=2))
    words = [list(w) for n in range(4) for w in itertools.product(tokens, repeat=n)]
    ends = [list(w) for n in range(3) for w in itertools.product(tokens, repeat=n)]
    hankel = np.array([[probability(w + e) for e in ends] for w in words])
    assert np.linalg.matrix_rank(hankel, tol=1e-9) > 4
