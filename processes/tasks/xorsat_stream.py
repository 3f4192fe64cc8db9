"""Random equations one after the other, each followed by the verdict on all so far: XOR-SAT as a hidden
Markov process."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Int

from ..process import Process, ProcessError, hmm
from ..values.checks import checked
from .xorsat import check_sizes, written_numbers

MOST_ENTRIES = 30_000_000
"""Entries of the transition matrices of a stream: 240 MB."""


@checked
def xorsat_stream(*, n: int, k: int) -> Process:
    """Random equations one after the other, each followed by the verdict whether all so far can be satisfied;
    after a contradiction it starts anew.

    Symbols: C(n, k) left sides in lexicographic order times two right sides (2 i + b), then `satisfiable`,
    then `contradiction`. Hidden state: the equations' span, and whether a verdict is due; so the exact
    next-token law is elimination itself, and the law of verdict m is P(SAT) of m random equations. Raises
    `ProcessError` where there are too many spans to write down.
    """
    check_sizes(n, k)
    rows = [sum(1 << v for v in chosen) | (b << n) for chosen in combinations(range(n), k) for b in range(2)]
    most = int((math.sqrt(MOST_ENTRIES / (len(rows) + 2)) - 1) / 2)
    follow = spans(rows, n, most)
    if follow is None:
        raise ProcessError(
            f"{n} variables, {k} an equation, have over {most} spans, too many for a process; use fewer "
            "variables"
        )
    due, broken = len(follow), 2 * len(follow)
    T = np.zeros((len(rows) + 2, broken + 1, broken + 1))
    for i, after in enumerate(follow):
        for token, j in enumerate(after):
            T[token, i, broken if j < 0 else due + j] = 1 / len(rows)
        T[len(rows), due + i, i] = 1.0
    T[len(rows) + 1, broken, 0] = 1.0
    return hmm(T, np.eye(broken + 1)[0], name=f"xorsat(n={n}, k={k})")


def spans(rows: Sequence[int], n: int, most: int) -> Int[np.ndarray, "spans rows"] | None:
    """The number of the span that each span becomes by each row, -1 where they say 0 = 1; the empty one is
    number 0. None if there are over `most`.

    Rows are bits: 0 to n - 1 the left side, bit n the right side.
    """
    number: dict[tuple[int, ...], int] = {(): 0}
    follow: list[list[int]] = []
    todo: list[tuple[int, ...]] = [()]
    for span in todo:
        after = []
        for row in rows:
            grown = _extended(span, row, n)
            if grown is not None and grown not in number:
                number[grown] = len(number)
                todo.append(grown)
            after.append(-1 if grown is None else number[grown])
        follow.append(after)
        if len(number) > most:
            return None
    return np.array(follow)


def _extended(span: tuple[int, ...], row: int, n: int) -> tuple[int, ...] | None:
    """The reduced basis of a span of equations (bits 0 to n - 1: left side, bit n: right side) and one more;
    None if it says 0 = 1.
    """
    left = (1 << n) - 1
    for basis in span:
        if row & (basis & left & -(basis & left)):
            row ^= basis
    if not row & left:
        return None if row else span
    pivot = (row & left) & -(row & left)
    return tuple(sorted([*(b ^ row if b & pivot else b for b in span), row]))


def written_stream(spec: str) -> Process | None:
    """The stream that `spec` names, `xorsat(n=4, k=3)`, or None if it is not written as one. Raises
    `ProcessError` where `xorsat_stream` does.
    """
    numbers = written_numbers(spec)
    return None if numbers is None or "m" in numbers else xorsat_stream(**numbers)
