"""Linear constraints over GF(2): the words of a binary code, block after block."""

import numpy as np

from ..algebra import gf2
from ..process import ProcessError
from ..values.arrays import binary
from ..values.checks import checked
from .automaton import Automaton, automaton, said


@checked
def parity_checks(H, syndrome=None) -> Automaton:
    """Every block c of n bits satisfies H c = syndrome (mod 2), H of shape (k, n); the syndrome is zero if it
    is left out.

    The automaton is the trellis of the code (Bahl, Cocke, Jelinek, Raviv 1974): its state is the position in
    the block and the partial syndrome. Checks are tested at the end of the block. On fair coins the load is
    rank(H) log 2 nats per block. Raises `ProcessError` if H is not a 0/1 matrix, if shapes disagree, or if no
    block satisfies the checks.
    """
    H = _bits(H, "H")
    k, n = H.shape
    wanted = (np.zeros(k, bool) if syndrome is None else binary(syndrome, "the syndrome")).astype(np.int64)
    if wanted.shape != (k,):
        raise ProcessError(
            f"the syndrome {wanted.tolist()} does not fit {k} checks; give one 0 or 1 per row of H"
        )
    if gf2_rank(np.column_stack([H, wanted])) > gf2_rank(H):
        raise ProcessError(
            f"no block of {n} bits has the syndrome {wanted.tolist()}: the checks contradict each other; "
            "drop one of them"
        )
    # Partial syndromes as integers; level t holds those that t bits can produce.
    column = [int(c) for c in (1 << np.arange(k, dtype=object)) @ H]
    target = int((1 << np.arange(k, dtype=object)) @ wanted)
    number = {(0, 0): 0}
    todo = [(0, 0)]
    rows: list[list[int]] = []
    for t, s in todo:
        row = []
        for bit in range(2):
            after = s ^ (column[t] if bit else 0)
            state = (t + 1, after) if t + 1 < n else ((0, 0) if after == target else None)
            if state is not None and state not in number:
                number[state] = len(number)
                todo.append(state)
            row.append(-1 if state is None else number[state])
        rows.append(row)
    sink = len(rows)
    next = np.array([*rows, [sink, sink]])
    made = automaton(np.where(next < 0, sink, next), [sink], name=f"{k} parity checks on {n}")
    checks = "/".join("".join(map(str, row)) for row in H.tolist())
    return said(made, f"checks {checks} = {''.join(map(str, wanted.tolist()))}")


@checked
def gf2_rank(H) -> int:
    """Rank of a 0/1 matrix over the field with two elements, by elimination.

    Raises `ProcessError` if H is not a 0/1 matrix.
    """
    bits = _bits(H, "H")
    return int(gf2.rank(gf2.eliminated(gf2.packed(bits == 1, np.zeros(len(bits), bool)))))


def _bits(H, what: str) -> np.ndarray:
    H = binary(H, what)
    if H.ndim != 2 or 0 in H.shape:
        raise ProcessError(f"{what} has shape {H.shape}; it must be a 0/1 matrix (checks, positions)")
    return H.astype(np.int64)
