"""The schema and the reader agree: what the reader takes fits, and what does not fit is refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.json_schema import fits

import processes
from processes import ProcessError, named, read
from processes.interchange.schema import SCHEMA
from processes.interchange.template import template
from processes.strategies import hmms

from .test_other_programs import coins, factored

ROOT = Path(__file__).parents[3]
GOOD = {
    "matrices": {"transition_matrices": [[[0.5]], [["1/2"]]]},
    "all keys": {
        "notes": ["mine"],
        "type": "hmm",
        "name": "mine",
        "states": ["A", "B"],
        "transition_matrices": [[[0.5, 0.0], [0.25, 0.25]], [[0.0, 0.5], [0.25, 0.25]]],
        "initial_state": [0.5, 0.5],
    },
    "states emit": {
        "transition": [[0.5, 0.5], ["1/3", "2/3"]],
        "emission": [[1, 0], [0.5, 0.5]],
        "emits": "arrived",
    },
    "states emit from a start": {
        "start": [1, 0],
        "transition": [[0.5, 0.5], [0, 1]],
        "emission": [[1], [1]],
        "name": "x",
    },
    "mixture": {
        "type": "nonergodic",
        "components": [{"transition_matrices": [[[1]]]}, {"transition": [[1]], "emission": [[0.5, 0.5]]}],
        "weights": ["1/3", "2/3"],
        "vocab_maps": [[2], [0, 1]],
    },
    "factors": factored({"type": "sequential", "control_maps": [None, [0, 1]]}, coins(0.6), coins(0.7, 0.2)),
    "simplexity": {"process_name": "mess3", "process_params": {"x": 0.1, "a": 0.5}},
}


def reads(content, file) -> bool:
    file.write_text(json.dumps(content))
    try:
        read(file)
    except ProcessError as error:
        assert "\n" not in str(error)
        return False
    return True


@pytest.mark.parametrize("name", GOOD)
def test_what_is_read_fits(name, tmp_path):
    assert reads(GOOD[name], tmp_path / "mine.json") and fits(GOOD[name], SCHEMA)


@given(hmms())
@settings(max_examples=20)
def test_whatever_is_written_fits(tmp_path_factory, process):
    file = tmp_path_factory.mktemp("p") / "p.json"
    for made in (process, named("moon"), process * named("coin")):
        processes.write(made, file)
        assert fits(json.loads(file.read_text()), SCHEMA)


JUNK = st.sampled_from([None, True, -1, 0.5, "x", "1/3", [], {}, [[]], ["1/0"], [0, 1], "hmm", [None]])


def places(value, path=()):
    """Every place inside a value."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, v in inner:
        yield from places(v, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


@given(name=st.sampled_from([*GOOD]), data=st.data())
@settings(max_examples=400)
def test_what_does_not_fit_is_refused(name, data, tmp_path_factory):
    """One place of a good file holds something else: a sentence of the reader at least where the schema says
    no.
    """
    path = data.draw(st.sampled_from([*places(GOOD[name])]))
    content = replaced(GOOD[name], path, data.draw(JUNK))
    read_all_the_same = reads(content, tmp_path_factory.mktemp("p") / "p.json")
    assert fits(content, SCHEMA) or not read_all_the_same


def test_a_schema_that_asks_less_would_be_noticed():
    assert not fits({"transition_matrices": [[["x"]]]}, SCHEMA) and not fits(
        {"transition_matrices": []}, SCHEMA
    )
    assert not fits({"type": "HMM", "transition_matrices": [[[1]]]}, SCHEMA) and not fits({}, SCHEMA)
    assert fits({"transition_matrices": [[["x"]]]}, {**SCHEMA, "anyOf": [{"type": "object"}]})


@pytest.mark.parametrize("states_emit", [False, True])
@pytest.mark.parametrize("like", ["nemo", "rrxor", "mess3", "given(coin; no 11)"])
def test_templates_are_read_as_they_are(like, states_emit, tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(template("mine.json", like=named(like), states_emit=states_emit))
    content, process = json.loads(file.read_text()), read(file)
    assert fits(content, SCHEMA) and process.name == "mine"
    assert any("toylab run" in note for note in content["notes"])
    assert states_emit or process == processes.hmm(named(like).T, named(like).start)
    assert max(map(len, file.read_text().splitlines())) < 130


def test_the_template_of_a_start_that_is_not_stationary_keeps_it(tmp_path):
    process = processes.hmm(named("even").T, [1, 0], name="x")
    (tmp_path / "x.json").write_text(template("x.json", like=process, states_emit=False))
    assert read(tmp_path / "x.json") == process
    with pytest.raises(ProcessError, match="generalised HMM"):
        template("x.json", like=named("moon"), states_emit=False)
