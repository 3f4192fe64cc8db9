"""Constraints as sentences, `no 11`, `at most 2 of 1 in a row`, and the processes that such sentences
constrain."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..constraints.automaton import Automaton, automaton, conjunction, said
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
from ..constraints.protocol import Protocol, protocol
from ..constraints.subsets import Subset, equal_law, independent_law, read_subset
from ..process import Process, ProcessError
from ..values.checks import checked
from ..values.json_file import json_object
from .grammar import keyword, number, pieces
from .tree import Place

WORD = r"[0-9]+(?:,[0-9]+)*,?"
"""Symbols: digits side by side, or numbers parted by commas where one is above 9 (`12,` alone)."""

KEYS = ("next", "forbidden", "start", "final", "name")
"""Of a constraint in a file."""
EXACT = 1e-12
"""Probabilities of subsets whose sum is this close to one are taken as they are written."""
WHEN = "end it with p=PROBABILITY, on=none,0,01 (subsets by number) or law=none:0.5,01:0.5"


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

    Symbols above 9 are parted by commas, and one alone is followed by one: `no 10,11`, `never 12,`. Raises
    `ProcessError` on anything else, and where the automaton itself does.
    """
    text = text.strip()
    if text.endswith(".json"):
        return said(_from_file(Path(text), vocab), None if set(text) & set(";()[]") else text)
    text = " ".join(text.split())
    for pattern, build in SPELLINGS.items():
        if found := re.fullmatch(pattern, text):
            return said(replace(build(vocab, *found.groups()), name=text), text)
    raise ProcessError(
        f"cannot read the constraint {text!r}; write it like `no 11`, `never 2`, `only 01`, `phases 01/2`, "
        "`0 before 1`, `at most 2 of 1 in a row`, "
        "`even number of 1 in every 4`, `period 3`, `depth of 0/1 at most 2`, `checks 110/011`, or give a "
        ".json file"
    )


def given(base: Process, sentences: Sequence[Place]) -> Process:
    """The base conditioned on all of these constraints for ever (`conditioned`).

    Raises `ProcessError` where a sentence cannot be read, and for contradictory constraints, naming those
    that conflict.
    """
    constraints = _read(base, sentences)
    if conflict := conflicting_subset(base, constraints):
        names = ", ".join(constraints[k].name for k in conflict)
        raise ProcessError(
            f"{base.name} cannot satisfy {names} for ever (infinite load); drop "
            f"{'one of them' if len(conflict) > 1 else 'it'}"
        )
    return conditioned(base, conjunction(constraints))


def guarded(base: Process, sentences: Sequence[Place]) -> Process:
    """Control tokens, then the base conditioned on what they switch on (`protocol`). The last sentence says
    how often that is:

    `p=0.5`                   each constraint with this probability, independently
    `on=none,0,01`            these subsets of constraints, by number, equally likely
    `law=none:0.25,01:0.75`   these subsets, with these probabilities

    Raises `ProcessError` where a sentence cannot be read, and where `protocol` does.
    """
    *texts, last = sentences
    law = keyword(last)
    if law is None or law[0] not in ("p", "on", "law"):
        last.refuse(f"it does not say when its constraints are on; {WHEN}")
    if not texts:
        last.refuse("it names no constraint before it; write the base, then constraints, then this")
    return _protocol(base, _read(base, texts), *law).process()


def _read(base: Process, sentences: Sequence[Place]) -> list[Automaton]:
    found = []
    for place in sentences:
        try:
            found.append(constraint(place.text, base.vocab))
        except ProcessError as error:
            place.refuse(str(error))
    return found


def _protocol(base: Process, constraints: Sequence[Automaton], kind: str, value: Place) -> Protocol:
    if kind == "p":
        p = number(value)
        if p is None or not 0 <= p <= 1:
            value.refuse(
                f"p is {value.text!r}; it is the probability of each constraint to be on, from 0 to 1"
            )
        return protocol(base, constraints, independent_law(len(constraints), p=p))
    if kind == "on":
        listed = [_subset(part, f"on is {value.text!r}", part.text) for part in pieces(value, ",")]
        return protocol(base, constraints, equal_law(listed))
    law: dict[Subset, float] = {}
    for part in pieces(value, ","):
        on, *share = pieces(part, ":")
        p = number(share[0]) if len(share) == 1 else None
        if p is None or p < 0:
            part.refuse(f"law is {value.text!r}; give every subset its probability, like none:0.25,01:0.75")
        subset = _subset(part, f"law is {value.text!r}", on.text)
        law[subset] = law.get(subset, 0.0) + p
    made = protocol(base, constraints, law)
    exact = {on: p for on, p in law.items() if p > 0}
    return replace(made, law=exact) if abs(sum(exact.values()) - 1) <= EXACT else made


def _subset(place: Place, said: str, text: str) -> Subset:
    on = read_subset(text)
    if on is None:
        place.refuse(f"{said}; write subsets of constraints by number, like none,0,01")
    return on


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
    return [int(x) for x in (text.removesuffix(",").split(",") if "," in text else text)]


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
