"""Random equations one after the other, each followed by the verdict on all so far: XOR-SAT as a hidden
Markov process."""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Int

from ..algebra import gf2
from ..process import Process, ProcessError, hmm
from ..values.checks import checked
from ..values.structure import Built, remember
from .xorsat import check_sizes

MOST_ENTRIES = 30_000_000
"""Entries of the transition matrices of a stream: 240 MB."""


@checked
def xorsat_stream(*, n: int, k: int) -> Process:
    """Random equations one after the other, each followed by the verdict whether all so far can be satisfied;
    after a contradiction it starts anew.

    Symbols: C(n, k) left sides in lexicographic order times two right sides (2 i + b), then `satisfiable`,
    then `contradiction`. Hidden state: the equations' span, and whether a verdict is due; so the exact
    next-token distribution is elimination itself, and the distribution of verdict m is P(SAT) of m random
    equations. Raises `ProcessError` where there are too many spans to write down.
    """
    check_sizes(n, k)
    rows = [sum(2 << v for v in chosen) | b for chosen in combinations(range(n), k) for b in range(2)]
    most = int((math.sqrt(MOST_ENTRIES / (len(rows) + 2)) - 1) / 2)
    follow = spans(rows, most)
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
    made = hmm(T, np.eye(broken + 1)[0], name=f"xorsat(n={n}, k={k})")
    return remember(made, Built("xorsat", {"n": n, "k": k}))


def spans(rows: Sequence[int], most: int) -> Int[np.ndarray, "spans rows"] | None:
    """The number of the span that each span of equations becomes by one more of them, -1 where they say 0 =
    1.

    The empty span is number 0, the others follow as they are found. None if there are over `most`. Rows are
    those of `gf2`. A span is told by its one reduced basis, and all its successors are found in one
    elimination; derived in docs/theory/spans_of_equations.md.
    """
    number: dict[tuple[int, ...], int] = {(): 0}
    follow: list[list[int]] = []
    added = np.array(rows, np.uint64)[:, None]
    todo: list[tuple[int, ...]] = [()]
    for span in todo:
        # One instance a row: the basis of the span, then that row.
        basis = np.broadcast_to(np.array(span, np.uint64), (len(rows), len(span)))
        grown = np.sort(gf2.eliminated(np.concatenate([basis, added], 1), fully=True), 1)
        after = []
        for consistent, found in zip(gf2.consistent(grown).tolist(), grown.tolist(), strict=True):
            reduced = tuple(found[1:] if found[0] == 0 else found)  # at most the row itself has become 0
            if consistent and reduced not in number:
                number[reduced] = len(number)
                todo.append(reduced)
            after.append(number[reduced] if consistent else -1)
        follow.append(after)
        if len(number) > most:
            return None
    return np.array(follow)
