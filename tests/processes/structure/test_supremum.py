"""The largest probability of a symbol over all prefixes, beside enumeration and what is known."""

import numpy as np
import pytest
from hypothesis import given, settings

import processes
from processes.strategies import hmms

KNOWN = {("golden_mean", 1): 0.5, ("even", 0): 0.5, ("mess3", 0): 0.765459, ("rrxor", 1): 1.0}


@pytest.mark.parametrize(("name", "symbol"), KNOWN)
def test_known_suprema(name, symbol):
    found = processes.supremum(processes.named(name), symbol)
    assert found.known and found.low == pytest.approx(KNOWN[name, symbol], abs=5e-7)


def test_that_of_mess3_is_the_limit_of_repetition():
    mess3 = processes.named("mess3")
    limit = processes.predict(mess3, processes.filter(mess3, [0] * 60).belief[-1])[0]
    found = processes.supremum(mess3, 0)
    assert set(found.word) == {0} and found.low <= limit + 1e-12 and limit <= found.high + 1e-12


@pytest.mark.thorough
@settings(max_examples=30, deadline=None)
@given(hmms())
def test_it_bounds_what_is_enumerated(process):
    for symbol in range(process.vocab):
        found = processes.supremum(process, symbol)
        tree = processes.prefix_tree(process, 4)
        reached = processes.predict(process, tree.belief)[:, symbol].max()
        assert reached <= found.high + 1e-12 and found.low <= found.high
        belief = processes.filter(process, found.word).belief[-1] if found.word else process.start
        assert processes.predict(process, belief)[symbol] == pytest.approx(found.low, abs=1e-9)


@pytest.mark.thorough
def test_a_gap_that_does_not_close_is_told():
    """Ever longer silence of a simple nonunifilar source says ever less."""
    gaps = [processes.supremum(processes.named("sns"), x) for x in range(2)]
    assert all(g.low <= g.high for g in gaps)


def test_refusals():
    with pytest.raises(processes.ProcessError, match="symbols 0 to 2"):
        processes.supremum(processes.named("mess3"), 3)
    with pytest.raises(processes.ProcessError, match="generalised"):
        processes.supremum(processes.named("fanizza"), 0)
    assert np.isfinite(processes.supremum(processes.named("coin"), 0).high)
