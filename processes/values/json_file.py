"""JSON files that people wrote: one object, each key once, and a sentence for everything else."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .checks import ProcessError

MOST_DIGITS = 400
"""Integers of more digits are read as floats, hence as infinite: beyond 1e308, and slow to read exactly."""


def json_object(path: Path, what: str, keys: Sequence[str]) -> dict[str, Any]:
    """The object in a JSON file, with a byte-order mark or without.

    Raises `ProcessError`, naming the file, if it is not there, not readable, not text, not JSON, not an
    object, or has a key twice. `keys` are those that it needs.
    """
    needed = f"the key{'s' * (len(keys) > 1)} {', '.join(keys)}"
    try:
        found = json.loads(
            path.read_text(encoding="utf-8-sig"), object_pairs_hook=_each_once, parse_int=_integer
        )
    except FileNotFoundError:
        raise ProcessError(f"there is no file {path}; give the path of a JSON file with {needed}") from None
    except OSError as error:
        raise ProcessError(
            f"cannot read {path}: {error.strerror}; give the path of a readable JSON file"
        ) from None
    except (UnicodeDecodeError, RecursionError):
        raise ProcessError(f"{path} is not a JSON text file; {what} is an object with {needed}") from None
    except json.JSONDecodeError as error:
        raise ProcessError(
            f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}; correct it there"
        ) from None
    except ValueError as error:  # a path that no file can have
        raise ProcessError(f"cannot read {path}: {error}; give the path of a readable JSON file") from None
    except _Twice as error:
        raise ProcessError(f"{path} has the key {error.args[0]!r} twice; delete one of them") from None
    if not isinstance(found, dict):
        raise ProcessError(f"{path} holds a JSON {type(found).__name__}; {what} is an object with {needed}")
    return found


class _Twice(Exception):
    """A key that is there twice."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(key)
        found[key] = value
    return found


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)
