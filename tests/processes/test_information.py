"""Entropies and filtering: brute force over hidden paths, laws x members, and printed values."""

import itertools
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from oracles import all_words, by_paths

import processes
from processes import CATALOGUE, Process, ProcessError, entropy, ghmm, hmm, strategies
from processes.information.bounds import sandwich
from processes.information.forgetting import forgotten_rate_gap

MEMBERS = [f"{name}:{published}" for name, entry in CATALOGUE.items() for published in entry.published]
REFERENCE = json.loads((Path(__file__).parents[1] / "reference_values.json").read_text())["cases"]
# float64 with entries of order one and words of a few symbols: 1e-16 a step, 1e-13 where GHMMs cancel, with
# room
ROUNDING = 1e-10
named = cache(
    processes.named
)  # one object a name: quantities remember the mixed states of the objects they have seen
some = settings(max_examples=6, deadline=None, derandomize=True)


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


@by_law
@pytest.mark.parametrize("member", MEMBERS)
def test_law_on_member(law, member):
    law(named(member))


@by_law
@some
@given(process=strategies.hmms(max_states=3))
def test_law_on_random_hmms(law, process):
    law(process)


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


# Printed values.

BITS = 1 / np.log(2)
# entropy rate, C_mu, E in bits (six printed digits); Markov order; transient, recurrent mixed states;
# transient modulus
EXACT = {
    "golden_mean": (0.666667, 0.918296, 0.251629, 1, 1, 2, 0),
    "even": (0.666667, 0.918296, 0.918296, np.inf, 2, 2, 0.5**0.5),
    "zero_one_random": (0.333333, 1.584963, 1.584963, 3, 4, 3, 0),
    "rrxor": (0.666667, 2.251629, 2.251629, np.inf, 31, 5, 2 ** (-1 / 3)),
    "nemo": (0.75, 1.5, 0.581704, np.inf, 3, 3, 4 ** (-1 / 3)),
    "random_insertion": (0.6, 1.521928, 1.246439, np.inf, 6, 3, 0.5**0.5),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact_values(name):
    rate, complexity, excess, order, transient, recurrent, modulus = EXACT[name]
    p = named(name)
    ms = processes.mixed_states(p)
    assert processes.entropy_rate(p).value * BITS == pytest.approx(rate, abs=5.1e-7)
    assert processes.statistical_complexity(p) * BITS == pytest.approx(complexity, abs=5.1e-7)
    assert processes.excess_entropy(p) * BITS == pytest.approx(excess, abs=5.1e-7)
    assert processes.crypticity(p) * BITS == pytest.approx(complexity - excess, abs=1.1e-6)
    assert processes.markov_order(p) == order
    assert ((~ms.recurrent).sum(), ms.recurrent.sum()) == (transient, recurrent)
    assert ms.transient_modulus == pytest.approx(modulus, abs=1e-12)


@pytest.mark.parametrize(
    "name, bits", [("sns", 0.677867), ("mess3:shai2024", 1.144718), ("mess3:piotrowski2025", 1.570934)]
)
def test_rates_of_infinite_sets(name, bits):
    rate = processes.entropy_rate(named(name))
    assert rate.lower * BITS - 5.1e-7 <= bits <= rate.upper * BITS + 5.1e-7
    assert rate.upper - rate.lower < 3e-6
    assert processes.excess_entropy(named(name)) is processes.statistical_complexity(named(name)) is None


@pytest.mark.parametrize(
    "name, floor",
    [("mess3:shai2024", 0.802512), ("mess3:piotrowski2025", 1.089171), ("rrxor", 0.578185), ("even",
    0.506864), ("sns", 0.470820),
     ("nemo", 0.545793), ("random_insertion", 0.480697)],
)  # fmt: skip
def test_loss_floors(name, floor):
    assert processes.floor_by_position(named(name), 10).mean() == pytest.approx(floor, abs=5.1e-7)


def fanizza(alpha: float, lam: float) -> Process:
    c, s = np.cos(alpha), np.sin(alpha)
    D = 1 - 2 * lam * c + lam**2
    A, B = (1 - lam * c + lam * s) / D, (1 - lam * c - lam * s) / D
    p0 = [1 - (2 / (1 - lam) - A - B) / 4, 1 / (2 * (1 - lam)), -A / 4, -B / 4]
    w0 = [1, 1 - lam, 1 + lam * (s - c), 1 - lam * (s + c)]
    T1 = np.zeros((4, 4))
    T1[1, 1], T1[2:, 2:] = 1, [[c, -s], [s, c]]
    return ghmm([np.outer(w0, p0), lam * T1], name="fanizza")


def bloch_walk(a: float, b: float) -> Process:
    g, d = 1 / (4 * (a * a + b * b)), 0.25
    m, o = (a * a - b * b) * g, 2 * a * b * g
    T = [[[[d, 0, o], [0, m, 0], [o, 0, d]], [[d, o, 0], [o, d, 0], [0, 0, m]]][axis] for axis in (0, 1)]
    flipped = [np.where(np.eye(3) == 1, t, -np.array(t)) for t in T]
    return ghmm([T[0], flipped[0], T[1], flipped[1]], name="bloch walk")


CASES = {
    "mess3(x=0.05,a=0.85)": lambda: named("mess3(x=0.05, a=0.85)"),
    "mess3(x=0.15,a=0.6)": lambda: named("mess3(x=0.15, a=0.6)"),
    "zero_one_random(p=0.5)": lambda: named("zero_one_random"),
    "rrxor(0.5,0.5)": lambda: named("rrxor"),
    "no_consecutive_ones(p=0.5)": lambda: named("golden_mean"),
    "even_ones(p=0.5)": lambda: named("even"),
    "sns(p=0.5,q=0.5)": lambda: named("sns"),
    "fanizza(alpha=2000,lamb=0.49)": lambda: fanizza(2000.0, 0.49),
    "post_quantum(log_alpha=1,beta=0.5)": lambda: strategies._moon(np.e, 0.5),
    "tom_quantum(1,3)": lambda: bloch_walk(1.0, 3.0),
}


@pytest.mark.parametrize("case", REFERENCE)
def test_reference_values(case):
    p, known = CASES[case](), REFERENCE[case]
    np.testing.assert_allclose(p.start / p.start.sum(), known["pi"], atol=1e-9, rtol=0)
    np.testing.assert_allclose(p.w / p.w.sum() * p.n_states, known["w"], atol=1e-9, rtol=0)
    for word, probability in known["word_probs"].items():
        assert processes.probability(p, [int(x) for x in word]) == pytest.approx(probability, abs=1e-12)
    np.testing.assert_allclose(processes.h(p, len(known["h"])), known["h"], atol=1e-12, rtol=0)


# Bounds where mixed states are infinite.


@cache
def truth(name: str) -> processes.Bounded:
    return processes.entropy_rate(named(name))


@pytest.mark.parametrize("name", ["sns", "mess3:shai2024", "mess3:piotrowski2025"])
@pytest.mark.parametrize("kind", ["hmm", "ghmm"])
def test_bounds_hold_at_every_budget(name, kind):
    p = named(name)
    if kind == "ghmm":
        p = processes.similar(
            p, np.eye(p.n_states) * 3 + np.arange(p.n_states**2).reshape(p.n_states, -1) % 3
        )
    widths = []
    for budget in (30, 300, 3000, 30000):
        rate = processes.bounded_rate(p, budget)
        assert rate.lower <= truth(name).upper + 1e-12 and truth(name).lower <= rate.upper + 1e-12
        widths.append(rate.upper - rate.lower)
    assert widths == sorted(widths, reverse=True) and widths[-1] < 0.15 * widths[0]


@some
@given(strategies.ghmms(max_states=3))
def test_what_a_ghmm_forgets(process):
    # h is unknown here, but h(L) - h >= h(L) - h(L') for every L' > L.
    gap, h = forgotten_rate_gap(process, 5, 10_000), processes.h(process, 7)
    n = min(5, len(gap))
    assert (gap[:n] >= h[:n] - h[6] - 1e-9).all()


def test_a_gap_without_what_was_forgotten_would_be_caught():
    h, gap = processes.h(bloch_walk(1.0, 3.0), 7), forgotten_rate_gap(bloch_walk(1.0, 3.0), 5, 10_000)
    assert not (0.02 * gap >= h[:5] - h[6]).all()


def test_renewal_ghmm_is_known_to_ten_digits():
    rate = processes.entropy_rate(fanizza(2000.0, 0.49))
    assert rate.upper - rate.lower < 1e-10


@pytest.mark.parametrize("name", ["sns", "mess3:shai2024", "mess3:piotrowski2025"])
def test_excess_entropy_bounds_nest(name):
    p, budgets = named(name), (300, 3000, 30000)
    found = [processes.excess_entropy_bounds(p, max_nodes=n) for n in budgets]
    for wide, narrow in itertools.pairwise(found):
        assert wide.lower <= narrow.lower + 1e-12 and narrow.upper <= wide.upper + 1e-12
    exact = processes.block_entropy(p, 11)[-1] - 11 * truth(name).value  # H(L) - L h rises to E
    assert found[-1].lower - 1e-4 < exact < found[-1].upper + 11 * truth(name).error


@pytest.mark.parametrize("name", ["even", "rrxor", "nemo", "random_insertion"])
def test_excess_bounds_enclose_the_exact_value(name):
    p = named(name)
    for budget in (50, 500, 5000):
        bound = processes.bounded_excess(p, budget)
        assert bound.lower - 1e-12 <= processes.excess_entropy(p) <= bound.upper + 1e-12
    both = sandwich(p, 5000)
    few = processes.information.bounds.Sandwich(
        both.h[:4], both.h_given_state[:4], np.zeros(4)
    )  # planted: as if after L symbols the past told nothing
    assert few.excess(processes.entropy_rate(p)).upper < processes.excess_entropy(p)


def test_a_mixture_has_the_mean_rate():
    T = np.zeros((2, 5, 5))
    T[:, 0, 0] = 0.9, 0.1
    T[:, 1, 1] = 0.5, 0.5
    T[:, 2:4, 2:4] = named("sns").T
    T[:, 4, 0] = T[:, 4, 2] = 0.25  # a transient state that leads to two components
    mixed = hmm(T, [0.2, 0.3, 0, 0, 0.5])
    coins = float(entropy(np.array([0.9, 0.1])))
    rate = processes.entropy_rate(mixed)
    assert rate.value == pytest.approx(
        (0.2 + 0.25) * coins + 0.3 * np.log(2) + 0.25 * truth("sns").value, abs=1e-12
    )
    with pytest.raises(ProcessError, match="stationary"):
        processes.bounded_rate(mixed, 1000)


def test_hidden_detail_without_consequence_is_ignored():
    # Two states with one future: beliefs wander for ever, the process is a coin.
    T = np.array([[[0.3, 0.2], [0.1, 0.4]], [[0.15, 0.35], [0.45, 0.05]]])
    p = hmm(T)
    assert processes.mixed_states(p) is None
    assert processes.statistical_complexity(p) == pytest.approx(0, abs=1e-12)
    assert processes.entropy_rate(p).value == pytest.approx(np.log(2), abs=1e-12)
    assert processes.markov_order(p) == 0


def test_faint_memory_is_not_rounded_away():
    # Two ones never follow each other; the state that says so has probability 2e-9.
    p = hmm([[[1 - 1e-9, 1e-9], [0, 0.5]], [[0, 0], [0.5, 0]]])
    assert processes.structure.machine.finite_machine(p) is None
    rate = processes.entropy_rate(p)
    assert 0 < rate.lower <= rate.upper < 2.2e-8
    assert (
        processes.statistical_complexity(p) is None
    )  # not 0, which is the complexity of independent symbols


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


def test_merging_keeps_long_words_cheap():
    widest = {
        n: max(len(law) for law in itertools.islice(processes.belief_distributions(named(n)), 60))
        for n in ("even", "rrxor", "nemo", "sns")
    }
    assert max(widest.values()) <= 62


def test_wrong_requests():
    with pytest.raises(ProcessError, match="L >= 1"):
        processes.h(named("even"), 0)
    with pytest.raises(ProcessError, match="over 100 different beliefs"):
        list(itertools.islice(processes.belief_distributions(named("mess3"), max_beliefs=100), 9))
    with pytest.raises(ProcessError, match="no events"):
        next(processes.belief_distributions(bloch_walk(1.0, 3.0), state_known=True))
