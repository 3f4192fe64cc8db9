"""Claims ask a process what it is made of, and read nothing out of names of processes or of states."""

import pickle

import numpy as np
import pytest

import processes
from analysis.belief_geometry.bg10_factored import geometry, sizes
from analysis.claim import Setting
from analysis.constraint_load.cl5_inertia import switched_on
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts

PRODUCT = processes.named("mess3 * mess3")
TEXT = "guarded(mess(x=0.12, a=0.85, s=6); never 01234; never 0; never 12; never 012; p=0.5)"
GUARDED = processes.named(TEXT)
PAIR = processes.named("even * golden_mean")
T = PAIR.T
PLANTED = {
    "states like a product's": processes.hmm(T, states=["a,0", "a,1", "b,0", "b,1"]),
    "states of some commas": processes.hmm(processes.named("even").T, states=["A,x", "B"]),
    "the name of a product": processes.renamed(processes.hmm(T), "mess3 * mess3"),
    "the name of a guarded process": processes.renamed(processes.hmm(T), "guarded(coin; no 11; p=0.5)"),
    "the name of nothing": processes.renamed(processes.named("rrxor"), "guarded(; p="),
    "a product by another name": processes.renamed(PAIR, "a, b; c"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("id", CLAIMS)
@pytest.mark.parametrize("planted", PLANTED)
def test_every_claim_takes_or_refuses_it_in_one_sentence(planted, id):
    claim, process = CLAIMS[id], PLANTED[planted]
    reason = claim.refusal(process, 5)
    if reason is not None:
        assert isinstance(reason, str) and "\n" not in reason
    elif planted.startswith("states") and id != "BG5":  # whose prediction follows chains of beliefs for long
        assert claim.prediction(process, 5) is not None


@pytest.fixture
def ways(tmp_path):
    """A process by other names, and from a file."""

    def found(process):
        processes.write(processes.renamed(process, "of a file"), tmp_path / "p.json")
        return [
            processes.renamed(process, "mine"),
            processes.named(str(tmp_path / "p.json")),
            pickle.loads(pickle.dumps(process)),
        ]

    return found


def test_the_factors_are_those_it_was_made_of(ways):
    for process in [PRODUCT, *ways(PRODUCT)]:
        assert sizes(process) == (3, 3) and CLAIMS["BG10"].refusal(process, 6) is None
        assert CLAIMS["BG10"].prediction(process, 6) == {
            "dimensions if factored": 4,
            "dimensions if joint": 8,
        }
    for name in ("states like a product's", "states of some commas", "the name of a product"):
        assert len(sizes(PLANTED[name])) == 1
        assert "not made of factors" in CLAIMS["BG10"].refusal(PLANTED[name], 6)
    assert sizes(processes.named("coin * (mess3 * even)")) == (1, 3, 2)
    assert sizes(processes.permuted(PRODUCT, [*range(9)][::-1])) == (9,)


def test_the_geometry_of_a_product_does_not_hang_on_its_name(ways):
    """The factored claim measures the same, whatever the product is called and wherever it was kept."""
    measured = []
    for process in [PAIR, *ways(PAIR)]:
        t = contexts(process, 5)
        x = np.random.default_rng(0).normal(size=(len(t.belief), 8))
        measured.append(geometry(x + t.belief @ np.ones((4, 8)), t, sizes(process))[1:])
    assert all(m == measured[0] for m in measured)


@pytest.mark.thorough
def test_a_guarded_process_keeps_its_constraints(ways, tmp_path):
    claim = CLAIMS["CL2"]
    told = claim.prediction(GUARDED, 8)
    assert told["subsets that cost something"] == 15
    for process in ways(GUARDED):
        assert claim.refusal(process, 8) is None and claim.prediction(process, 8) == told
        words = processes.sample(process, (64, 8), np.random.default_rng(0))
        np.testing.assert_array_equal(switched_on(process, words), switched_on(GUARDED, words))
    small = processes.named("guarded(coin; no 11; p=0.5)")
    cost = processes.constraints.costs(small)
    assert cost and all(processes.constraints.costs(process) == cost for process in ways(small))
    for name in ("the name of a guarded process", "the name of nothing"):
        assert "no constraints to switch on" in claim.refusal(PLANTED[name], 8)
        assert processes.constraints.costs(PLANTED[name]) is None
    ways(GUARDED)
    in_file = claim.recipes(str(tmp_path / "p.json"), Setting())["transformer"]
    assert in_file.model == claim.recipes(TEXT, Setting())["transformer"].model
    assert in_file.model.n_ctx == 4 + 3  # a slot for each constraint
