"""Constraints as sentences: `no 11`, `at most 2 of 1 in a row`, or a file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..process import ProcessError
from ..values.checks import checked
from ..values.json_file import json_object
from .automaton import Automaton, automaton, said
from .library import (
    at_most,
    at_most_in_a_row,
    bounded_depth,
    forbidden_word,
    order,
    parity,
    period,
    phases,
)
from .parity_checks import parity_checks

WORD = r"[0-9]+(?:,[0-9]+)*,?"
"""Symbols: digits side by side, or numbers parted by commas where one is above 9 (`12,` alone)."""

KEYS = ("next", "forbidden", "start", "final", "name")
"""Of a constraint in a file."""


@checked
def constraint(text: str, vocab: int) -> Automaton:
    """The constraint that `text` means, on `vocab` symbols.

    `no 011`                         that word occurs nowhere
    `never 02`                       none of these symbols
    `only 01`                        these symbols only
    `phases 01/2`                    these symbols only, in turns
    `0 before 1`                     no 1 until there was a 0
    `at most 2 of 1`                 in the whole word
    `at most 2 of 1 in a row`        in any run of it
    `even number of 1 in every 4`    (or odd) in every block of so many
    `period 3`                       the word repeats
    `depth of 0/1 at most 2`         brackets: 0 opens and 1 closes
    `checks 110/011`                 checks over GF(2), a row each; `checks 110/011 = 01` with a syndrome
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


def _from_file(path: Path, vocab: int) -> Automaton:
    record = json_object(path, "a constraint", KEYS[:2])
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
