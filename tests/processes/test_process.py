"""Construction, filtering, trees, names: what `processes` promises before any information theory."""

import importlib
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import by_paths

import processes
from processes import ProcessError, alignment, hmm, named
from processes.names.catalogue import CATALOGUE
from processes.strategies import hmms, permutations, words

HALF = np.full((2, 1, 1), 0.5)

BAD_MATRICES = {
    "does not sum to one": (dict(T=[[[0.5]], [[0.4]]]), "row 0 of sum_x T.* sums to 0.9"),
    "negative": (dict(T=[[[1.5]], [[-0.5]]]), r"T\[1, 0, 0\] is -0.5"),
    "NaN": (dict(T=[[[float("nan")]], [[0.5]]]), r"T\[0, 0, 0\] is nan"),
    "infinite": (dict(T=[[[float("inf")]], [[0.5]]]), r"T\[0, 0, 0\] is inf"),
    "complex": (dict(T=[[[0.5 + 0j]], [[0.5]]]), "complex"),
    "words instead of numbers": (dict(T=[[["a"]]]), "not an array of numbers"),
    "ragged": (dict(T=[[[0.5], [0.5]], [[1]]]), "not an array of numbers"),
    "not square": (dict(T=np.ones((2, 2, 3)) / 6), r"shape \(2, 2, 3\)"),
    "two-dimensional": (dict(T=np.eye(2)), r"shape \(2, 2\)"),
    "empty": (dict(T=np.zeros((0, 1, 1))), r"shape \(0, 1, 1\)"),
    "not ergodic": (dict(T=np.eye(2)[None]), "not ergodic.*2 closed classes.*pass start"),
    "start of wrong length": (dict(T=HALF, start=[0.5, 0.5]), r"start has shape \(2,\)"),
    "start that is no distribution": (dict(T=HALF, start=[0.7]), "start sums to 0.7"),
    "negative start": (dict(T=np.eye(2)[None], start=[1.5, -0.5]), r"start\[1\] is -0.5"),
    "too many state names": (dict(T=HALF, states=["A", "B"]), "2 state names for 1"),
}


@pytest.mark.parametrize("case", BAD_MATRICES)
def test_bad_matrices_are_refused_in_one_sentence(case):
    arguments, message = BAD_MATRICES[case]
    with pytest.raises(ProcessError, match=message) as caught:
        hmm(**arguments)
    assert "\n" not in str(caught.value)


def test_a_process_cannot_be_changed(rrxor):
    with pytest.raises(ValueError, match="read-only"):
        rrxor.T[0, 0, 0] = 1


def test_a_nonergodic_chain_is_welcome_with_a_start():
    process = hmm(np.eye(2)[None], [0.25, 0.75])
    assert process.is_stationary and processes.probability(process, [0, 0]) == 1


def test_transient_states_have_no_stationary_mass():
    T = np.array([[[0.5, 0.5], [0, 1]]])
    assert np.array_equal(hmm(T).start, [0, 1])


def test_periodic_chains_have_their_stationary_law():
    assert np.allclose(named("zero_one_random").start, 1 / 3, atol=1e-15)


@given(hmms())
def test_random_processes_are_stationary(process):
    assert np.abs(process.start @ process.T.sum(0) - process.start).max() < 1e-12


@pytest.mark.parametrize("kind", ["dense", "sparse", "periodic", "one_state"])
def test_strategies_make_the_kind_asked_for(kind):
    @given(hmms(kind=kind))
    def check(process):
        assert process.n_states == 1 or kind != "one_state"
        assert (process.T > 0).all() or kind != "dense"
        if kind == "periodic":
            values = np.linalg.eigvals(process.T.sum(0))
            assert (np.abs(np.abs(values) - 1) < 1e-9).sum() >= 2

    check()


@pytest.mark.thorough
@given(st.data())
def test_filter_is_brute_force_bayes(data):
    process = data.draw(hmms(max_states=3))
    word = data.draw(words(process, min_length=1, max_length=4))
    joint = by_paths(process, word)
    found = processes.filter(process, np.array(word))
    # Sums of at most 3^5 products: a few hundred roundings.
    assert np.allclose(found.belief[-1], joint / joint.sum(), atol=1e-13)
    assert np.isclose(found.log_probability[-1], np.log(joint.sum()), atol=1e-12)
    assert np.isclose(processes.probability(process, word), joint.sum(), rtol=1e-12)


@pytest.mark.thorough
@given(st.data())
def test_beliefs_continue_where_a_word_was_cut(data):
    process = data.draw(hmms())
    word = np.array(data.draw(words(process, min_length=2)))
    cut = data.draw(st.integers(1, len(word) - 1))
    whole = processes.filter(process, word).belief[-1]
    resumed = processes.filter(
        hmm(process.T, processes.filter(process, word[:cut]).belief[-1] / 1.0), word[cut:]
    ).belief[-1]
    assert np.allclose(whole, resumed, atol=1e-12)


@pytest.mark.thorough
@given(st.data())
def test_the_order_of_states_is_not_observable(data):
    process = data.draw(hmms())
    other = processes.permuted(process, data.draw(permutations(process)))
    word = data.draw(words(process))
    assert np.isclose(processes.probability(process, word), processes.probability(other, word), rtol=1e-12)


def test_permuting_only_the_start_is_observable():
    """The planted violation of the law above."""
    process = hmm(named("rrxor").T, np.eye(5)[0])
    wrong = hmm(process.T, np.eye(5)[3])
    assert processes.probability(process, (0,)) != processes.probability(wrong, (0,))


@given(hmms(), st.integers(0, 5))
def test_trees_hold_every_possible_word_once(process, depth):
    tree = processes.prefix_tree(process, depth)
    for d in range(depth + 1):
        assert np.isclose(tree.probability[tree.level(d)].sum(), 1, atol=1e-12)
    by_word = {
        tuple(int(x) for x in w[:n]): p
        for w, n, p in zip(tree.words, tree.length, tree.probability, strict=True)
    }
    assert len(by_word) == len(tree)
    for word in itertools.product(range(process.vocab), repeat=min(depth, 4)):
        p = processes.probability(process, word)
        assert np.isclose(by_word.get(word, 0.0), p, atol=1e-14) and (word in by_word) == (p > 0)


@given(hmms())
def test_tree_beliefs_and_ancestors_agree_with_the_filter(process):
    tree = processes.prefix_tree(process, 4)
    last = tree.level(4)
    found = processes.filter(process, tree.words[last])
    assert np.allclose(found.belief[:, -1], tree.belief[last], atol=1e-12)
    assert np.array_equal(tree.token[tree.ancestors[last]], tree.words[last])
    assert np.allclose(tree.next_token.sum(1), 1, atol=1e-12)


def test_impossible_words_and_symbols_are_refused(rrxor):
    with pytest.raises(ProcessError, match="the word 11 has probability zero under golden"):
        processes.filter(named("golden_mean"), np.array([[0, 0, 1], [1, 1, 1]])[1:])
    with pytest.raises(ProcessError, match="symbol 2 at position 1"):
        processes.filter(rrxor, np.array([0, 2]))
    with pytest.raises(ProcessError, match="dtype float"):
        processes.filter(rrxor, np.array([0.0]))
    with pytest.raises(ProcessError, match="depth -1"):
        processes.prefix_tree(rrxor, -1)
    with pytest.raises(ProcessError, match="over 100 words"):
        processes.prefix_tree(rrxor, 20, max_nodes=100)


def test_long_words_do_not_underflow(rrxor):
    rng = np.random.default_rng(0)
    coins = rng.integers(0, 2, (2000, 2))
    word = np.column_stack([coins, coins[:, 0] ^ coins[:, 1]]).reshape(-1)
    start = hmm(rrxor.T, np.eye(5)[0])
    assert np.isclose(processes.filter(start, word).log_probability[-1], -4000 * np.log(2), rtol=1e-12)


def test_alignment_is_one_shift():
    word = np.arange(5)
    inputs, targets = alignment.split(word)
    assert np.array_equal(inputs, [0, 1, 2, 3]) and np.array_equal(targets, [1, 2, 3, 4])
    assert alignment.position(1) == 0 and list(alignment.floor_orders(3)) == [2, 3, 4]


@pytest.mark.thorough
@given(hmms())
def test_floor_is_the_entropy_of_the_target(process):
    tree = processes.prefix_tree(process, 3)
    exact = [
        tree.probability[tree.level(d)] @ processes.entropy(tree.next_token[tree.level(d)]) for d in (1, 2, 3)
    ]
    assert np.allclose(processes.floor_by_position(process, 3), exact, atol=1e-12)


@pytest.mark.thorough
@given(hmms(), st.integers(1, 3))
def test_markov_approximations_have_the_same_short_words(process, order):
    other = processes.markov(process, order)
    tree = processes.prefix_tree(process, order + 1)
    for w, n, p in zip(tree.words, tree.length, tree.probability, strict=True):
        assert np.isclose(processes.probability(other, w[:n]), p, atol=1e-12)
    assert processes.beliefs_along(other, processes.prefix_tree(process, 5)).shape[1] == other.n_states


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["rrxor", "nemo", "mess3", "random_insertion", "zero_one_random"])
def test_a_decoy_has_the_entropy_rate_and_other_beliefs(name):
    process = named(name)
    decoy = processes.decoy(process, seed=0)
    true, found = processes.entropy_rate(process), processes.entropy_rate(decoy)
    # Bisection works on a bound of about 4e-3 nats (see the docstring of decoy).
    assert abs(found.value - true.value) < 5e-3 and decoy.T.shape == process.T.shape
    tree = processes.prefix_tree(process, 6)
    assert np.abs(processes.beliefs_along(decoy, tree) - tree.belief).max() > 0.1


def test_a_coin_has_no_decoy():
    with pytest.raises(ProcessError, match="entropy rate 0.693147"):
        processes.decoy(named("coin"), seed=0)


BAD_NAMES = {
    "mess33": "did you mean 'mess3'",
    "mess3:nobody": "no published parameter set of mess3",
    "mess3(x=0.9, a=0.85)": "is no process",
    "mess3(x=0.1)": "takes the parameters a, x.*gives x",
    "mess3(x=0.1, a=0.5, b=1)": "takes the parameters",
    "mess3(": "cannot read the process",
    "mess3(0.1)": "cannot read the process",
    "__import__('os')": "cannot read the process",
}


@pytest.mark.parametrize("spec", BAD_NAMES)
def test_bad_names_are_refused(spec):
    with pytest.raises(ProcessError, match=BAD_NAMES[spec]):
        named(spec)


@pytest.mark.parametrize("name", CATALOGUE)
def test_published_sets_have_names(name):
    first = next(iter(CATALOGUE[name].published))
    assert named(name).name == named(f"{name}:{first}").name
    written_out = named(named(name).name)
    np.testing.assert_allclose(written_out.T, named(name).T, atol=1e-5)  # names carry six digits


@pytest.mark.thorough
@pytest.mark.parametrize("name", CATALOGUE)
def test_cards_are_plain_values(name):
    import json

    card = processes.card(named(name), n_ctx=4)
    assert json.loads(json.dumps(card)) == card
    low, high = card["entropy_rate_bounds"]
    assert low <= card["entropy_rate"] <= high and len(card["loss_floor_by_position"]) == 4


def test_large_batches_of_large_matrices_are_filtered_symbol_by_symbol(monkeypatch):
    """The same to rounding as all at once, which would not fit into memory."""
    module = importlib.import_module("processes.filter")  # which the function of that name hides
    process = named("mess3 * coin")
    tokens = processes.sample(process, (5, 10), seed=0)
    belief = np.random.default_rng(0).dirichlet(np.ones(3), size=(5, 10))
    at_once = processes.update(process, belief, tokens)
    monkeypatch.setattr(module, "GATHERED", 10)
    for one, other in zip(at_once, processes.update(process, belief, tokens), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)
