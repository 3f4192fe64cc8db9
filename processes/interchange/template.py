"""Templates for processes of one's own: JSON files that explain themselves and can be run as they are."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..process import Process, ProcessError

EDGES = (
    "Change the numbers, then `toylab process {file}` and `toylab run {file}`.",
    "transition_matrices[x][i][j] is the probability, in hidden state i, to emit symbol x and go to state j.",
    'For every state i the entries of all x and j sum to 1. Fractions stand in quotes, like "1/3".',
    "`states` are names for the figures; without them states are numbered.",
    "`initial_state`, not there yet, is the distribution of the first state; without it, the stationary one.",
    "These notes, and any other key, are ignored: keep your own here.",
)
STATES = (
    "Change the numbers, then `toylab process {file}` and `toylab run {file}`.",
    "transition[i][j] is the probability to go from state i to j, emission[i][x] that of symbol x in i.",
    'Every row sums to 1. Fractions stand in quotes, like "1/3".',
    '`emits`: with "left" beliefs are about the state to emit next, with "arrived" about the last that did.',
    "`states` are names for the figures; without them states are numbered.",
    "`start`, not there yet, is the distribution of the first state; without it, the stationary one.",
    "These notes, and any other key, are ignored: keep your own here.",
)
"""What stands in a template, one sentence an entry."""
WEATHER: Mapping[str, Any] = {
    "states": ["rain", "clouds", "sun"],
    "emits": "left",
    "transition": [[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7]],
    "emission": [[0.9, 0.1], [0.5, 0.5], [0.05, 0.95]],
}
"""Rain, clouds and sun, and whether there are umbrellas: infinitely many beliefs."""


def template(file: str, *, like: Process, states_emit: bool) -> str:
    """The text of a template: with the numbers of a process, or with three states that emit."""
    name = file.rpartition("/")[2].removesuffix(".json")
    notes = [note.format(file=file) for note in (STATES if states_emit else EDGES)]
    if states_emit:
        return written({"notes": notes, "name": name, **WEATHER})
    if like.kind != "hmm":
        raise ProcessError(
            f"{like.name} is a generalised HMM, whose entries are no probabilities to edit; "
            "`processes.write` writes it as it is"
        )
    start = {} if like.is_stationary else {"initial_state": like.start.tolist()}
    told = {"notes": notes, "name": name, "states": list(like.states), **start}
    return written({**told, "transition_matrices": like.T.tolist()})


def written(content: Mapping[str, Any]) -> str:
    """JSON that people edit: every innermost list on a line of its own."""
    lines = [f"  {json.dumps(key)}: {_indented(value, 2)}" for key, value in content.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _indented(value: Any, depth: int) -> str:
    nested = isinstance(value, Sequence) and any(isinstance(v, list) or len(str(v)) > 40 for v in value)
    if isinstance(value, str) or not nested:
        return json.dumps(value)
    inside = f",\n{' ' * (depth + 2)}".join(_indented(v, depth + 2) for v in value)
    return f"[\n{' ' * (depth + 2)}{inside}\n{' ' * depth}]"
