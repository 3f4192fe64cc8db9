"""Constraints and constrained processes as one writes them: `no 11`, `given(coin; no 11)`, `guarded(mess3; no
00; never 2; p=0.5)`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..constraints.automaton import Automaton, automaton, conjunction
from ..constraints.conditioned import conditioned
from ..constraints.library import (
    at_most,
    at_most_in_a_row,
    bounded_depth,
    forbidden_word,
    order,
    parity,
    period,
    phases,
)
from ..constraints.load import conflicting_subset
from ..constraints.parity_checks import parity_checks
from ..constraints.protocol import Protocol, Subset, independent_law, protocol
from ..process import Process, ProcessError, renamed
from ..values.checks import checked
from ..values.json_file import json_object

WORD = r"[0-9]+(?:,[0-9]+)*"
"""Symbols: digits side by side, or numbers parted by commas where the alphabet has more than ten."""

KEYS = ("next", "forbidden", "start", "final", "name")
"""Of a constraint in a file."""


@checked
def constraint(text: str, vocab: int) -> Automaton:
    """The constraint that `text` means, on `vocab` symbols.

    `no 011`                         that word occurs nowhere                     `never 02`       none of
        these symbols
    `only 01`, `phases 01/2`         these symbols only; in turns                 `0 before 1`     no 1 until
        there was a 0
    `at most 2 of 1`                 in the whole word                            `at most 2 of 1 in a row`
    `even number of 1 in every 4`    (or odd) in every block of so many           `period 3`       the word
        repeats
    `depth of 0/1 at most 2`         brackets, 0 opens and 1 closes               `checks 110/011` GF(2)
        checks, a row each; `= 01` a syndrome
    `FILE.json`                      {"next": [[..]], "forbidden": [..], "start": 0, "final": [..]}, the last
                                     two if need be

    Symbols above 9 are parted by commas: `no 10,11`. Raises `ProcessError` on anything else, and where the
    automaton itself does.
    """
    text = text.strip()
    if text.endswith(".json"):
        return _from_file(Path(text), vocab)
    for pattern, build in SPELLINGS.items():
        if found := re.fullmatch(pattern, text):
            return replace(build(vocab, *found.groups()), name=text)
    raise ProcessError(
        f"cannot read the constraint {text!r}; write it like `no 11`, `never 2`, `only 01`, `phases 01/2`, "
        "`0 before 1`, `at most 2 of 1 in a row`, "
        "`even number of 1 in every 4`, `period 3`, `depth of 0/1 at most 2`, `checks 110/011`, or give a "
        ".json file"
    )


@checked
def constrained(spec: str, named: Callable[[str], Process]) -> Process | None:
    """The process that `spec` constrains, or None if it is not written as one of

    `given(BASE; C1; C2)`              the base conditioned on all of these constraints for ever
                                       (`conditioned`)
    `guarded(BASE; C1; C2; p=0.5)`     control tokens, each constraint on with this probability, then the
                                       conditioned base (`protocol`)
    `guarded(BASE; C1; C2; on=none,0,01)`   the same with these subsets of constraints, by number, equally
                                            likely

    Raises `ProcessError` where a part cannot be read, and for contradictory constraints, naming those that
    conflict.
    """
    parts = _parts(spec)
    if parts is None:
        return None
    if parts[0] == "guarded":
        return renamed(named_protocol(spec, named).process(), spec.strip())
    base, constraints = named_given(spec, named)
    if conflict := conflicting_subset(base, constraints):
        names = ", ".join(constraints[k].name for k in conflict)
        raise ProcessError(
            f"{base.name} cannot satisfy {names} for ever (infinite load); drop "
            f"{'one of them' if len(conflict) > 1 else 'it'}"
        )
    return renamed(conditioned(base, conjunction(constraints)), spec.strip())


@checked
def kind(spec: str) -> str | None:
    """`given` or `guarded`, or None if it is neither."""
    parts = _parts(spec)
    return None if parts is None else parts[0]


@checked
def named_given(spec: str, named: Callable[[str], Process]) -> tuple[Process, list[Automaton]]:
    """The base and the constraints behind `given(...)`. Raises `ProcessError` if `spec` is not written so,
    and where `constrained` does.
    """
    parts = _parts(spec)
    if parts is None or parts[0] != "given":
        raise ProcessError(f"{spec!r} is no conditioned process; write given(BASE; CONSTRAINT; ...)")
    return _read(spec, parts[1:], named)


@checked
def named_protocol(spec: str, named: Callable[[str], Process]) -> Protocol:
    """The protocol behind `guarded(...)`: its constraints, their loads, and the exact body of every subset.

    Raises `ProcessError` if `spec` is not written so, and where `constrained` does.
    """
    parts = _parts(spec)
    if parts is None or parts[0] != "guarded":
        raise ProcessError(f"{spec!r} is no guarded process; write guarded(BASE; CONSTRAINT; ...; p=0.5)")
    *written, law = parts[1:]
    if "=" not in law or law.split("=")[0].strip() not in ("p", "on"):
        raise ProcessError(
            f"{spec!r} does not say when its constraints are on; end it with p=PROBABILITY or on=none,0,01 "
            "(subsets by number)"
        )
    base, constraints = _read(spec, written, named)
    return protocol(base, constraints, _law(*law.split("=", 1), n=len(constraints)))


def _parts(spec: str) -> list[str] | None:
    """The kind, and what stands between the semicolons of its brackets; None if it is no such expression."""
    found = re.fullmatch(r"\s*(given|guarded)\s*\((.*)\)\s*", spec, re.DOTALL)
    if found is None:
        return None
    parts, depth = [""], 0
    for c in found[2]:
        depth += (c == "(") - (c == ")")
        if depth < 0:  # `given(..) * given(..)`: two expressions
            return None
        if c == ";" and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [found[1], *(part.strip() for part in parts)]


def _read(spec: str, parts: list[str], named: Callable[[str], Process]) -> tuple[Process, list[Automaton]]:
    if len(parts) < 2 or "" in parts:
        raise ProcessError(
            f"{spec!r} names no constraint, or an empty one; write the base and then its constraints, parted "
            "by semicolons"
        )
    base = named(parts[0])
    return base, [constraint(text, base.vocab) for text in parts[1:]]


def _law(kind: str, value: str, *, n: int) -> Mapping[Subset, float]:
    if kind.strip() == "p":
        try:
            p = number(value)
        except (ValueError, ZeroDivisionError):
            p = -1.0
        if not 0 <= p <= 1:
            raise ProcessError(
                f"p is {value.strip()!r}; it is the probability of each constraint to be on, from 0 to 1"
            )
        return independent_law(n, p=p)
    subsets = [() if s.strip() == "none" else s.strip() for s in value.split(",")]
    if not all(s == () or (str(s).isdigit() and len(set(s)) == len(s)) for s in subsets):
        raise ProcessError(f"on is {value.strip()!r}; write subsets of constraints by number, like none,0,01")
    law: dict[Subset, float] = {}
    for s in subsets:
        on = tuple(sorted(map(int, s)))
        law[on] = law.get(on, 0.0) + 1 / len(subsets)
    return law


def number(text: str) -> float:
    """A number as one writes it: a decimal or a fraction, `0.5` or `1/2`. Raises `ValueError` or
    `ZeroDivisionError`.
    """
    above, _, below = text.partition("/")
    return float(above) / float(below) if below else float(text)


def _from_file(path: Path, vocab: int) -> Automaton:
    record = json_object(path, "a constraint", KEYS)
    if not {"next", "forbidden"} <= set(record) <= set(KEYS):
        raise ProcessError(
            f"{path} holds no constraint; it needs the keys 'next' and 'forbidden' and may have 'start', "
            "'final' and 'name'"
        )
    try:
        made = automaton(
            record["next"],
            record["forbidden"],
            start=record.get("start", 0),
            final=record.get("final"),
            name=record.get("name", path.stem),
        )
    except ProcessError as error:
        raise ProcessError(f"{path} holds no constraint: {error}") from None
    if made.vocab != vocab:
        raise ProcessError(
            f"{path} reads {made.vocab} symbols, but the base emits {vocab}; give every row of next one "
            "entry a symbol"
        )
    return made


def _symbols(text: str) -> list[int]:
    return [int(x) for x in (text.split(",") if "," in text else text)]


def _never(vocab: int, symbols: str) -> Automaton:
    banned = _symbols(symbols)
    if outside := [x for x in banned if x >= vocab]:
        raise ProcessError(f"symbol {outside[0]} is not in the alphabet; symbols are 0 to {vocab - 1}")
    if set(banned) == set(range(vocab)):
        raise ProcessError(
            f"never {symbols} forbids all {vocab} symbols, so its language is empty; leave one"
        )
    return phases([set(range(vocab)) - set(banned)], vocab=vocab)


def _checks(vocab: int, rows: str, syndrome: str | None) -> Automaton:
    H = [_symbols(row) for row in rows.split("/")]
    if vocab != 2 or len(set(map(len, H))) > 1:
        raise ProcessError(
            f"the checks {rows} need rows of one length and two symbols, not {vocab}; see parity_checks"
        )
    return parity_checks(np.array(H), None if syndrome is None else np.array(_symbols(syndrome)))


SPELLINGS: Mapping[str, Callable[..., Automaton]] = {
    rf"no ({WORD})": lambda v, word: forbidden_word(_symbols(word), vocab=v),
    rf"never ({WORD})": _never,
    rf"only ({WORD})": lambda v, symbols: phases([_symbols(symbols)], vocab=v),
    rf"phases ({WORD}(?:/{WORD})*)": lambda v, turns: phases(
        [_symbols(s) for s in turns.split("/")], vocab=v
    ),
    r"(\d+) before (\d+)": lambda v, first, second: order(int(first), int(second), vocab=v),
    r"at most (\d+) of (\d+)": lambda v, m, x: at_most(int(m), int(x), vocab=v),
    r"at most (\d+) of (\d+) in a row": lambda v, m, x: at_most_in_a_row(int(m), int(x), vocab=v),
    r"(even|odd) number of (\d+) in every (\d+)": lambda v, which, x, n: parity(
        int(x), vocab=v, odd=which == "odd", period=int(n)
    ),
    r"period (\d+)": lambda v, n: period(int(n), vocab=v),
    r"depth of (\d+)/(\d+) at most (\d+)": lambda v, a, b, d: bounded_depth(
        int(a), int(b), vocab=v, depth=int(d), closed=False
    ),
    r"checks ([01]+(?:/[01]+)*)(?: = ([01]+))?": _checks,
}
"""How a constraint is written, and what it means there."""
