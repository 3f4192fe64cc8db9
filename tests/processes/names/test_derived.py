"""Processes named after others."""

import numpy as np
import pytest

import processes
from processes import ProcessError, named


@pytest.mark.thorough
@pytest.mark.parametrize(
    "spec",
    ["mess3", "rrxor:shai2024", "mess3(x=0.15, a=0.6)", "checksum(P=[[0.5, 0.5], [0.25, 0.75]])", "moon"],
)
def test_synonyms_add_their_own_entropy_and_nothing_else(spec):
    process, spelled = named(spec), named(f"synonyms({spec}, 3)")
    np.testing.assert_allclose(processes.h(spelled, 5), processes.h(process, 5) + np.log(3), atol=1e-9)
    word = (
        np.array([0, 0, 1])
        if processes.probability(process, np.array([0, 0, 1])) > 0
        else np.array([1, 1, 0])
    )
    spellings = 3 * word + np.array([2, 0, 1])
    belief, other = (
        processes.filter(p, w[None]).belief[0] for p, w in ((process, word), (spelled, spellings))
    )
    np.testing.assert_allclose(belief, other, atol=1e-12)
    assert processes.probability(spelled, spellings) == pytest.approx(
        processes.probability(process, word) / 27
    )


def test_relabelled_by_name():
    process, other = named("mess3"), named("relabelled(mess3(x=0.05, a=0.85), 2, 0, 3)")
    assert other.vocab == 4
    np.testing.assert_array_equal(other.T[[2, 0, 3]], process.T)
    np.testing.assert_array_equal(named("relabelled(relabelled(mess3, 1, 2, 0), 2, 0, 1)").T, process.T)


def test_decoys_by_name_are_those_of_the_controls_and_remembered():
    first, again = named("decoy(rrxor)"), named(" decoy( rrxor(p1=0.5, p2=0.5) ) ")
    assert first is again
    np.testing.assert_array_equal(first.T, processes.decoy(named("rrxor"), seed=0).T)


def test_derivations_stand_among_products_and_files(tmp_path):
    both = named("synonyms(coin, 2) * relabelled(even, 1, 0)")
    assert both.vocab == 8 and named("synonyms(coin * even, 2)").vocab == 8
    processes.write(named("even"), tmp_path / "mine.json")
    np.testing.assert_array_equal(
        named(f"synonyms({tmp_path / 'mine.json'}, 2)").T, named("synonyms(even, 2)").T
    )


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("relabelled(mess3, 2, 0)", "gives 2 numbers; relabelled takes 3"),
        ("relabelled(mess3)", "gives 0 numbers"),
        ("decoy(mess3, 4)", "decoy takes 0"),
        ("decoy(mess4)", "did you mean 'mess'"),
        ("synonyms(mess3, 0)", "at least 1"),
        ("decoy()", "decoy is of one process and names none"),
    ],
)
def test_what_cannot_be_derived_says_so(spec, words):
    with pytest.raises(ProcessError, match=words):
        named(spec)
