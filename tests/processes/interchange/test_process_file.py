"""A process written and read is the same to the last bit, and a file that holds none says so in one
sentence."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import processes as P
from processes import CATALOGUE, ProcessError, named
from processes.strategies import hmms

GOOD = {"type": "hmm", "transition_matrices": [[[0.5, 0.0], [0.25, 0.25]], [[0.0, 0.5], [0.25, 0.25]]]}


def same(a, b):
    """Bit for bit."""
    return (
        a.kind == b.kind
        and a.name == b.name
        and a.states == b.states
        and all(getattr(a, f).tobytes() == getattr(b, f).tobytes() for f in ("T", "start", "w"))
    )


@pytest.mark.parametrize("name", CATALOGUE)
def test_round_trip_of_the_catalogue(name, tmp_path):
    for label in CATALOGUE[name].published:
        process, file = named(f"{name}:{label}"), tmp_path / "p.json"
        P.write(process, file)
        assert same(P.read(file), process) and same(named(str(file)), process)


@given(process=hmms())
@settings(max_examples=30, deadline=None)
def test_round_trip_of_random_processes(process, tmp_path_factory):
    file = tmp_path_factory.mktemp("p") / "p.json"
    P.write(process, file)
    assert same(P.read(file), process)


def test_round_trip_can_fail(tmp_path):
    """Six printed digits would be noticed."""
    process, file = named("mess3"), tmp_path / "p.json"
    P.write(process, file)
    record = json.loads(file.read_text())
    record["transition_matrices"] = np.round(process.T, 6).tolist()
    file.write_text(json.dumps(record))
    assert not same(P.read(file), process)


def test_a_start_that_is_not_stationary_is_kept(tmp_path):
    process = replace(named("rrxor"), start=np.eye(5)[0])
    P.write(process, tmp_path / "p.json")
    assert same(P.read(tmp_path / "p.json"), process)


def test_only_two_keys_are_needed(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(GOOD))
    process = P.read(file)
    assert process.name == "mine" and process.states == ("0", "1") and process.is_stationary
    assert named(str(file)).vocab == 2


def test_the_card_can_be_read_as_a_process(tmp_path):
    file = tmp_path / "p.json"
    file.write_text(json.dumps(P.card(named("nemo"))))
    assert same(P.read(file), named("nemo"))


def test_the_type_may_be_left_out(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"transition_matrices": GOOD["transition_matrices"]}))
    assert P.read(file).kind == "hmm" and P.read(file).vocab == 2
    P.write(named("moon"), file)
    file.write_text(json.dumps({k: v for k, v in json.loads(file.read_text()).items() if k != "type"}))
    assert same(P.read(file), named("moon"))


def changed(**fields):
    return json.dumps({k: v for k, v in (GOOD | fields).items() if v is not ...})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON: .* at line 1, column 2"),
        ("[1]", "holds a JSON list; a process is an object with the key transition_matrices"),
        ("\udcff", "is not a JSON text file"),
        ("[" * 100_000, "is not a JSON text file"),
        (changed(inital_state=[1, 0]), "has the key 'inital_state'; did you mean 'initial_state'"),
        (changed(state=["A", "B"]), "has the key 'state'; did you mean 'states'"),
        (changed(type=None), "type is None; it must be 'hmm' or 'ghmm' .* or be left out"),
        (
            changed(type=..., transition_matrices=[[[1.5, -0.5], [0.0, 1.0]]]),
            r'T\[0, 0, 1\] is -0.5; .*, or say "type": "ghmm" if this is',
        ),
        (changed(transition_matrices=...), "has no key 'transition_matrices'"),
        (changed(type="HMM"), "type is 'HMM'; it must be 'hmm' or 'ghmm'"),
        (changed(type=["hmm"]), "it must be 'hmm' or 'ghmm'"),
        (changed(name=3), "name is 3; it must be a string"),
        (changed(states="AB"), "states is 'AB'; it must be a list of strings"),
        (changed(states=["A"]), "1 state names for 2 states"),
        (changed(transition_matrices={}), "transition_matrices is '{}'; it must be a list"),
        (changed(transition_matrices=[]), "at least one entry"),
        (
            changed(transition_matrices=[[0.5, 0.5]]),
            r"transition_matrices\[0\]\[0\] is '0.5'; it must be a list",
        ),
        (
            changed(transition_matrices=[[[1.0, 0.0], [1.0]]]),
            r"transition_matrices\[0\]\[1\] has 1 entries and .*\[0\] has 2",
        ),
        (
            changed(transition_matrices=[[[1.0, "x"], [0.0, 1.0]]]),
            r"transition_matrices\[0\]\[0\]\[1\] is 'x'; it must be a finite number",
        ),
        (changed(transition_matrices=[[[1.0, True], [0.0, 1.0]]]), "must be a finite number"),
        (changed(transition_matrices=[[[1.0, 10**400], [0.0, 1.0]]]), "must be a finite number"),
        (changed(transition_matrices=[[[1.0, float("nan")], [0.0, 1.0]]]), r"T\[0, 0, 1\] is nan"),
        (changed(transition_matrices=[[[0.5, 0.5]]]), r"T has shape \(1, 1, 2\)"),
        (
            changed(transition_matrices=[[[0.5, 0.4], [0.0, 1.0]]]),
            "row 0 of sum_x T.* sums to 0.9; .* divide",
        ),
        (
            changed(transition_matrices=[[[1.5, -0.5], [0.0, 1.0]]]),
            r"T\[0, 0, 1\] is -0.5; a probability cannot be negative",
        ),
        (changed(initial_state=[1.0]), r"start has shape \(1,\)"),
        (changed(initial_state=[0.5, 0.6]), "start sums to 1.1"),
        (changed(initial_state=0.5), "initial_state is '0.5'; it must be a list"),
        (changed(initial_state=[0.5, None]), r"initial_state\[1\] is 'None'; it must be a finite number"),
        (changed(type="ghmm", transition_matrices=[[[0.5]]]), "eigenvalues equal to 1"),
    ],
)
def test_what_is_no_process_says_so(text, complaint, tmp_path):
    file = tmp_path / "bad.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ProcessError, match=complaint) as caught:
        named(str(file))
    assert "\n" not in str(caught.value) and "bad.json" in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(ProcessError, match="there is no file .*none.json"):
        named(str(tmp_path / "none.json"))
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(ProcessError, match="cannot read .*folder.json"):
        P.read(tmp_path / "folder.json")
    with pytest.raises(ProcessError, match="cannot write"):
        P.write(named("coin"), tmp_path / "no" / "p.json")


anything_textual = st.one_of(
    st.text(max_size=8), st.integers(), st.floats(allow_nan=False), st.text("\ud800\n\0é😀'\"\\", max_size=4)
)


@pytest.mark.thorough
@given(
    process=st.sampled_from([named("even"), named("rrxor")]),
    name=anything_textual,
    states=st.lists(anything_textual, min_size=1, max_size=3),
)
def test_whatever_is_accepted_is_written_and_read_as_itself(process, name, states, tmp_path_factory):
    """Names and states may be any text that UTF-8 can write, or numbers, which become strings; others are
    refused when one builds it.
    """
    file = tmp_path_factory.mktemp("p") / "p.json"
    try:
        made = P.hmm(
            process.T, process.start, name=name, states=(states * process.n_states)[: process.n_states]
        )
    except ProcessError as error:
        assert "surrogate" in str(error)
        return
    P.write(made, file)
    assert same(P.read(file), made) and made.name == str(name)


def test_names_are_strings_or_numbers():
    made = P.hmm([[[0.5]], [[0.5]]], name=3, states=[0.5])
    assert made.name == "3" and made.states == ("0.5",)
    for name in (None, True, b"x", ["x"], "\ud800"):
        with pytest.raises(ProcessError, match="name of hmm is "):
            P.hmm([[[0.5]], [[0.5]]], name=name)
    with pytest.raises(ProcessError, match="states of hmm is 'AB'"):
        P.hmm(named("even").T, states="AB")


def test_a_byte_order_mark_is_no_matter(tmp_path):
    file = tmp_path / "p.json"
    P.write(named("even"), file)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert same(P.read(file), named("even"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            '{"type": "hmm", "type": "ghmm", "transition_matrices": [[[1.0]]]}',
            "has the key 'type' twice; delete one",
        ),
        (
            '{"type": "hmm", "transition_matrices": [[[1.0]]], "more": {"a": 1, "a": 2}}',
            "has the key 'a' twice",
        ),
        (
            f'{{"type": "hmm", "transition_matrices": [[[{"9" * 5000}]]]}}',
            "is 'inf'; it must be a finite number",
        ),
        ('{"type": "hmm", "transition_matrices": [[[1.0]]], "name": "\\ud800"}', "lone surrogate"),
    ],
)
def test_what_other_programs_write_wrong_says_so(text, complaint, tmp_path):
    file = tmp_path / "p.json"
    file.write_text(text)
    with pytest.raises(ProcessError, match=complaint) as caught:
        P.read(file)
    assert "\n" not in str(caught.value) and "p.json" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"next": [[0, 1], [1, 1]], "next": [[0]], "forbidden": [1]}', "has the key 'next' twice"),
        (f'{{"next": [[{"9" * 5000}, 0]], "forbidden": []}}', "must be an array of integers"),
        ('{"next": [[0, 1], [1]], "forbidden": [1]}', "not an array of numbers"),
        ('{"next": [[0, 1.5], [1, 1]], "forbidden": [1]}', "must be an array of integers"),
        ('{"next": [[0, 1], [1, 1]], "forbidden": ["1"]}', "not an array of numbers"),
        ('{"next": [[0, 1], [1, 1]], "forbidden": 1}', "list of state numbers"),
        ('{"next": [[0, 1], [1, 1]], "forbidden": [1], "start": 0.5}', "start of automaton is 0.5"),
        ('{"next": [[0, 1], [1, 1]], "forbidden": [1], "name": null}', "name of automaton is None"),
        ("[" * 100_000, "is not a JSON text file"),
    ],
)
def test_constraints_in_files_say_so_too(text, complaint, tmp_path):
    file = tmp_path / "c.json"
    file.write_text(text)
    with pytest.raises(ProcessError, match=complaint) as caught:
        named(f"given(coin; {file})")
    assert "\n" not in str(caught.value) and "c.json" in str(caught.value)
    file.write_bytes(b"\xef\xbb\xbf" + b'{"next": [[0, 1], [1, 1]], "forbidden": [1]}')
    assert named(f"given(coin; {file})").vocab == 2
