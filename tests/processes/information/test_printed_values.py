"""Values that are printed elsewhere: exact ones, rates, loss floors, reference cases."""

import json
from pathlib import Path

import numpy as np
import pytest
from oracles.information import bloch_walk, fanizza, named

import processes
from processes.zoo.moon import operators

REFERENCE = json.loads((Path(__file__).parents[2] / "reference_values.json").read_text())["cases"]


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


CASES = {
    "mess3(x=0.05,a=0.85)": lambda: named("mess3(x=0.05, a=0.85)"),
    "mess3(x=0.15,a=0.6)": lambda: named("mess3(x=0.15, a=0.6)"),
    "zero_one_random(p=0.5)": lambda: named("zero_one_random"),
    "rrxor(0.5,0.5)": lambda: named("rrxor"),
    "no_consecutive_ones(p=0.5)": lambda: named("golden_mean"),
    "even_ones(p=0.5)": lambda: named("even"),
    "sns(p=0.5,q=0.5)": lambda: named("sns"),
    "fanizza(alpha=2000,lamb=0.49)": lambda: fanizza(2000.0, 0.49),
    "post_quantum(log_alpha=1,beta=0.5)": lambda: processes.ghmm(operators(np.e, 0.5)),
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
