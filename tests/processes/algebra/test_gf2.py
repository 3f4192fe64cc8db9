"""Elimination over GF(2) beside everything that the equations say, by enumeration."""

import itertools
from functools import reduce
from operator import xor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processes.algebra import gf2

EQUATIONS = st.lists(st.integers(0, 63), max_size=6)
KINDS = [np.uint32, np.uint64, object]


def span(rows: list[int]) -> set[int]:
    """Every sum of some of the rows."""
    return {reduce(xor, some, 0) for n in range(len(rows) + 1) for some in itertools.combinations(rows, n)}


@pytest.mark.parametrize("fully", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@given(rows=EQUATIONS)
def test_eliminated_rows_span_the_same_with_a_variable_of_their_own_each(kind, fully, rows):
    made = gf2.eliminated(np.array(rows, kind), fully=fully).tolist()
    assert span(made) == span(rows)
    lowest = [row & ~1 & -(row & ~1) for row in made]
    for i, bit in enumerate(lowest):
        others = made if fully else made[i:]
        assert not bit or sum(bool(row & bit) for row in others) == 1


@pytest.mark.parametrize("kind", KINDS)
@given(rows=EQUATIONS)
def test_rank_and_consistency_are_those_of_the_enumerated_span(kind, rows):
    made = gf2.eliminated(np.array(rows, kind))
    assert 2 ** int(gf2.rank(made)) == len({row >> 1 for row in span(rows)})
    assert bool(gf2.consistent(made)) == (1 not in span(rows))


@given(rows=EQUATIONS, order=st.randoms())
def test_the_reduced_basis_is_one_for_every_order_of_the_equations(rows, order):
    def basis(rows):
        return sorted(set(gf2.eliminated(np.array(rows, np.uint32), fully=True).tolist()) - {0})

    shuffled = order.sample(rows, len(rows))
    if 1 not in span(rows):
        assert basis(rows) == basis(shuffled)


def test_a_batch_is_eliminated_instance_by_instance():
    rows = np.random.default_rng(0).integers(64, size=(50, 4, 5), dtype=np.uint32)
    for fully in (False, True):
        each = np.array([[gf2.eliminated(r, fully=fully) for r in some] for some in rows])
        np.testing.assert_array_equal(gf2.eliminated(rows, fully=fully), each)


def test_equations_of_any_length_are_packed():
    rng = np.random.default_rng(0)
    checks, right = rng.integers(2, size=(30, 200)) == 1, rng.integers(2, size=30) == 1
    rows = gf2.packed(checks, right)
    assert [[row >> v + 1 & 1 for v in range(200)] for row in rows] == checks.astype(int).tolist()
    assert [row & 1 for row in rows] == right.astype(int).tolist()
    assert int(gf2.rank(gf2.eliminated(rows))) == 30
