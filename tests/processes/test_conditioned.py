"""Conditioned processes: enumeration at a horizon, and the limit of horizons."""

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
    ROUNDING,
    constrained,
    escaping,
    longest,
    member_named,
    operator,
    ready,
    satisfied,
    words_with_probability,
)

from processes import (
    ProcessError,
    coin,
    filter,
    hmm,
    mixture,
    named,
    prefix_tree,
    probability,
)
from processes.constraints import (
    accepts,
    anything,
    at_most,
    conditioned,
    conjunction,
    finite_load,
    forbidden_word,
    horizon,
    load,
    restricted,
    runs,
)
from processes.names.catalogue import CATALOGUE


@lru_cache
def given_for_ever(member, constraint):
    base = member_named(member)
    return conditioned(base, ready(constraint, base.vocab))


# -- conditioned processes
# ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("member", "constraint"), PAIRS)
def test_conditioning_at_a_horizon_by_enumeration(member, constraint):
    """P(prefix | satisfied at n) = restricted and renormalised base distribution, at every prefix length."""
    base = member_named(member)
    C, n = ready(constraint, base.vocab), longest(base.vocab)
    words, p = words_with_probability(base, n)
    p = p * satisfied(constraint, base.vocab, n)
    if p.sum() == 0:
        with pytest.raises(ProcessError, match=f"no word of length {n}"):
            horizon(base, C, n)
        return
    p = p / p.sum()
    given_C = horizon(base, C, n)
    for t in range(n + 1):
        prefixes = all_words(base.vocab, t)
        mass = p.reshape(len(prefixes), -1).sum(1)
        assert np.abs(np.exp(given_C.log_probability(prefixes)) - mass).max() < ROUNDING
        if t < n:
            here = mass > 0
            expected = p.reshape(len(prefixes), base.vocab, -1).sum(2)[here] / mass[here, None]
            assert np.abs(given_C.next_token(prefixes[here]) - expected).max() < ROUNDING
    assert given_C.load == pytest.approx(finite_load(base, C, n), abs=ROUNDING)


def test_masking_and_renormalising_is_not_conditioning():
    """The planted violation: forbid the next token locally, as masked decoding does. The distribution of
    words is another one.
    """
    C, n = forbidden_word([1, 1], vocab=2), 6
    given_C = horizon(FAIR, C, n)
    words = all_words(2, n)[accepts(C, all_words(2, n))]
    masked = np.array([np.prod([0.5 if t == 0 or w[t - 1] == 0 else 1.0 for t in range(n)]) for w in words])
    assert masked.sum() == pytest.approx(1, abs=1e-12)
    assert (
        np.abs(np.exp(given_C.log_probability(words)) - 1 / len(words)).max() < ROUNDING
    )  # uniform, on fair coins
    assert np.abs(masked - 1 / len(words)).max() > 0.02


def test_horizon_refuses_what_has_no_distribution():
    given_C = horizon(FAIR, forbidden_word([1, 1], vocab=2), 4)
    with pytest.raises(ProcessError, match="longer than the horizon"):
        given_C.log_probability(np.zeros(5, int))
    with pytest.raises(ProcessError, match="no next symbol"):
        given_C.next_token(np.zeros(4, int))
    with pytest.raises(ProcessError, match="begins with 11"):
        given_C.next_token(np.array([1, 1]))


@pytest.mark.thorough
@pytest.mark.parametrize(("member", "constraint"), BORNE)
def test_the_conditioned_process_is_the_limit_of_horizons(member, constraint):
    """P(word, satisfied at n) rho^-n, summed over 60 horizons n (a multiple of all periods here), is a
    polynomial of degree `degree` in the first of them. Its difference of that order is what the limit n ->
    infinity leaves, up to geometrically small terms.
    """
    base, far, step = member_named(member), FAR, 60
    C = ready(constraint, base.vocab)
    rate = load(base, C)
    if math.isinf(rate):
        with pytest.raises(ProcessError, match="infinite load"):
            conditioned(base, C)
        return
    made, degree = given_for_ever(member, constraint), escaping(member, constraint).degree
    words, last = all_words(base.vocab, 3), far + (degree + 1) * step
    rows = np.array([base.start @ base.T[u] @ base.T[v] @ base.T[x] for u, v, x in words])
    remaining = horizon(base, C, last)  # survival[N - m] is survival over m more symbols, for every m <= N
    at, sums = runs(C, words)[:, -1], np.zeros((degree + 1, len(words)))
    for n in range(far, last):
        t = last - (n - 3)
        survive = np.einsum("wi,wi->w", rows, remaining.survival[t, at])
        sums[(n - far) // step] += survive * math.exp(remaining.log_scale[t] + n * rate)
    distribution = np.diff(sums, degree, axis=0)[0]
    expected = words_with_probability(made, 3)[1]
    assert np.abs(distribution / distribution.sum() - expected).max() < 1e-9
    assert expected.sum() == pytest.approx(1, abs=ROUNDING)


def test_the_limit_beside_a_polynomial_is_approached_like_one_over_n():
    C, word = at_most(2, 1, vocab=2), np.array([[1, 0, 0]])
    assert probability(conditioned(FAIR, C), word[0]) == 0
    near, far = (np.exp(horizon(FAIR, C, n).log_probability(word))[0] for n in (500, 1000))
    assert far / near == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize(("member", "constraint"), BORNE)
def test_relative_entropy_to_the_base_is_n_loads(member, constraint):
    """KL_n = n load + E log(b_w . beta(a_w)) - log(start . beta) at every n, and the last two terms are
    bounded: the rate is the load.
    """
    base = member_named(member)
    C = ready(constraint, base.vocab)
    rate = load(base, C)
    if math.isinf(rate):
        return
    r, made = operator(member, constraint), given_for_ever(member, constraint)
    beta = escaping(member, constraint).beta
    table = np.zeros((C.n_states, base.n_states))
    table[r.pairs[:, 1], r.pairs[:, 0]] = beta
    tree = prefix_tree(made, longest(base.vocab))
    for n in (1, 3, longest(base.vocab)):
        last = tree.level(n)
        words, p = tree.words[last][:, :n], tree.probability[last]
        seen = filter(base, words)
        divergence = p @ (np.log(p) - seen.log_probability[:, -1])
        at_end = np.einsum("ni,ni->n", seen.belief[:, -1], table[runs(C, words)[:, -1]])
        edge = p @ np.log(at_end) - math.log(r.start @ beta)
        assert divergence == pytest.approx(n * rate + edge, abs=1e-10)
        assert divergence != pytest.approx(n * (rate + 1e-6) + edge, abs=1e-10)
        assert (
            base.kind == "ghmm" or p @ np.log(at_end) <= math.log(beta.max()) + ROUNDING
        )  # beliefs of an HMM are averages


def test_the_identity_catches_a_wrong_transform():
    """The planted violation: masking locally instead of Doob's transform costs more relative entropy than the
    load.
    """
    C = forbidden_word([1, 1], vocab=2)
    masked = hmm(np.array([[[0.5, 0], [1, 0]], [[0, 0.5], [0, 0]]]))
    per_token = [prefix_tree(p, 12) for p in (masked, conditioned(FAIR, C))]
    rates = []
    for tree in per_token:
        kl = [
            tree.probability[tree.level(n)] @ np.log(tree.probability[tree.level(n)] * 2.0**n)
            for n in (11, 12)
        ]
        rates.append(kl[1] - kl[0])
    assert rates[1] == pytest.approx(load(FAIR, C), abs=1e-3) and rates[0] > load(FAIR, C) + 0.01


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_conditioned_processes_satisfy_their_constraint(data):
    base, (C,) = constrained(data, 1)
    rate = load(base, C)
    if math.isinf(rate):
        with pytest.raises(ProcessError, match="cannot satisfy"):
            conditioned(base, C)
        return
    made = conditioned(base, C)
    tree = prefix_tree(made, 4)
    words = tree.words[tree.level(4)][:, :4]
    assert C.allowed[runs(C, words)].all()
    assert all(probability(base, w) > 0 for w in words)
    assert load(made, C) == pytest.approx(0, abs=1e-9)  # nothing is left to pay
    again = conditioned(made, C)
    assert np.allclose(
        [probability(again, w) for w in words], tree.probability[tree.level(4)], atol=1e-9, rtol=0
    )


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_the_conditioned_process_is_the_abel_limit_of_horizons(data):
    """With horizons of weight z^-n, z slightly above rho: exact up to O(z/rho - 1), for reducible and
    periodic operators alike.
    """
    base, cs = constrained(data, 2)
    if data.draw(st.booleans()):
        base = mixture([base, coin(p=0.5) if base.vocab == 2 else base], [0.25, 0.75]).process()
    C = conjunction(cs)
    rate = load(base, C)
    if math.isinf(rate):
        assert math.isinf(finite_load(base, C, 80))  # longer than there are pairs
        return
    r, words = restricted(base, C), all_words(base.vocab, 3)
    rows = np.array([r.start @ r.T[u] @ r.T[v] @ r.T[x] for u, v, x in words])
    expected = np.array([probability(conditioned(base, C), w) for w in words])
    errors = []
    for above in (1e-4, 1e-6):
        distribution = rows @ np.linalg.solve(
            math.exp(-rate) * (1 + above) * np.eye(len(r)) - r.chain.toarray(), r.final
        )
        errors.append(np.abs(distribution / distribution.sum() - expected).max())
    assert errors[1] < max(0.05 * errors[0], 1e-8) and errors[1] < 3e-3


def test_conditioning_on_anything_changes_nothing():
    for member in CATALOGUE:
        base = named(member)
        made = conditioned(base, anything(base.vocab))
        assert np.abs(made.T - base.T).max() < 1e-14 and np.abs(made.start - base.start).max() < 1e-14


def test_two_dominating_classes_are_weighed_by_how_they_survive():
    """Two components with equal loads but different shares of survivors: a quarter of the second's start
    survives one check.
    """
    delayed = hmm(
        np.array([[[0, 0.25], [0, 0.5]], [[0, 0.75], [0, 0.5]]]), [1, 0]
    )  # first symbol 0 with 1/4, then fair
    base = mixture([FAIR, delayed], [0.5, 0.5]).process()
    made = conditioned(base, at_most(0, 1, vocab=2))
    assert load(base, at_most(0, 1, vocab=2)) == pytest.approx(math.log(2), abs=1e-14)
    share = made.start[[name.startswith("0:") for name in made.states]].sum()
    assert share == pytest.approx(2 / 3, abs=1e-12)  # survivors 1/2 2^-n against 1/2 (1/4) 2^(1-n)
