"""Constraints, their load, the processes they condition, and protocols. The oracle is enumeration of all
words.
"""

import itertools
import math
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import all_words
from oracles.constraints import (
    BORNE,
    FAIR,
    FAR,
    PAIRS,
    READY,
    REFUSED,
    ROUNDING,
    constrained,
    escaping,
    longest,
    member_named,
    modest,
    operator,
    ready,
    satisfied,
    words_with_probability,
)

from processes import (
    ProcessError,
    belief_span,
    coin,
    ghmm,
    hmm,
    minimal_dimension,
    mixture,
    named,
    prefix_tree,
    probability,
    product,
)
from processes.constraints import (
    anything,
    at_most,
    at_most_in_a_row,
    automaton,
    bounded_depth,
    conditioned,
    conflicting_subset,
    conjunction,
    contradictions,
    escape,
    finite_load,
    forbidden_word,
    horizon,
    interaction,
    interactions,
    load,
    order,
    parity,
    period,
    phases,
    protocol,
    pulled_back,
    restricted,
    satisfiable,
)
from processes.constraints.strategies import automata
from processes.names.catalogue import CATALOGUE
from processes.strategies import hmms


def test_the_oracle_is_the_probability_of_words():
    for member in CATALOGUE:
        words, p = words_with_probability(member_named(member), 3)
        assert np.abs(p - [probability(member_named(member), w) for w in words]).max() <= 1e-12


# -- load
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("member", "constraint"), PAIRS)
def test_finite_load_by_enumeration(member, constraint):
    base = member_named(member)
    for n in (1, longest(base.vocab)):
        words, p = words_with_probability(base, n)
        mass = p[satisfied(constraint, base.vocab, n)].sum()
        assert finite_load(base, ready(constraint, base.vocab), n) == pytest.approx(
            -math.log(mass) if mass > 0 else math.inf, abs=ROUNDING
        )


@lru_cache
def long_load(member, constraint, n):
    base = member_named(member)
    return finite_load(base, ready(constraint, base.vocab), n)


def polynomial(member, constraint, rate, degree):
    """Size of the difference of order degree + 1 of P(satisfied at n) e^(n rate) over n = FAR, FAR + 60, ...,
    relative to the largest value.

    Zero, up to what is geometrically smaller, iff P = (polynomial of that degree) e^(-n rate): nothing is
    asymptotic in n.
    """
    q = np.exp([rate * n - long_load(member, constraint, n) for n in range(FAR, FAR + 60 * (degree + 2), 60)])
    return abs(np.diff(q, degree + 1)[0]) / q.max()


POLYNOMIAL = 1e-10
"""All periods here divide 60. Filtering leaves 1e-12 of rounding (1000 symbols x 1e-16 x ten entries) and
differences of order six 64 times that; what decays geometrically beside has vanished after FAR symbols.
"""


@pytest.mark.parametrize(("member", "constraint"), BORNE)
def test_load_is_the_rate_of_finite_loads(member, constraint):
    """P(satisfied at n) is a polynomial of degree `degree` times e^(-n load), at multiples of all periods."""
    base = member_named(member)
    C = ready(constraint, base.vocab)
    rate, degree = load(base, C), escaping(member, constraint).degree
    if math.isinf(rate):
        assert math.isinf(long_load(member, constraint, FAR))
        return
    assert polynomial(member, constraint, rate, degree) < POLYNOMIAL
    assert (
        polynomial(member, constraint, rate + 1e-6, degree) > 100 * POLYNOMIAL
    )  # a millionth of a nat is seen ...
    assert (
        degree == 0 or polynomial(member, constraint, rate, degree - 1) > 1e6 * POLYNOMIAL
    )  # ... and so is a degree too low


@pytest.mark.parametrize(("member", "constraint"), REFUSED)
def test_survival_beside_a_power_of_n_is_refused_for_signed_processes(member, constraint):
    base = member_named(member)
    C = ready(constraint, base.vocab)
    for refusing in (
        lambda: escape(operator(member, constraint)),
        lambda: load(base, C),
        lambda: conditioned(base, C),
    ):
        with pytest.raises(ProcessError, match="no semisimple positive eigenvalue") as caught:
            refusing()
        assert base.name in str(caught.value) and C.name in str(caught.value)
    # It is the degree that is in the way: at most two ones survive like n^2 times the radius of the operators
    # without the one.
    rate = -math.log(np.abs(np.linalg.eigvals(base.T.sum(0) - base.T[1])).max())
    assert polynomial(member, constraint, rate, 2) < POLYNOMIAL
    assert polynomial(member, constraint, rate, 1) > 1e-3


KNOWN = {
    "no 11 on fair coins": (FAIR, forbidden_word([1, 1], vocab=2), math.log(4 / (1 + math.sqrt(5)))),
    "never a one": (coin(p=0.3), at_most(0, 1, vocab=2), -math.log(0.3)),
    "three ones at most": (coin(p=0.3), at_most(3, 1, vocab=2), -math.log(0.3)),
    "odd blocks of five": (FAIR, parity(1, vocab=2, odd=True, period=5), math.log(2) / 5),
    "a path of four depths": (
        FAIR,
        bounded_depth(0, 1, vocab=2, depth=3, closed=False),
        -math.log(math.cos(math.pi / 5)),
    ),
    "repeat for ever": (FAIR, period(4, vocab=2), math.log(2)),
    "the golden mean never has 11": (named("golden_mean"), forbidden_word([1, 1], vocab=2), 0.0),
    "in phase, every checksum is even": (
        hmm(named("rrxor").T, np.eye(5)[0]),
        parity(1, vocab=2, odd=False, period=3),
        0.0,
    ),
    "zero-one-random has no 000": (named("zero_one_random"), forbidden_word([0, 0, 0], vocab=2), 0.0),
    "zero-one-random must emit zeros": (named("zero_one_random"), at_most(5, 0, vocab=2), math.inf),
}


@pytest.mark.parametrize("case", KNOWN)
def test_known_loads(case):
    base, C, expected = KNOWN[case]
    assert load(base, C) == pytest.approx(expected, abs=1e-12)


def test_the_dominating_reachable_class_counts():
    """On a base of two closed classes, never emitting 1 costs what the cheapest class that the start reaches
    asks.
    """
    cheap, dear, C = coin(p=0.9), coin(p=0.2), at_most(0, 1, vocab=2)
    one = {w: load(mixture([cheap, dear], [w, 1 - w]).process(), C) for w in (0.0, 1e-6, 1.0)}
    assert one == pytest.approx({0.0: -math.log(0.2), 1e-6: -math.log(0.9), 1.0: -math.log(0.9)}, abs=1e-14)
    whole = np.abs(np.linalg.eigvals(mixture([cheap, dear], [0.0, 1.0]).process().T[0])).max()
    assert abs(-math.log(whole) - one[0.0]) > 1  # the radius of the whole operator would be the wrong answer


def test_only_classes_that_can_still_end_well_count():
    """A free class that never reaches a final state does not make satisfaction cheap."""
    # 1 leads to a state where all is allowed but nothing final; 0 stays
    C = automaton(np.array([[0, 1], [1, 1]]), [], final=[0])
    assert load(coin(p=0.25), C) == pytest.approx(-math.log(0.25), abs=1e-14)
    assert finite_load(coin(p=0.25), C, 7) == pytest.approx(-7 * math.log(0.25), abs=1e-12)


@pytest.mark.parametrize("m", range(4))
def test_the_degree_of_survival(m):
    e = escape(restricted(coin(p=0.3), at_most(m, 1, vocab=2)))
    assert e.degree == m and e.radius == pytest.approx(0.3, abs=1e-15)


@modest
@given(st.data())
def test_laws_of_load(data):
    base, (A, B) = constrained(data)
    a, b, both = load(base, A), load(base, B), load(base, conjunction([A, B]))
    assert a >= 0 and b >= 0
    assert both >= max(a, b) - ROUNDING  # monotone
    assert load(base, conjunction([A, A])) == pytest.approx(a, abs=ROUNDING)  # idempotent
    assert load(base, conjunction([B, A])) == pytest.approx(both, abs=ROUNDING)
    assert load(base, conjunction([A, anything(base.vocab)])) == pytest.approx(a, abs=ROUNDING)
    assert load(base, anything(base.vocab)) == pytest.approx(0, abs=ROUNDING)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_independent_constraints_add(data):
    """A constraint on each of two independent, stationary factors without periods: loads add, and the
    interaction is zero.
    """
    parts = [data.draw(hmms(kind="dense", max_states=2, max_vocab=2)) for _ in range(2)]
    made = product(parts)
    lifted = [
        pulled_back(data.draw(automata(vocab=p.vocab, max_states=2)), made.digits[:, k])
        for k, p in enumerate(parts)
    ]
    joint = made.process()
    single = [load(joint, c) for c in lifted]
    n = 5
    finite = [finite_load(joint, c, n) for c in lifted]
    if math.isfinite(sum(finite)):
        assert finite_load(joint, conjunction(lifted), n) == pytest.approx(sum(finite), abs=ROUNDING)
    if math.isfinite(sum(single)) and not any(periodic(joint, c) for c in lifted):
        assert load(joint, conjunction(lifted)) == pytest.approx(sum(single), abs=1e-10)


def periodic(base, constraint):
    """Whether the constraint, on a base with all entries positive, has several eigenvalues of the largest
    modulus.
    """
    values = np.abs(np.linalg.eigvals(restricted(base, constraint).chain.toarray()))
    return (values > values.max() * (1 - 1e-6)).sum() > 1


def test_dependent_constraints_do_not_add():
    A, B = forbidden_word([1, 1], vocab=2), forbidden_word([0, 0], vocab=2)
    assert interaction(FAIR, A, B) > 0.1  # conflict: together they force alternation
    assert interaction(FAIR, A, at_most_in_a_row(2, 1, vocab=2)) == pytest.approx(
        -load(FAIR, at_most_in_a_row(2, 1, vocab=2)), abs=ROUNDING
    )
    odd, even = (parity(1, vocab=2, odd=flag, period=3) for flag in (True, False))
    assert interaction(FAIR, odd, even) == math.inf
    assert math.isnan(
        interaction(coin(p=1.0), at_most(0, 0, vocab=2), A)
    )  # no word of a coin without ones avoids zeros


def test_the_matrix_of_interactions():
    cs = [
        forbidden_word([1, 1], vocab=2),
        parity(1, vocab=2, odd=True, period=3),
        parity(1, vocab=2, odd=False, period=3),
        at_most(0, 1, vocab=2),
    ]
    matrix = interactions(FAIR, cs)
    for i, j in itertools.product(range(4), repeat=2):
        assert matrix[i, j] == pytest.approx(interaction(FAIR, cs[i], cs[j]), abs=ROUNDING)
    assert np.isinf(matrix[1, 2]) and np.isinf(matrix[1, 3]) and np.isfinite(matrix[2, 3])
    unsatisfiable = interactions(coin(p=1.0), [at_most(0, 0, vocab=2), cs[0]])
    assert np.isnan(unsatisfiable[0]).all() and unsatisfiable[1, 1] == 0


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_conflicting_subsets_are_minimal(data):
    base, cs = constrained(data, 4)
    found = conflicting_subset(base, cs)
    assert bool(found) != satisfiable(base, cs)
    for k in found:
        rest = [cs[j] for j in found if j != k]
        assert not rest or satisfiable(base, rest)
    if found:
        assert not satisfiable(base, [cs[j] for j in found])
        assert found in contradictions(base, cs)


@pytest.mark.thorough
def test_a_conflict_of_three_is_found_among_five():
    cs = [
        order(0, 1, vocab=2),
        phases([[0, 1], [0], [0, 1]], vocab=2),
        at_most_in_a_row(2, 1, vocab=2),
        phases([[0], [0, 1], [0, 1]], vocab=2),
        parity(1, vocab=2, odd=True, period=3),
    ]
    cs.append(phases([[0, 1], [0, 1], [0]], vocab=2))
    assert conflicting_subset(FAIR, cs) == (1, 3, 4, 5)  # no ones anywhere, but an odd number of them
    assert contradictions(FAIR, cs) == (
        (0, 1, 4, 5),
        (1, 3, 4, 5),
    )  # in the first block the order, too, forbids the first one
    assert conflicting_subset(FAIR, cs[:5]) == ()


# -- generalised hidden Markov models
# ----------------------------------------------------------------------------------------------


def skewed(process, seed=0):
    """The same word distribution in mixed coordinates, where entries are signed."""
    G = np.linalg.qr(np.random.default_rng(seed).normal(size=(process.n_states,) * 2))[0] + 0.1 * np.eye(
        process.n_states
    )
    inverse = np.linalg.inv(G)
    made = ghmm(inverse @ process.T @ G)
    return made


@pytest.mark.parametrize("member", ["mess3", "nemo", "golden_mean", "random_insertion"])
@pytest.mark.parametrize("constraint", ["forbidden short", "at most in a row"])
def test_generalised_processes_bear_the_same_load(member, constraint):
    base = named(member)
    C, twin = READY[constraint][0](base.vocab), skewed(base)
    if member == "golden_mean" and constraint == "forbidden short":
        assert load(twin, C) == pytest.approx(0, abs=1e-9)
        return
    assert twin.kind == "ghmm" and (twin.T < 0).any()
    assert load(twin, C) == pytest.approx(load(base, C), abs=1e-9)
    assert finite_load(twin, C, 9) == pytest.approx(finite_load(base, C, 9), abs=1e-10)
    made, expected = conditioned(twin, C), conditioned(base, C)
    words = all_words(base.vocab, 4)
    assert np.allclose(
        [probability(made, w) for w in words], [probability(expected, w) for w in words], rtol=0, atol=1e-9
    )
    assert np.allclose(
        horizon(twin, C, 6).log_probability(words[:1]),
        horizon(base, C, 6).log_probability(words[:1]),
        atol=1e-9,
    )


def test_generalised_processes_without_the_formula_are_refused():
    with pytest.raises(ProcessError, match="no semisimple positive eigenvalue"):
        load(skewed(named("nemo")), at_most(2, 1, vocab=2))
    with pytest.raises(ProcessError, match="an HMM"):
        protocol(skewed(named("nemo")), [anything(2)], {(): 1.0})


# -- memory
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", CATALOGUE)
def test_belief_span_by_enumeration(member):
    process = named(member)
    beliefs = prefix_tree(process, 8 if process.vocab == 2 else 6).belief
    values = np.linalg.svd(beliefs, compute_uv=False)
    assert len(belief_span(process)) == (values > 1e-9 * values[0]).sum()
    assert minimal_dimension(process) <= len(belief_span(process))
