"""Which component writes, and what a wrong prior costs, against sums over all words."""

from itertools import product as tuples

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import processes
from processes import ProcessError, mixture, named, probability, strategies


def mixed(weights, *names):
    return mixture([named(name) for name in names], weights)


def by_words(of, q, length):
    """H(K | L symbols) for L = 0..length, and the summed cost of L symbols for L = 1..length, from the
    probability of every word under every component.
    """
    p, q = of.weights, np.asarray(q, float)
    entropies, costs = [float(processes.entropy(p))], []
    for L in range(1, length + 1):
        words = list(tuples(range(of.components[0].vocab), repeat=L))
        P = np.array([[_probability(c, word) for c in of.components] for word in words])
        joint, text, read = P * p, P @ p, P @ q
        there = text > 0
        posterior = joint[there] / text[there][:, None]
        entropies.append(float(text[there] @ processes.entropy(posterior)))
        costs.append(float(text[there] @ np.log(text[there] / read[there])))
    return np.array(entropies), np.array(costs)


def _probability(component, word):
    row = component.start
    for x in word:
        row = row @ component.T[x]
    return float(row @ component.w)


MIXTURES = [
    (mixed([0.9, 0.1], "even", "golden_mean"), [0.5, 0.5]),
    (mixed([0.3, 0.7], "rrxor", "coin"), [0.8, 0.2]),
    (mixed([0.2, 0.5, 0.3], "even", "coin(p=0.3)", "golden_mean"), [0.6, 0.1, 0.3]),
    (mixed([0.0, 1.0], "even", "golden_mean"), [0.4, 0.6]),
    (mixed([0.5, 0.5], "fanizza", "coin"), [0.1, 0.9]),
]


@pytest.mark.parametrize("of, q", MIXTURES, ids=lambda x: getattr(x, "spec", None))
def test_entropies_and_costs_are_those_of_all_words(of, q):
    entropies, costs = by_words(of, q, 6)
    np.testing.assert_allclose(processes.component_entropies(of, 6), entropies, atol=1e-12)
    np.testing.assert_allclose(processes.prior_cost(of, q, 6).cumsum(), costs, atol=1e-12)


@pytest.mark.thorough
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_of_random_components_as_well(data):
    first = data.draw(strategies.hmms(max_states=3, max_vocab=2))
    second = data.draw(strategies.hmms(max_states=3, max_vocab=2).filter(lambda p: p.vocab == first.vocab))
    of, q = mixture([first, second], [0.3, 0.7]), [0.6, 0.4]
    entropies, costs = by_words(of, q, 4)
    np.testing.assert_allclose(processes.component_entropies(of, 4), entropies, atol=1e-9)
    np.testing.assert_allclose(processes.prior_cost(of, q, 4).cumsum(), costs, atol=1e-9)


def test_known_values():
    """Computed from the definitions beforehand; limits are the divergences of the priors."""
    pair = "even", "golden_mean"
    entropies = processes.component_entropies(mixed([0.5, 0.5], *pair), 5)
    np.testing.assert_allclose(entropies, [0.693, 0.637, 0.477, 0.318, 0.159, 0.080], atol=5e-4)
    for p, q, after_12, limit in (
        (0.9, 0.5, 0.3677, 0.3681),
        (0.99, 0.5, 0.6365, 0.6371),
        (0.5, 0.9, None, 0.5108),
    ):
        cost = processes.prior_cost(mixed([p, 1 - p], *pair), [q, 1 - q], 60).cumsum()
        divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        assert round(divergence, 4) == limit
        assert cost[-1] == pytest.approx(divergence, abs=1e-9) and (np.diff(cost) >= -1e-15).all()
        assert after_12 is None or round(cost[11], 4) == after_12
    slower = processes.prior_cost(mixed([0.9, 0.1], "rrxor", "even"), [0.5, 0.5], 12)
    assert round(slower.sum(), 4) == 0.2517


@pytest.mark.parametrize("of, q", MIXTURES[:3] + MIXTURES[4:], ids=lambda x: getattr(x, "spec", None))
def test_shifted_odds_are_those_of_another_prior(of, q):
    """Brute force over words: the odds of one component are multiplied before anything is read."""
    by, k = 1.7, len(of.components) - 1
    weights = of.weights * np.where(np.arange(len(of.components)) == k, np.exp(by), 1)
    other = mixture(of.components, weights / weights.sum())
    for word in ("", "0", "010", "0010"):
        symbols = list(map(int, word))
        belief = processes.filter(of.process(), word).belief[-1] if word else of.process().start
        shifted = of.shifted(belief, k, by)
        part = [w * _probability(c, symbols) for w, c in zip(other.weights, other.components, strict=True)]
        np.testing.assert_allclose(of.posterior(shifted), np.array(part) / sum(part), atol=1e-9)
        for j in np.flatnonzero(np.array(part) > 0):
            np.testing.assert_allclose(of.within(shifted, j), of.within(belief, j), atol=1e-9)
        np.testing.assert_allclose(of.shifted(shifted, k, -by), belief, atol=1e-9)


@pytest.mark.parametrize("k, by, said", [(2, 1.0, "no component 2"), (0, 1e4, "at most 600"), (0, "1", "by")])
def test_odds_that_cannot_be_shifted_are_refused(k, by, said):
    of = mixed([0.5, 0.5], "even", "golden_mean")
    with pytest.raises(processes.ProcessError, match=said):
        of.shifted(of.process().start, k, by)


def test_the_right_prior_costs_nothing_and_alike_components_are_never_told_apart():
    of = mixed([0.9, 0.1], "even", "golden_mean")
    assert processes.prior_cost(of, [0.9, 0.1], 8).max() < 1e-15
    same = mixed([0.9, 0.1], "even", "even")
    assert processes.prior_cost(same, [0.5, 0.5], 8).max() < 1e-15
    np.testing.assert_allclose(processes.component_entropies(same, 8), 0.325083, atol=1e-6)


@pytest.mark.parametrize("word", ["", "0", "01", "0110"])
def test_after_a_prompt_components_go_on_from_what_is_believed_of_them(word):
    of = mixed([0.9, 0.1], "even", "golden_mean")
    after, process = processes.prompted(of, word), of.process()
    for continuation in ("0", "10", "010", "110"):
        whole = probability(process, word + continuation) / (probability(process, word) if word else 1)
        assert probability(after.process(), continuation) == pytest.approx(whole, abs=1e-12)
    assert len(after.components) == (1 if word == "0110" else 2)  # no golden mean has 11


def test_costs_before_and_after_a_prompt_add_up():
    """The chain rule over prompts: what is paid later is what prompts leave, on average."""
    of, q = mixed([0.7, 0.3], "rrxor", "coin"), [0.2, 0.8]
    other = mixture(of.components, q)
    later = 0.0
    for word in ("00", "01", "10", "11"):
        after, prior = processes.prompted(of, word), processes.prompted(other, word).weights
        later += probability(of.process(), word) * processes.prior_cost(after, prior, 4).sum()
    assert later == pytest.approx(processes.prior_cost(of, q, 6)[2:].sum(), abs=1e-12)


def test_bad_input_is_told_in_a_sentence():
    of = mixed([0.9, 0.1], "even", "golden_mean")
    for call, said in (
        (lambda: processes.prior_cost(of, [1, 0], 5), "excludes component 1, which writes"),
        (lambda: processes.prior_cost(of, [0.5, 0.6], 5), "prior over the components"),
        (lambda: processes.prior_cost(of, [0.5, 0.5], 0), "length is 0"),
        (lambda: processes.component_entropies(of, -1), "length is -1"),
        (lambda: processes.prompted(of, [[0, 1], [1, 1]]), "single word"),
        (lambda: processes.prompted(of, "0101"), None),
    ):
        with pytest.raises(ProcessError, match=said):
            call() if said else processes.prompted(of, "01011")
