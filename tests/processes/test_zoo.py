"""Every process of the literature against printed and independently computed values, and against its own
definition.
"""

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import processes as P
from processes import CATALOGUE, ProcessError, named

REFERENCE = json.loads((Path(__file__).parents[1] / "reference_values.json").read_text())["cases"]
OURS = {
    "mess3(x=0.05,a=0.85)": "mess3(x=.05, a=.85)",
    "mess3(x=0.15,a=0.6)": "mess3(x=.15, a=.6)",
    "zero_one_random(p=0.5)": "zero_one_random",
    "rrxor(0.5,0.5)": "rrxor",
    "no_consecutive_ones(p=0.5)": "golden_mean",
    "even_ones(p=0.5)": "even",
    "sns(p=0.5,q=0.5)": "sns",
    "fanizza(alpha=2000,lamb=0.49)": "fanizza",
    "post_quantum(log_alpha=1,beta=0.5)": f"moon(alpha={math.e!r}, beta=.5)",
    "tom_quantum(1,3)": "bloch_walk",
}
SETS = [f"{name}:{label}" for name, entry in CATALOGUE.items() for label in entry.published]
GHMMS = ["fanizza", "moon", "bloch_walk", "quantum_rrxor"]
ROUNDING = 1e-12  # a few thousand float64 roundings of numbers near 1


def word_distribution(process, length):
    """P(word) of all words of a length, by the definition: start T[x1] ... T[xn] w."""
    return np.array(
        [P.probability(process, word) for word in itertools.product(range(process.vocab), repeat=length)]
    )


def hand_h(process, order):
    """h(1..order) from block entropies of all words, without trees, filters or mixed states."""
    blocks = [0.0]
    for length in range(1, order + 1):
        p = word_distribution(process, length)
        p = p[p > 1e-15]
        blocks.append(float(-(p * np.log(p)).sum()))
    return np.diff(blocks)


@pytest.mark.parametrize("case", REFERENCE)
def test_reference_values(case):
    process, known = named(OURS[case]), REFERENCE[case]
    for word, p in known["word_probs"].items():
        assert P.probability(process, [int(x) for x in word]) == pytest.approx(p, abs=ROUNDING)
    start = process.start / process.start.sum()  # the reference has sum(pi) = 1, we have start . w = 1
    np.testing.assert_allclose(start, known["pi"], atol=ROUNDING)
    np.testing.assert_allclose(process.w, known["w"], atol=ROUNDING)
    np.testing.assert_allclose(
        P.h(process, len(known["h"])), known["h"], atol=1e-10
    )  # 4^8 terms of -p log p in the longest sum
    moduli = np.sort(np.abs(np.linalg.eigvals(process.T.sum(0))))[::-1]
    if (
        process.kind == "ghmm" or "mess3" in case
    ):  # elsewhere the reference lists repeated roots, which eigvals knows to 1e-8 only
        np.testing.assert_allclose(moduli, known["eig_abs_sorted"], atol=1e-9)


def test_reference_values_can_fail():
    """A process that differs in the sixth digit of one parameter is told apart."""
    close, known = named("fanizza(alpha=2000, lam=.490001)"), REFERENCE["fanizza(alpha=2000,lamb=0.49)"]
    assert abs(P.probability(close, [1, 0]) - known["word_probs"]["10"]) > 1e3 * ROUNDING


@pytest.mark.parametrize("spec", SETS)
def test_words_are_a_distribution(spec):
    """Words of each length have probabilities that sum to one and agree with their continuations."""
    process = named(spec)
    assert process.is_stationary
    for length in (1, 2, 3):
        p = word_distribution(process, length)
        assert p.min() > -ROUNDING and p.sum() == pytest.approx(1, abs=ROUNDING)
        shorter = word_distribution(process, length - 1)
        np.testing.assert_allclose(p.reshape(-1, process.vocab).sum(1), shorter, atol=ROUNDING)
        np.testing.assert_allclose(p.reshape(process.vocab, -1).sum(0), shorter, atol=ROUNDING)  # stationary


@pytest.mark.thorough
@pytest.mark.parametrize("spec", SETS)
def test_h_tree_and_filter_agree_with_the_definition(spec):
    process = named(spec)
    np.testing.assert_allclose(P.h(process, 5), hand_h(process, 5), atol=1e-11)
    tree = P.prefix_tree(process, 4)
    assert np.isfinite(tree.belief).all() and np.isfinite(P.entropy(tree.next_token)).all()
    np.testing.assert_allclose(tree.belief @ process.w, 1, atol=ROUNDING)
    last = tree.level(4)
    filtered = P.filter(process, tree.words[last])
    np.testing.assert_allclose(filtered.belief[:, -1], tree.belief[last], atol=ROUNDING)
    np.testing.assert_allclose(np.exp(filtered.log_probability[:, -1]), tree.probability[last], atol=ROUNDING)
    for word, p in zip(tree.words[last], tree.probability[last], strict=True):
        assert p == pytest.approx(P.probability(process, word), abs=ROUNDING)
    assert tree.probability[last].sum() == pytest.approx(1, abs=1e-11)  # pruned words have no mass


@given(x=st.floats(0.01, 0.4), a=st.floats(0, 1), s=st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_mess(x, a, s):
    x = min(x, 1 / (s - 1))
    process = P.mess(x=x, a=a, s=s)
    # The definition, entry by entry.
    for k, i, j in itertools.product(range(s), repeat=3):
        move = 1 - (s - 1) * x if i == j else x
        assert process.T[k, i, j] == pytest.approx(move * (a if j == k else (1 - a) / (s - 1)), abs=1e-15)
    eigenvalues = np.sort(np.linalg.eigvalsh(process.T.sum(0)))
    np.testing.assert_allclose(np.sort(eigenvalues), np.sort([1 - s * x] * (s - 1) + [1]), atol=ROUNDING)
    if s == 3:
        np.testing.assert_array_equal(P.mess3(x=x, a=a).T, process.T)


parts = st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=2).filter(any), min_size=1, max_size=4)


@given(parts)
@settings(max_examples=25, deadline=None)
def test_checksum_distribution(rows):
    distribution = np.array(rows, float)
    distribution /= distribution.sum(1, keepdims=True)
    n, m = distribution.shape
    process = P.checksum(P=distribution.tolist())
    expected = [1 / (n + 1)]
    residue = np.eye(m)[0]
    for p in distribution:  # distribution of the partial sum modulo 2, by circular convolution
        residue = np.array([sum(residue[r - x] * p[x] for x in range(m)) for r in range(m)])
        expected.extend(residue / (n + 1))
    np.testing.assert_allclose(process.start, expected, atol=ROUNDING)
    word = np.concatenate(
        [[0], np.ones(n, int), [n % m]]
    )  # not a codeword boundary: only the definition decides
    paths = _checksum_by_enumeration(distribution, word)
    assert P.probability(process, word) == pytest.approx(paths, abs=ROUNDING)


@pytest.mark.thorough
@given(parts)
@settings(max_examples=6, deadline=None)  # up to a second each: the mixed states of some are infinite
def test_checksum_rate(rows):
    distribution = np.array(rows, float)
    distribution /= distribution.sum(1, keepdims=True)
    n = len(distribution)
    rate = P.entropy_rate(P.checksum(P=distribution.tolist()))
    exact = float(P.entropy(distribution).sum() / (n + 1))
    assert rate.lower - 1e-9 <= exact <= rate.upper + 1e-9


def _checksum_by_enumeration(distribution, word):
    """P(word) by summing over the phase at which it starts and over all symbols of the block it starts in."""
    n, m = distribution.shape
    total = 0.0
    for phase in range(n + 1):
        blocks = math.ceil((phase + len(word)) / (n + 1))
        read = {
            phase + t: int(x) for t, x in enumerate(word)
        }  # position in the stream: symbol; only the others are free
        choices = [
            [read[t]] if (t := b * (n + 1) + i) in read else range(m) for b in range(blocks) for i in range(n)
        ]
        for free in itertools.product(*choices):
            stream = [
                x for b in range(blocks) for x in (*free[b * n : b * n + n], sum(free[b * n : b * n + n]) % m)
            ]
            if list(word) == stream[phase : phase + len(word)]:
                total += math.prod(distribution[k % n, x] for k, x in enumerate(free)) / (n + 1)
    return total


def test_checksum_is_rrxor():
    swapped = P.permuted(named("rrxor"), [0, 1, 2, 4, 3])
    ours = named("checksum(P=[[.5,.5],[.5,.5]])")
    np.testing.assert_array_equal(ours.T, swapped.T)
    assert not np.array_equal(ours.T, named("rrxor").T)  # the exchange matters


def test_matching_parens():
    process = named("matching_parens(open=[1, .5, .5])")
    assert process.n_states == 4
    np.testing.assert_allclose(process.start, np.array([1, 2, 2, 1]) / 6, atol=ROUNDING)
    rate = P.entropy_rate(process)
    assert (
        rate.lower - ROUNDING <= 2 / 3 * math.log(2) <= rate.upper + ROUNDING
    )  # a fair choice in the two inner states, whose mass is 4/6
    from_empty = replace(process, start=np.eye(4)[0])
    for length in (2, 4, 6):
        for word in itertools.product((0, 1), repeat=length):
            depth = np.cumsum([1 if x == 0 else -1 for x in word])
            legal = depth.min() >= 0 and depth.max() <= 3
            assert (P.probability(from_empty, word) > 0) == legal


@given(n=st.integers(3, 8), p=st.floats(0.05, 0.95))
@settings(max_examples=15, deadline=None)
def test_cycle(n, p):
    process = P.cycle(n=n, p=p)
    np.testing.assert_allclose(process.start, 1 / n, atol=ROUNDING)
    assert P.probability(process, [0, 1, 0, n - 1]) == pytest.approx(p * (1 - p) * (1 - p) / n, abs=ROUNDING)
    assert P.probability(process, [0, 2]) == (pytest.approx((1 - p) / n) if n == 3 else 0)
    assert P.entropy_rate(process).value == pytest.approx(
        -p * math.log(p) - (1 - p) * math.log(1 - p), abs=1e-11
    )
    assert P.markov_order(process) == 1


def test_cycle_of_one_and_two():
    assert P.probability(P.cycle(n=1, p=0.3), [0, 0, 0]) == 1
    assert P.probability(P.cycle(n=2, p=0.3), [0, 1, 0]) == pytest.approx(0.5)


@given(alpha=st.floats(0.1, 3), lam=st.floats(0.05, 0.45))
@settings(max_examples=25, deadline=None)
def test_fanizza_is_a_renewal_process(alpha, lam):
    process = P.fanizza(alpha=alpha, lam=lam)
    np.testing.assert_allclose(process.T.sum((0, 2)), 1, atol=ROUNDING)
    assert np.linalg.matrix_rank(process.T[0]) == 1
    # After a zero nothing else matters: P(u0v) = P(u0) P(v | 0).
    u, v = [1, 1, 0], [1, 0, 1]
    after_zero = P.probability(process, [0, *v]) / P.probability(process, [0])
    assert P.probability(process, [*u, *v]) == pytest.approx(
        P.probability(process, u) * after_zero, abs=ROUNDING
    )
    # P(a run of n ones or more follows a zero) = lam^n p0 . (0, 1, R^n 1), for n >= 1, in closed form.
    p0 = process.T[0][0]
    for n in (1, 2, 5):
        c, s = math.cos(n * alpha), math.sin(n * alpha)
        formula = lam**n * (p0[1] + p0[2] * (c - s) + p0[3] * (s + c))
        run = P.probability(process, [0] + [1] * n) / P.probability(process, [0])
        assert run == pytest.approx(formula, abs=ROUNDING)


def test_moon_never_emits_two_zeros_and_its_other_symbols_commute():
    process = named("moon")
    assert abs(P.probability(process, [0, 0])) < ROUNDING
    assert 0 not in P.prefix_tree(process, 2).words[P.prefix_tree(process, 2).level(2)].sum(
        1
    )  # the word 00 is pruned
    assert P.probability(process, [1, 1, 2, 0, 1]) == pytest.approx(
        P.probability(process, [2, 1, 1, 0, 1]), abs=ROUNDING
    )
    with pytest.raises(ProcessError, match="alpha > 1 > beta"):
        P.moon(alpha=0.9, beta=0.5)


@given(a=st.floats(0.1, 5), b=st.floats(0.1, 5))
@settings(max_examples=20, deadline=None)
def test_bloch_walk_is_a_quantum_instrument(a, b):
    """Beliefs stay in the unit disc, the first symbol is uniform, and the sum is a contraction towards the
    centre.
    """
    process = P.bloch_walk(a=a, b=b)
    np.testing.assert_allclose(word_distribution(process, 1), 0.25, atol=ROUNDING)
    bloch = P.prefix_tree(process, 4).belief * 3  # gauge: w = [3, 0, 0]
    assert (np.hypot(bloch[:, 1], bloch[:, 2]) <= bloch[:, 0] + ROUNDING).all()


@given(phi=st.floats(0.1, 3.1), theta=st.sampled_from([0.0, math.pi]))
@settings(max_examples=20, deadline=None)
def test_sharp_quantum_rrxor_is_a_markov_source(phi, theta):
    quantum, classical = P.quantum_rrxor(phi=phi, theta=theta), P.mess(x=math.sin(phi / 2) ** 2, a=1.0, s=2)
    np.testing.assert_allclose(word_distribution(quantum, 5), word_distribution(classical, 5), atol=ROUNDING)


@given(phi=st.floats(0.1, 3.1))
@settings(max_examples=20, deadline=None)
def test_blind_quantum_rrxor_is_a_fair_coin(phi):
    np.testing.assert_allclose(
        word_distribution(P.quantum_rrxor(phi=phi, theta=math.pi / 2), 5), 1 / 32, atol=ROUNDING
    )


def test_quantum_rrxor_in_between_is_neither():
    distribution = word_distribution(P.quantum_rrxor(phi=1.0, theta=0.8), 2)
    assert np.abs(distribution - 0.25).max() > 0.01
    assert np.abs(distribution - word_distribution(P.mess(x=math.sin(0.5) ** 2, a=1.0, s=2), 2)).max() > 0.01


@pytest.mark.parametrize("phi", [0.0, 2 * math.pi])
def test_an_unturned_qubit_is_refused(phi):
    with pytest.raises(ProcessError, match="multiples of 2 pi"):
        P.quantum_rrxor(phi=phi, theta=0.3)


@pytest.mark.parametrize("spec", ["rrxor", "mess3", "nemo", "fanizza", "bloch_walk", "moon"])
@pytest.mark.parametrize("epsilon", [0.0, 0.01, 0.5, 1.0])
def test_leak(spec, epsilon):
    process = named(spec)
    leaky = P.leak(process, epsilon)
    np.testing.assert_allclose(leaky.w, process.w, atol=ROUNDING)
    assert leaky.is_stationary
    distribution, V = word_distribution(leaky, 3), process.vocab
    # By cases: at each symbol the memory is lost (uniform symbol, fresh start) or not.
    expected = np.zeros(V**3)
    for lost in itertools.product((False, True), repeat=3):
        weight = math.prod(epsilon if gone else 1 - epsilon for gone in lost)
        for n, word in enumerate(itertools.product(range(V), repeat=3)):
            p, kept = 1.0, []
            for x, gone in zip(word, lost, strict=True):
                if gone:
                    p, kept = p * P.probability(process, kept) / V, []
                else:
                    kept.append(x)
            expected[n] += weight * p * P.probability(process, kept)
    np.testing.assert_allclose(distribution, expected, atol=ROUNDING)
    if epsilon:
        assert distribution.min() > 0


def test_leak_refuses_what_is_no_probability():
    with pytest.raises(ProcessError, match=r"epsilon = 1\.5"):
        P.leak(named("rrxor"), 1.5)


# What a signed process may not do in silence


def negative_later():
    """A generalised HMM whose words of up to six symbols have positive probability and some longer one has
    not.
    """
    good = named("fanizza")
    T = good.T.copy()
    return replace(good, T=np.stack([T[0] + 1.5 * T[1], -0.5 * T[1]]), name="broken")


@pytest.mark.parametrize(
    "look", [lambda p: P.prefix_tree(p, 3), lambda p: P.h(p, 3), lambda p: P.filter(p, np.array([[0, 1, 1]]))]
)
def test_negative_probabilities_are_errors(look):
    with pytest.raises(ProcessError, match="conditional probability of -"):
        look(negative_later())


@pytest.mark.parametrize("spec", GHMMS)
def test_impossible_words_of_signed_processes_are_errors(spec):
    process = named(spec)
    dead = replace(
        process, T=np.concatenate([process.T, np.zeros_like(process.T[:1])])
    )  # a symbol that never comes
    with pytest.raises(ProcessError, match="probability zero"):
        P.filter(dead, np.array([0, 1, process.vocab, 1]))
    assert (P.prefix_tree(dead, 3).words < process.vocab).all()
    np.testing.assert_allclose(P.h(dead, 3), P.h(process, 3), atol=ROUNDING)


# Names


@pytest.mark.parametrize("spec", SETS)
def test_the_written_parameters_of_a_published_set_mean_the_same(spec):
    name, label = spec.split(":")
    summary = CATALOGUE[name].summary
    assert summary.endswith(".") and len(summary) > 40 and "\n" not in summary
    assert summary in " ".join(CATALOGUE[name].build.__doc__.split())
    parameters = ", ".join(f"{k}={v!r}" for k, v in CATALOGUE[name].published[label].items())
    np.testing.assert_array_equal(named(f"{name}({parameters})").T, named(spec).T)
    assert set(CATALOGUE[name].sets) == set(CATALOGUE[name].published)


def test_lists_tuples_and_integers():
    assert named("matching_parens(open=(1, .5))").n_states == 3
    assert named("checksum(P=([1, 0], (0.5, 0.5)))").n_states == 5
    assert named("mess(x=1, a=1, s=2)").n_states == 2
    assert named("cycle(n=4, p=.5)").vocab == 4


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("cycle(n=2.5, p=.5)", "parameter n of cycle is 2.5; it must be a whole number"),
        ("cycle(n=[2], p=.5)", "must be a number"),
        ("cycle(n=0, p=.5)", "at least 1"),
        ("mess(x=.1, a=.5, s=1)", "at least 2"),
        ("mess(x=.9, a=.5, s=3)", "cannot be negative"),
        ("matching_parens(open=.5)", "must be a list"),
        ("matching_parens(open=[.5, .5])", "must begin with 1"),
        ("matching_parens(open=[])", "must begin with 1"),
        ("checksum(P=[.5, .5])", "must be a list"),
        ("checksum(P=[[.5, .5], [1]])", "rectangular array of numbers"),
        ("checksum(P=[[.5, .6]])", "row 0 of P sums to 1.1"),
        ("coin(p='a')", "must be a number"),
        ("coin(p=True)", "must be a number"),
        ("coin(p=x)", "cannot read"),
        ("coin(p=1j)", "must be a number"),
    ],
)
def test_wrong_parameters_are_one_sentence(spec, complaint):
    with pytest.raises(ProcessError, match=complaint.replace("[", r"\[")) as caught:
        named(spec)
    assert "\n" not in str(caught.value)
