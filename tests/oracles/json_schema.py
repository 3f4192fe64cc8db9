"""As much of JSON Schema as the schema of processes uses, by its specification."""

import re
from typing import Any

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "null": lambda v: v is None,
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "integer": lambda v: isinstance(v, int | float) and not isinstance(v, bool) and v == int(v),
}
SAID = {"title", "description", "$schema", "$defs"}
"""Keywords that ask nothing."""


def fits(value: Any, schema: dict[str, Any], whole: dict[str, Any] | None = None) -> bool:
    """Whether a value is what a schema describes; an unknown keyword is an error."""
    whole = schema if whole is None else whole
    asks = {
        "$ref": lambda ref: fits(value, _found(whole, ref), whole),
        "anyOf": lambda options: any(fits(value, option, whole) for option in options),
        "type": lambda name: TYPES[name](value),
        "enum": lambda values: value in values,
        "const": lambda other: value == other,
        "required": lambda keys: not isinstance(value, dict) or all(k in value for k in keys),
        "properties": lambda inner: (
            not isinstance(value, dict)
            or all(fits(value[k], s, whole) for k, s in inner.items() if k in value)
        ),
        "items": lambda inner: not isinstance(value, list) or all(fits(v, inner, whole) for v in value),
        "minItems": lambda n: not isinstance(value, list) or len(value) >= n,
        "minimum": lambda n: not TYPES["number"](value) or value >= n,
        "pattern": lambda text: not isinstance(value, str) or re.search(text, value) is not None,
    }
    return all(asks[keyword](asked) for keyword, asked in schema.items() if keyword not in SAID)


def _found(whole: dict[str, Any], ref: str) -> dict[str, Any]:
    for part in ref.removeprefix("#").strip("/").split("/"):
        whole = whole[part] if part else whole
    return whole
