"""Entropies and filtering: brute force over hidden paths, laws x members, and printed values."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from oracles import all_words, by_paths
from oracles.information import bloch_walk, named, some

import processes
from processes import CATALOGUE, Process, ProcessError, entropy, strategies
from processes.entropy import divergence

MEMBERS = [f"{name}:{published}" for name, entry in CATALOGUE.items() for published in entry.published]
# float64 with entries of order one and words of a few symbols: 1e-16 a step, 1e-13 where GHMMs cancel, with
# room
ROUNDING = 1e-10


def affordable(process: Process, cost: int = 6000) -> int:
    """Longest length at which words times hidden paths can be enumerated."""
    L = 1
    while process.vocab ** (L + 1) * process.n_states ** (L + 2) <= cost and L < 5:
        L += 1
    return L


def possible(process: Process, length: int) -> list[tuple[int, ...]]:
    return [
        w
        for w in map(tuple, all_words(process.vocab, length).tolist())
        if processes.probability(process, w) > 1e-9
    ]


# Laws: each takes the implementation it judges, so that a wrong one can be planted.


def law_words_are_probabilities(process: Process, probability=processes.probability):
    for L in range(affordable(process) + 1):
        p = np.array([probability(process, w) for w in all_words(process.vocab, L)])
        assert p.min() >= -ROUNDING
        assert abs(p.sum() - 1) < ROUNDING
        longer = np.array([probability(process, w) for w in all_words(process.vocab, L + 1)]).reshape(
            -1, process.vocab
        )
        np.testing.assert_allclose(longer.sum(1), p, atol=ROUNDING, rtol=0)


def law_filter_is_bayes(process: Process, filter=processes.filter):
    words = possible(process, affordable(process))
    found = filter(process, np.array(words))
    for w, belief, log_probability in zip(
        words, found.belief[:, -1], found.log_probability[:, -1], strict=True
    ):
        joint = by_paths(process, w)
        total = joint @ process.w
        assert abs(log_probability - np.log(total)) < ROUNDING / total
        scale = np.abs(joint).max() / total
        assert np.abs(belief - joint / total).max() <= ROUNDING * scale / total


def law_beliefs_concatenate(process: Process, filter=processes.filter):
    L = affordable(process)
    words = possible(process, L)
    for w in words[:: 1 + len(words) // 8]:
        whole = filter(process, np.array(w))
        for cut in range(1, L):
            first = filter(process, np.array(w[:cut]))
            rest = filter(replace(process, start=first.belief[-1]), np.array(w[cut:]))
            tolerance = ROUNDING * np.abs(whole.belief).max() / np.exp(whole.log_probability[-1])
            np.testing.assert_allclose(rest.belief[-1], whole.belief[-1], atol=tolerance, rtol=0)
            assert (
                abs(first.log_probability[-1] + rest.log_probability[-1] - whole.log_probability[-1]) < 1e-9
            )


def law_block_entropy_is_brute_force(process: Process, block_entropy=processes.block_entropy):
    L = affordable(process)
    H = [
        float(entropy(np.maximum([by_paths(process, w) @ process.w for w in all_words(process.vocab, k)], 0)))
        for k in range(1, L + 1)
    ]
    np.testing.assert_allclose(
        block_entropy(process, L), H, atol=1e-9, rtol=0
    )  # p log p turns 1e-16 near p = 0 into 1e-14 a word


def law_h_falls_to_the_rate(process: Process, h=processes.h):
    if process.is_stationary:
        values = h(process, 6)
        assert (np.diff(values) < ROUNDING).all()
        assert values[-1] >= processes.entropy_rate(process, max_nodes=4000).lower - ROUNDING


def law_bounds_enclose(process: Process, entropy_rate=processes.entropy_rate):
    rate = entropy_rate(process, max_nodes=4000)
    assert -ROUNDING <= rate.lower <= rate.value <= rate.upper <= np.log(process.vocab) + ROUNDING
    assert rate.error <= rate.upper - rate.lower
    if process.is_stationary:
        bound = processes.bounded_rate(process, 4000)
        assert bound.lower - ROUNDING <= rate.upper and rate.lower <= bound.upper + ROUNDING


def law_excess_is_the_sum(process: Process, bounds=processes.excess_entropy_bounds):
    found = bounds(process, max_nodes=4000)
    if found is None:
        return
    rate, exact = processes.entropy_rate(process, max_nodes=4000), processes.excess_entropy(process)
    if exact is None:
        L = np.arange(1, 6)
        assert (processes.block_entropy(process, 5) - L * rate.upper <= found.upper + ROUNDING).all()
        assert found.lower <= found.value <= found.upper
        return
    ms = processes.structure.machine.finite_machine(process)
    L = 60 if ms.transient_modulus < 0.5 else int(min(20000, 30 / -np.log(min(ms.transient_modulus, 0.9985))))
    tail = ms.transient_modulus**L * len(ms) * 10
    gap = processes.h(process, L) - rate.value
    assert abs(gap.sum() - found.value) < 1e-9 + tail
    T = processes.transient_information(process)
    assert abs(np.arange(1, L + 1) @ gap - T) < 1e-7 * max(1, T) + L * L * tail


def law_complexity_exceeds_excess(process: Process, complexity=processes.statistical_complexity):
    E, C = processes.excess_entropy(process), complexity(process)
    if E is not None and C is not None:
        assert C >= E - 1e-9 and E >= -1e-9
        assert processes.crypticity(process) == pytest.approx(C - E, abs=1e-12)


def law_states_have_no_names(process: Process, permuted=processes.permuted):
    other = permuted(process, list(range(process.n_states))[::-1])
    for w in possible(process, min(3, affordable(process))):
        assert processes.probability(other, w) == pytest.approx(
            processes.probability(process, w), abs=ROUNDING
        )
    np.testing.assert_allclose(processes.h(other, 5), processes.h(process, 5), atol=1e-9, rtol=0)


LAWS = [v for k, v in list(globals().items()) if k.startswith("law_")]
by_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)


@pytest.mark.thorough
@by_law
@pytest.mark.parametrize("member", MEMBERS)
def test_law_on_member(law, member):
    law(named(member))


@pytest.mark.thorough
@by_law
@some
@given(process=strategies.hmms(max_states=3))
def test_law_on_random_hmms(law, process):
    law(process)


@pytest.mark.thorough
@by_law
@some
@given(process=strategies.ghmms(max_states=3))
def test_law_on_random_ghmms(law, process):
    law(process)


def renormalised_badly(process, word):
    return processes.probability(process, word) * (1.001 if len(word) == 2 else 1)


def off_by_one(process, words):
    found = processes.filter(process, words)
    return processes.Filtered(np.roll(found.belief, 1, -2), found.log_probability)


def forgets_the_start(process, words):
    # Starts every word a little too much in the first hidden state.
    return processes.filter(
        replace(
            process, start=(1 - 1e-3) * process.start + 1e-3 * np.eye(process.n_states)[0] / process.w[0]
        ),
        words,
    )


def swaps_without_start(process, order):
    return replace(processes.permuted(process, order), start=process.start)


@pytest.mark.parametrize(
    "law, planted",
    [
        (law_words_are_probabilities, renormalised_badly),
        (law_filter_is_bayes, off_by_one),
        (law_filter_is_bayes, forgets_the_start),
        (law_beliefs_concatenate, off_by_one),
        (law_block_entropy_is_brute_force, lambda p, n: processes.block_entropy(p, n) * (1 + 1e-7)),
        (law_block_entropy_is_brute_force, lambda p, n: processes.h(p, n)),
        (law_h_falls_to_the_rate, lambda p, n: processes.h(p, n)[::-1]),
        (law_h_falls_to_the_rate, lambda p, n: processes.h(p, n) - 0.2),
        (law_bounds_enclose, lambda p, max_nodes: processes.Bounded(0.4, 0.41, 0.5)),
        (law_bounds_enclose, lambda p, max_nodes: processes.Bounded(0.1, 0.1, 0.1)),
        (
            law_excess_is_the_sum,
            lambda p, max_nodes: processes.Bounded(*[processes.excess_entropy(p) + 1e-6] * 3),
        ),
        (law_complexity_exceeds_excess, lambda p: processes.excess_entropy(p) - 1e-6),
        (law_states_have_no_names, swaps_without_start),
    ],
)
def test_a_planted_violation_is_caught(law, planted):
    process = named("golden_mean(p=0.3)")
    law(process)
    with pytest.raises(AssertionError):
        law(process, planted)


@pytest.mark.thorough
@pytest.mark.parametrize("member", MEMBERS)
def test_card(member):
    values = processes.card(named(member), n_ctx=6)
    json.dumps(values, allow_nan=False)
    low, high = values["entropy_rate_bounds"]
    assert low <= values["entropy_rate"] <= high and values["h"][-1] >= low - ROUNDING
    assert 1 <= values["minimal_dimension"] <= len(values["states"])
    assert (values["mixed_states"] is None) or (values["information_dimension"] is None)
    if values["excess_entropy"] is not None:
        assert values["excess_entropy_bounds"] == [values["excess_entropy"]] * 2
    if values["crypticity"] is not None:
        assert values["crypticity"] > -1e-9
    if values["synchronisation"] is not None:
        assert len(values["synchronisation"]) == 7


def test_wrong_requests():
    with pytest.raises(ProcessError, match="L >= 1"):
        processes.h(named("even"), 0)
    with pytest.raises(ProcessError, match="over 100 different beliefs"):
        list(itertools.islice(processes.belief_distributions(named("mess3"), max_beliefs=100), 9))
    with pytest.raises(ProcessError, match="no events"):
        next(processes.belief_distributions(bloch_walk(1.0, 3.0), state_known=True))


def test_divergence_is_kullback_and_leiblers_and_exact_when_small():
    p, q = np.random.default_rng(0).dirichlet(np.ones(4), (2, 20))
    p[:5, 1] = 0
    p /= p.sum(1, keepdims=True)
    direct = (p * np.log(np.where(p > 0, p, 1) / q)).sum(1)
    np.testing.assert_allclose(divergence(p, q), direct, rtol=1e-12)
    e = np.array([1e-4, 1e-7])
    half, near = np.full((2, 2), 0.5), np.stack([0.5 + e, 0.5 - e], 1)
    np.testing.assert_allclose(divergence(half, near), 2 * e**2, rtol=1e-7)  # -log(1 - 4 e^2) / 2
