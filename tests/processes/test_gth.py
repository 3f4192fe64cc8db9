"""Elimination without a subtraction, beside exact arithmetic in fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import processes
from processes import ProcessError, hmm
from processes.algebra import gth
from processes.information.surplus import surplus
from processes.structure.machine import finite_machine

ROUNDING = 2e-15
"""Relative error of a component: a chain of at most six states takes some twenty roundings of 1.1e-16 each.
"""


@st.composite
def chains(draw, *, leak: bool) -> np.ndarray:
    """Rates (n, n), or with a last column of what leaves for good; some of them so small that parts are
    hardly joined.
    """
    n = draw(st.integers(1, 6))
    weight = st.integers(1, 20).flatmap(lambda k: st.sampled_from([0.0, float(k), k * 1e-9, k * 1e-17]))
    rates = np.array(draw(st.lists(weight, min_size=n * (n + 1), max_size=n * (n + 1)))).reshape(n, n + 1)
    for i in range(n):
        rates[i, (i + 1) % n] += draw(st.sampled_from([1.0, 1e-8, 1e-16]))  # one way around: irreducible
    if leak:
        rates[draw(st.integers(0, n - 1)), n] += 1e-12
    return rates if leak else rates[:, :n]


def solved(A: list[list[Fraction]], b: list[list[Fraction]]) -> list[list[Fraction]]:
    """A^-1 b in fractions."""
    n, rows = len(A), [[*a, *c] for a, c in zip(A, b, strict=True)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [v / rows[k][k] for v in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                rows[i] = [v - rows[i][k] * u for v, u in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows]


@pytest.mark.thorough
@given(chains(leak=False))
def test_stationary_is_exact_in_every_component(rates):
    exact = [list(map(Fraction, row)) for row in rates]
    n = len(exact)
    # pi_i sum_j r_ij = sum_j pi_j r_ji for all but one i, and sum(pi) = 1
    A = [[exact[j][i] - (sum(exact[i]) if i == j else 0) for j in range(n)] for i in range(n - 1)] + [
        [Fraction(1)] * n
    ]
    distribution = [float(v[0]) for v in solved(A, [[Fraction(i == n - 1)] for i in range(n)])]
    np.testing.assert_allclose(gth.stationary(rates), distribution, rtol=ROUNDING)


@pytest.mark.thorough
@given(chains(leak=True))
def test_absorption_is_exact_in_every_component(rates):
    n = len(rates)
    rates = (
        rates / 64
    )  # rows need not sum to one: what is left of 1 stays where it is, which the solver never forms
    exact = [list(map(Fraction, row)) for row in rates]
    A = [[(sum(exact[i]) - exact[i][i] if i == j else -exact[i][j]) for j in range(n)] for i in range(n)]
    value = [[Fraction(1), Fraction(i + 1)] for i in range(n)]
    want = np.array([[float(v) for v in row] for row in solved(A, value)])
    np.testing.assert_allclose(
        gth.absorbing(rates[:, :n], rates[:, n], np.array(value, float)), want, rtol=ROUNDING
    )


def test_least_squares_would_not_pass():
    """The planted violation: two states left at rates e and 3 e, as they were solved once."""
    e = 1e-15
    P = np.array([[1 - e, e], [3 * e, 1 - 3 * e]])
    by_least_squares = np.linalg.lstsq(np.vstack([P.T - np.eye(2), np.ones(2)]), [0, 0, 1.0], rcond=None)[0]
    assert abs(by_least_squares[0] - 0.75) > 1e-3
    np.testing.assert_allclose(gth.stationary(P), [0.75, 0.25], rtol=ROUNDING)


@pytest.mark.parametrize("e", [1e-3, 1e-9, 1e-12, 1e-15, 1e-16, 1e-300])
def test_a_nearly_decoupled_process_has_its_entropies(e):
    T = np.zeros((2, 2, 2))
    T[0, 0, 0], T[1, 0, 1], T[1, 1, 1], T[0, 1, 0] = 1 - e, e, 1 - 3 * e, 3 * e
    slow = hmm(T)
    complexity = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    rate = 0.75 * (-e * np.log(e) - (1 - e) * np.log1p(-e)) + 0.25 * (
        -3 * e * np.log(3 * e) - (1 - 3 * e) * np.log1p(-3 * e)
    )
    np.testing.assert_allclose(slow.start, [0.75, 0.25], rtol=ROUNDING)
    assert processes.statistical_complexity(slow) == pytest.approx(complexity, rel=1e-14)
    assert processes.excess_entropy(slow) == pytest.approx(complexity - rate, rel=1e-13)
    assert processes.transient_information(slow) == pytest.approx(complexity - rate, rel=1e-13)
    # The entropy of e is taken of a float64 1 - e, which is off by up to 1e-16: that much of a rate is lost
    # before it is computed.
    assert processes.entropy_rate(slow).value == pytest.approx(rate, abs=2e-16)


@pytest.mark.parametrize("e", [0.5, 1e-2, 1e-4, 1e-5])
def test_slow_synchronisation_is_summed_to_its_end(e):
    """The even process with zeros of probability e: an observer waits for one to know the phase, and E =
    C_mu, since nothing stays hidden.
    """
    even = processes.named(f"even(p={1 - e!r})")
    p = 1 - e
    complexity = -np.log(1 / (1 + p)) / (1 + p) - p / (1 + p) * np.log(p / (1 + p))
    assert processes.excess_entropy(even) == pytest.approx(complexity, rel=1e-12)


def test_underflow_is_one_sentence():
    tiny = 1e-200
    chain = np.array([[0.0, tiny, 1.0], [1.0, 0.0, 0.0], [tiny, 0.0, 1.0]])
    assert np.isfinite(processes.stationary(chain)).all()
    with pytest.raises(ZeroDivisionError):
        gth.stationary(np.eye(2))
    with pytest.raises(ProcessError, match="not ergodic"):
        processes.stationary(np.eye(2))


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name",
    ["golden_mean", "even", "zero_one_random", "rrxor", "nemo", "random_insertion", "cycle", "rrxor * even"],
)
def test_the_pairs_say_what_the_fundamental_matrix_says(name):
    """Z = (I - P + P_inf)^-1: E = [(Z - P_inf) H](start), T = [(Z^2 - P_inf) H](start) (Crutchfield & Feldman
    2003).
    """
    ms = finite_machine(processes.named(name))
    Z = np.linalg.inv(np.eye(len(ms)) - ms.chain + ms.limit)
    want = [((Z - ms.limit) @ ms.surprise)[0], ((Z @ Z - ms.limit) @ ms.surprise)[0]]
    np.testing.assert_allclose(surplus(ms), want, rtol=1e-12, atol=1e-12)


def test_many_pairs_go_by_sparse_factors(monkeypatch):
    ms = finite_machine(processes.named("rrxor"))
    dense = surplus(ms)
    monkeypatch.setattr("processes.information.surplus.DENSE", 10)
    np.testing.assert_allclose(surplus(ms), dense, rtol=1e-12)
