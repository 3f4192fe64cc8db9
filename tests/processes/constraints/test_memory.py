"""What constraints cost in memory."""

import math

import numpy as np
import pytest
from hypothesis import given
from oracles import all_words
from oracles.constraints import FAIR, modest

from processes import (
    belief_span,
    equivalent,
    hmm,
    minimal_dimension,
    named,
    probability,
)
from processes.constraints import (
    anything,
    at_most_in_a_row,
    conditioned,
    forbidden_word,
    gf2_rank,
    live,
    load,
    memory_cost,
    parity,
    parity_checks,
)
from processes.strategies import hmms


@pytest.mark.parametrize("seed", range(6))
def test_the_load_of_parity_checks_is_their_rank(seed):
    rng = np.random.default_rng(seed)
    k, n = int(rng.integers(2, 7)), int(rng.integers(4, 9))
    H = rng.integers(0, 2, (k, n))
    H[-1] = H[0] ^ H[1 % k]  # dependent rows cost nothing
    words = 2 ** gf2_rank(H)
    assert words == len({tuple(c @ H % 2) for c in all_words(2, k)})  # size of the row space, by enumeration
    assert n * load(FAIR, parity_checks(H)) == pytest.approx(math.log(words), abs=1e-11)
    assert gf2_rank(H) < k


def test_real_rank_would_be_wrong_over_gf2():
    H = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]])
    assert gf2_rank(H) == 2 != np.linalg.matrix_rank(H)


@modest
@given(hmms())
def test_minimal_dimension_is_the_rank_of_the_hankel_matrix(process):
    words = [w for n in range(4) for w in all_words(process.vocab, n)]
    matrix = np.array([[probability(process, [*u, *v]) for v in words] for u in words])
    rank = minimal_dimension(process)
    values = np.linalg.svd(matrix, compute_uv=False)
    assert (values > 1e-7 * values[0]).sum() <= rank  # a small Hankel block sees at most the rank ...
    assert rank == len(values) or (values[rank:] < 1e-11 * values[0]).all()  # ... and nothing beyond it
    assert len(belief_span(process)) <= process.n_states


def test_memory_costs():
    assert memory_cost(FAIR, anything(2)) == 0
    assert memory_cost(FAIR, forbidden_word([1, 1], vocab=2)) == 1
    assert memory_cost(FAIR, at_most_in_a_row(4, 1, vocab=2)) == 4
    assert memory_cost(named("golden_mean"), forbidden_word([1, 1], vocab=2)) == 0
    twice = hmm(
        np.full((2, 2, 2), 0.25), [0.7, 0.3]
    )  # a coin with two states that differ without consequence
    assert len(belief_span(twice)) == 2 and minimal_dimension(twice) == 1


@pytest.mark.parametrize(
    "spec", ["cycle:five", "guarded(mess3; no 00; never 2; p=0.3)", "guarded(rrxor; no 11; p=0.5)"]
)
def test_a_constraint_that_changes_no_distribution_costs_no_memory(spec):
    """Though its automaton doubles the hidden states, and rounding sets the doubles apart."""
    base = named(spec)
    C = parity(0, vocab=base.vocab, odd=True, period=None)
    assert conditioned(base, C).n_states > base.n_states
    assert equivalent(conditioned(base, C), base) and memory_cost(base, C) == 0


def test_parity_memory_counts_the_live_trellis():
    H = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 0, 1]])
    C = parity_checks(H)
    assert memory_cost(FAIR, C) == live(C).sum() - 1
    assert memory_cost(FAIR, C) != C.n_states - 1  # dead ends of the trellis are not remembered
