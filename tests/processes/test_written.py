"""Constraints and constrained processes, as they are written."""

import itertools
import json
import re

import numpy as np
import pytest

import processes
from processes import constraints
from processes.constraints import sentences as written

SPELLED = {
    "no 11": constraints.forbidden_word([1, 1], vocab=2),
    "only 01": constraints.phases([[0, 1]], vocab=2),
    "never 1": constraints.phases([[0]], vocab=2),
    "phases 01/0": constraints.phases([[0, 1], [0]], vocab=2),
    "0 before 1": constraints.order(0, 1, vocab=2),
    "at most 2 of 1": constraints.at_most(2, 1, vocab=2),
    "at most 2 of 1 in a row": constraints.at_most_in_a_row(2, 1, vocab=2),
    "odd number of 0 in every 3": constraints.parity(0, vocab=2, odd=True, period=3),
    "period 2": constraints.period(2, vocab=2),
    "depth of 0/1 at most 2": constraints.bounded_depth(0, 1, vocab=2, depth=2, closed=False),
    "checks 110/011": constraints.parity_checks([[1, 1, 0], [0, 1, 1]]),
    "checks 110/011 = 10": constraints.parity_checks([[1, 1, 0], [0, 1, 1]], [1, 0]),
}


@pytest.mark.parametrize("text", SPELLED)
def test_a_written_constraint_is_the_one_it_names(text):
    """Both accept the same of all words of up to six symbols (what they say of every prefix, and of the
    end)."""
    read, meant = constraints.constraint(text, 2), SPELLED[text]
    for length in range(1, 7):
        words = np.array(list(itertools.product(range(2), repeat=length)), int).reshape(-1, length)
        np.testing.assert_array_equal(constraints.accepts(read, words), constraints.accepts(meant, words))
    assert read.name == text


def test_every_spelling_is_tested():
    for pattern in written.SPELLINGS:
        assert any(re.fullmatch(pattern, text) for text in SPELLED), pattern


def test_given_is_the_conditioned_process():
    coin = processes.named("coin")
    meant = constraints.conditioned(
        coin, constraints.conjunction([SPELLED["no 11"], SPELLED["at most 2 of 1 in a row"]])
    )
    assert processes.equivalent(processes.named("given(coin; no 11; at most 2 of 1 in a row)"), meant)
    assert processes.named("given(coin; no 11)").name == "given(coin; no 11)"
    assert processes.named("given(given(coin; no 11); no 000) * coin").vocab == 4


@pytest.mark.parametrize(
    "when, subsets",
    [
        ("p=0.25", {(): 9 / 16, (0,): 3 / 16, (1,): 3 / 16, (0, 1): 1 / 16}),
        ("on=none,01,01,1", {(): 1 / 4, (0, 1): 1 / 2, (1,): 1 / 4}),
    ],
)
def test_guarded_is_the_protocol_of_its_distribution(when, subsets):
    spec = f"guarded(mess3; no 00; never 2; {when})"
    found = processes.named(spec).made_of
    assert found.distribution == pytest.approx(subsets)
    assert processes.named(spec).digest == found.process().digest


def test_a_constraint_in_a_file(tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({"next": [[0, 1], [0, 2], [2, 2]], "forbidden": [2]}))
    assert processes.equivalent(
        processes.named(f"given(coin; {tmp_path / 'c.json'})"), processes.named("given(coin; no 11)")
    )


@pytest.mark.parametrize(
    "record, told",
    [
        ({"next": [[0, 7], [1, 1]], "forbidden": [1]}, "transition of state 0 on symbol 1 is undefined"),
        ({"next": [[1, 1], [1, 1]], "forbidden": [1]}, "language is empty"),
        ({"next": [[0, 0, 1], [1, 1, 1]], "forbidden": [1]}, "reads 3 symbols, but the base emits 2"),
        ({"next": [[0, 0]]}, "needs the keys 'next' and 'forbidden'"),
        ({"next": [[0], [0, 1]], "forbidden": []}, "its rows have different lengths"),
        ([], "a constraint is an object with the keys next, forbidden"),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence(tmp_path, record, told):
    path = tmp_path / "c.json"
    path.write_text(json.dumps(record))
    with pytest.raises(processes.ProcessError, match=re.escape(told)) as error:
        processes.named(f"given(coin; {path})")
    assert "c.json" in str(error.value)


@pytest.mark.parametrize(
    "spec, told",
    [
        ("given(coin; nope)", "cannot read the constraint 'nope'"),
        ("given(coin)", "names no constraint"),
        ("given(coin; )", "or an empty one"),
        ("given(coin; no 3)", "symbol 3 is not in the alphabet"),
        ("given(coin; never 3)", "symbol 3 is not in the alphabet"),
        ("given(coin; never 0; never 1)", "infinite load"),
        ("given(mess3; checks 11)", "two symbols, not 3"),
        ("guarded(coin; no 11)", "does not say when its constraints are on"),
        ("guarded(coin; no 11; p=2)", "p is '2'"),
        ("guarded(coin; no 11; on=0,5x)", "on is '0,5x'"),
        ("guarded(coin; no 11; on=3)", "no subset of the 1 constraints"),
        ("guarded(coin; no 11; never 1; never 0; p=0.5)", "through no 11, never 0"),
        ("guarded(nonsense; no 11; p=0.5)", "there is no process called 'nonsense'"),
    ],
)
def test_a_bad_spelling_is_refused_in_a_sentence(spec, told):
    with pytest.raises(processes.ProcessError, match=re.escape(told)):
        processes.named(spec)
