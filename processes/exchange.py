"""Processes as files: JSON that other programs can write and read, and that loses no digit."""

import json
import sys
from pathlib import Path
from typing import Any

from .process import Process, ProcessError, ghmm, hmm
from .whole import write_json

KEYS = ("type", "transition_matrices", "initial_state", "name", "states")


def write(process: Process, path: str | Path) -> None:
    """Write a process as JSON: `type`, `name`, `states`, `initial_state` (S,) and `transition_matrices` (V, S, S), T[x][i][j].

    Numbers are written as the shortest decimals that read back as the same float64. `w` is not written: it follows from T.
    Raises `ProcessError` if the file cannot be written.
    """
    record = {
        "type": process.kind,
        "name": process.name,
        "states": list(process.states),
        "initial_state": process.start.tolist(),
        "transition_matrices": process.T.tolist(),
    }
    try:
        write_json(Path(path), record, indent=None)
    except OSError as error:
        raise ProcessError(f"cannot write {path}: {error.strerror}; choose another place") from None


def read(path: str | Path) -> Process:
    """The process in a JSON file: `type` (hmm or ghmm) and `transition_matrices`; `initial_state`, `name` and `states` may be missing.

    The start law is the stationary one if it is missing, the name that of the file. Other keys are ignored, so that the output
    of `toylab process NAME --json` can be read as well. Raises `ProcessError`, naming the file, if there is no such file, if it is
    not JSON, if a key is missing or of the wrong type, and if the numbers are no process (naming the row and the value).
    """
    record = _load(Path(path))
    missing = [key for key in KEYS[:2] if key not in record]
    if missing:
        raise ProcessError(f"{path} has no key {missing[0]!r}; a process needs {KEYS[0]!r} and {KEYS[1]!r}")
    if record["type"] not in ("hmm", "ghmm"):
        raise ProcessError(f"{path}: type is {record['type']!r}; it must be 'hmm' or 'ghmm'")
    name, states = record.get("name", Path(path).stem), record.get("states")
    if not isinstance(name, str):
        raise ProcessError(f"{path}: name is {name!r}; it must be a string")
    if states is not None and not (isinstance(states, list) and all(isinstance(s, str) for s in states)):
        raise ProcessError(f"{path}: states is {states!r}; it must be a list of strings, one per state")
    T, start = record["transition_matrices"], record.get("initial_state")
    _numbers(T, 3, f"{path}: transition_matrices")
    if start is not None:
        _numbers(start, 1, f"{path}: initial_state")
    build = hmm if record["type"] == "hmm" else ghmm
    try:
        return build(T, start, name=name, states=states)
    except ProcessError as error:
        raise ProcessError(f"{path} holds no process: {error}") from None


def _load(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProcessError(f"there is no file {path}; give the path of a JSON file that `processes.write` could have written") from None
    except OSError as error:
        raise ProcessError(f"cannot read {path}: {error.strerror}; give the path of a readable JSON file") from None
    except (UnicodeDecodeError, RecursionError):
        raise ProcessError(f"{path} is not a JSON text file; write it with `processes.write`, or see its docstring for the keys") from None
    except json.JSONDecodeError as error:
        raise ProcessError(f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}; correct it there") from None
    if not isinstance(record, dict):
        raise ProcessError(f"{path} holds a JSON {type(record).__name__}; a process is an object with the keys {', '.join(KEYS)}")
    return record


def _numbers(value: Any, depth: int, where: str) -> None:
    """Raise unless `value` is `depth` levels of non-empty, equally long lists of numbers, naming the first entry that is not."""
    if depth == 0:
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > sys.float_info.max:
            raise ProcessError(f"{where} is {str(value)[:40]!r}; it must be a finite number")
        return
    if not isinstance(value, list) or not value:
        raise ProcessError(f"{where} is {str(value)[:40]!r}; it must be a list with at least one entry")
    for i, entry in enumerate(value):
        _numbers(entry, depth - 1, f"{where}[{i}]")
        if depth > 1 and len(entry) != len(value[0]):
            raise ProcessError(f"{where}[{i}] has {len(entry)} entries and {where}[0] has {len(value[0])}; give every row equally many")
