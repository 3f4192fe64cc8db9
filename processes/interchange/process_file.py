"""Processes as files: JSON that other programs can write and read, and that loses no digit."""

import difflib
import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..process import Process, ProcessError, ghmm, hmm
from ..values.checks import checked
from ..values.identity import Identity, bits, identified
from ..values.json_file import json_object
from ..values.structure import FromFile
from ..values.whole_file import write_json

FRACTION = re.compile(r"([-+]?\d{1,15})\s*/\s*(\d{1,15})")
KEYS = ("type", "transition_matrices", "initial_state", "name", "states")
OURS = (*KEYS, "right_vector")
"""Keys that are read."""


@checked
def write(process: Process, path: str | Path) -> None:
    """Write a process as JSON: `type`, `name`, `states`, `initial_state` (S,) and `transition_matrices` (V,
    S, S), T[x][i][j].

    Numbers are written as the shortest decimals that read back as the same float64. Of a generalised HMM
    `right_vector`, its w, is written as well, because T leaves its length open. With them go the `identity`
    of the process and a `seal` over both, so that the file is read as the process that was written, by its
    text or its parts where it has such an identity, and its `spec`, by which it knows what it is made of
    (null where there is no such text, left out where that is another file). Of a file whose numbers were
    changed afterwards the seal is broken, and it is what its numbers say. Raises `ProcessError` if the file
    cannot be written.
    """
    try:
        write_json(Path(path), record(process), indent=None)
    except OSError as error:
        raise ProcessError(f"cannot write {path}: {error.strerror}; choose another place") from None


def record(process: Process) -> dict[str, Any]:
    """What `write` writes, as plain values."""
    return {
        "type": process.kind,
        "name": process.name,
        "states": list(process.states),
        "initial_state": process.start.tolist(),
        "transition_matrices": process.T.tolist(),
        **({"right_vector": process.w.tolist()} if process.kind == "ghmm" else {}),
        **({} if isinstance(process.made_of, FromFile) else {"spec": process.spec}),
        "identity": process.identity,
        "seal": _seal(process.kind, process.identity, process.T, process.start),
    }


def load(path: str | Path) -> dict[str, Any]:
    """The object in a JSON file, whatever it describes; raises `ProcessError` where there is none."""
    return json_object(Path(path), "a process", KEYS[1:2])


def numbers(found: Mapping[str, Any], path: str | Path) -> Process:
    """The process that the numbers in a JSON object are, whose file errors name (`names.reading.read` asks
    whether it is what the file gives as its `spec`).

    `type` may be left out: it is hmm, or ghmm where there is a `right_vector`.
    """
    if KEYS[1] not in found:
        raise ProcessError(
            f"{path} has no key {KEYS[1]!r}; a process needs it, and whatever else may be missing"
        )
    _no_misspelt_keys(found, path)
    kind = found.get("type")
    if kind is None and "type" in found or kind not in (None, "hmm", "ghmm"):
        raise ProcessError(
            f"{path}: type is {kind!r}; it must be 'hmm' or 'ghmm' (or 'nonergodic' or 'factored', of other "
            "generators), or be left out"
        )
    name, states = found.get("name", Path(path).stem), found.get("states")
    if not isinstance(name, str):
        raise ProcessError(f"{path}: name is {name!r}; it must be a string")
    if states is not None and not (isinstance(states, list) and all(isinstance(s, str) for s in states)):
        raise ProcessError(f"{path}: states is {states!r}; it must be a list of strings, one per state")
    T, start = numeric(found[KEYS[1]], 3, f"{path}: {KEYS[1]}"), found.get("initial_state")
    if start is not None:
        start = numeric(start, 1, f"{path}: initial_state")
    if kind is None:
        kind = "ghmm" if "right_vector" in found else "hmm"
    w = found.get("right_vector") if kind == "ghmm" else None
    if w is not None:
        w = numeric(w, 1, f"{path}: right_vector")
    try:
        made = (
            hmm(T, start, name=name, states=states)
            if kind == "hmm"
            else ghmm(T, start, w=w, name=name, states=states)
        )
    except ProcessError as error:
        signed = "type" not in found and "negative" in str(error)
        hint = ', or say "type": "ghmm" if this is a generalised HMM' * signed
        raise ProcessError(f"{path} holds no process: {error}{hint}") from None
    identity: Any = found.get("identity")
    whole = (
        isinstance(identity, list)
        and start is not None
        and found.get("seal") == _seal(kind, identity, T, start)
    )
    return identified(made, *identity) if whole else made


def _no_misspelt_keys(found: Mapping[str, Any], path: str | Path) -> None:
    """Raise `ProcessError` on a key that is nearly one of ours, which it would be ignored as."""
    for key in found:
        near = difflib.get_close_matches(key, OURS, n=1, cutoff=0.8) if key not in OURS else []
        if near and near[0] not in found:
            raise ProcessError(
                f"{path} has the key {key!r}; did you mean {near[0]!r}? Write it so, or call what is yours "
                "otherwise"
            )


def _seal(kind: str, identity: Identity, T: Any, start: Any) -> str:
    return hashlib.sha256(json.dumps([kind, identity, bits(T), bits(start)]).encode()).hexdigest()


def numeric(value: Any, depth: int, where: str) -> Any:
    """`depth` levels of non-empty, equally long lists of numbers, fractions such as "1/3" made into numbers.

    Raises `ProcessError` on anything else, naming the first entry that is wrong.
    """
    if depth == 0:
        found = _fraction(value) if isinstance(value, str) else value
        if isinstance(found, bool) or not isinstance(found, int | float) or abs(found) > sys.float_info.max:
            raise ProcessError(
                f'{where} is {str(value)[:40]!r}; it must be a finite number, or a fraction in quotes, "1/3"'
            )
        return found
    if not isinstance(value, list) or not value:
        raise ProcessError(f"{where} is {str(value)[:40]!r}; it must be a list with at least one entry")
    rows = [numeric(entry, depth - 1, f"{where}[{i}]") for i, entry in enumerate(value)]
    if depth > 1 and (i := next((i for i, row in enumerate(rows) if len(row) != len(rows[0])), None)):
        raise ProcessError(
            f"{where}[{i}] has {len(rows[i])} entries and {where}[0] has {len(rows[0])}; give every row "
            "equally many"
        )
    return rows


def _fraction(text: str) -> float | None:
    """`1/3` as a number; None of anything else."""
    found = FRACTION.fullmatch(text.strip())
    return int(found[1]) / int(found[2]) if found and int(found[2]) else None
