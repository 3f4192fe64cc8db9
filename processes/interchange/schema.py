"""The JSON schema of files of processes: what `read` takes, for editors and other programs."""

from collections.abc import Mapping
from typing import Any

from .composites import COMPOSITES, STRUCTURES
from .simplexity import NAMES


def _array(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": items}


def _or_null(schema: Mapping[str, Any], description: str | None = None) -> dict[str, Any]:
    """What may be left out, or be null."""
    said = {} if description is None else {"description": description}
    return {"anyOf": [{"type": "null"}, schema]} | said


NUMBER = {"$ref": "#/$defs/number"}
VECTOR, MATRIX, CUBE = _array(NUMBER), _array(_array(NUMBER)), _array(_array(_array(NUMBER)))
NAMED = {
    "name": {"type": "string", "description": "How people call it; the name of the file if it is left out."},
    "notes": {"description": "Whatever you like; not read."},
}
STATES = {
    "type": "array",
    "items": {"type": "string"},
    "description": "Names of the hidden states, in order; numbers if they are left out.",
}
INDICES = {"type": "array", "items": {"type": "integer", "minimum": 0}}
MAPS = {"type": "array", "items": {"anyOf": [{"type": "null"}, INDICES]}}

FIRST = "Distribution of the first state; the stationary one if it is left out."

LABELLED = {
    "title": "Labelled transition matrices",
    "type": "object",
    "required": ["transition_matrices"],
    "properties": {
        **NAMED,
        "type": {"enum": ["hmm", "ghmm"], "description": "hmm if it is left out."},
        "states": _or_null(STATES),
        "transition_matrices": CUBE
        | {"description": "T[x][i][j]: the probability, in state i, to emit symbol x and go to state j."},
        "initial_state": _or_null(VECTOR, FIRST),
        "right_vector": _or_null(VECTOR, "Of a generalised HMM: w with sum_x T[x] w = w."),
    },
}
EMITTING = {
    "title": "States that emit",
    "type": "object",
    "required": ["transition", "emission"],
    "properties": {
        **NAMED,
        "states": _or_null(STATES),
        "start": _or_null(VECTOR, FIRST),
        "transition": MATRIX | {"description": "[i][j]: the probability to go from state i to state j."},
        "emission": MATRIX | {"description": "[i][x]: the probability of symbol x in state i."},
        "emits": {
            "enum": ["left", "arrived"],
            "description": "Whether a step emits from the state it leaves, or from the one it arrives at.",
        },
    },
}
MIXED = {
    "title": "One of several processes, drawn once and for ever",
    "type": "object",
    "required": ["type", "components", "weights"],
    "properties": {
        **NAMED,
        "type": {"const": COMPOSITES[0]},
        "components": _array({"$ref": "#"}),
        "weights": VECTOR,
        "vocab_maps": _or_null(_array(INDICES), "Of each component: its symbols here."),
    },
}
FACTOR = {
    "type": "object",
    "required": ["transition_matrices"],
    "properties": {
        "component_type": {"enum": ["hmm", "ghmm"]},
        "transition_matrices": _array(CUBE) | {"description": "Variants: [k][x][i][j]."},
        "initial_state": _or_null(VECTOR, "Needed where there are several variants."),
        "vocab_size": {"type": "integer", "minimum": 1},
    },
}
FACTORED = {
    "title": "Factors side by side, which may choose each other's variants",
    "type": "object",
    "required": ["type", "factors", "structure"],
    "properties": {
        **NAMED,
        "type": {"const": COMPOSITES[1]},
        "factors": _array(FACTOR),
        "structure": {
            "type": "object",
            "required": ["type"],
            "properties": {
                "type": {"enum": [s for s in STRUCTURES if s != "fully_conditional"]},
                "variant_indices": _or_null(INDICES),
                "control_maps": _or_null(MAPS),
                "transition_control_maps": _or_null(MAPS),
                "emission_variant_indices": _or_null(INDICES),
                "emission_control_maps": _or_null(MAPS),
            },
        },
        "composite_encoding": _or_null(
            {
                "type": "object",
                "required": ["type", "token_to_tuple"],
                "properties": {"type": {"const": "explicit"}, "token_to_tuple": _array(INDICES)},
            }
        ),
    },
}
CONFIGURED = {
    "title": "A process by its name in simplexity",
    "type": "object",
    "required": ["process_name", "process_params"],
    "properties": {**NAMED, "process_name": {"enum": [*NAMES]}, "process_params": {"type": "object"}},
}
SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A process, as toylab reads it",
    "anyOf": [LABELLED, EMITTING, MIXED, FACTORED, CONFIGURED],
    "$defs": {
        "number": {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "pattern": r"^\s*[-+]?\d{1,15}\s*/\s*\d{1,15}\s*$"},
            ],
            "description": 'A number, or a fraction in quotes: "1/3".',
        }
    },
}
"""What it cannot say, that rows sum to one and lengths agree, the reader says."""
