"""Do two processes have one word distribution? Decided by linear algebra, with a word as the witness if
they do not."""

from collections import deque

import numpy as np

from ..algebra.span import INDEPENDENT, outside
from ..process import Process, ProcessError
from ..values.checks import checked

DIFFERENT = 1e-9
"""Relative difference of two word probabilities that counts as a difference; float64 filtering of a word of
length n leaves about n 1e-16.
"""


@checked
def distinguishing_word(a: Process, b: Process) -> tuple[int, ...] | None:
    """A shortest word with P_a(word) != P_b(word), or None if there is none: then the two have one word
    distribution.

    In the difference realisation (a and b side by side, w = (w_a, -w_b)) the distributions agree iff every
    reachable row is orthogonal to w. Rows of words are collected shortest first until they span all reachable
    ones, so at most S_a + S_b words are extended and the answer is shorter than S_a + S_b (Schuetzenberger
    1961; Tzeng 1992). Raises `ProcessError` if the alphabets differ in size.
    """
    if a.vocab != b.vocab:
        raise ProcessError(
            f"{a.name} has {a.vocab} symbols, {b.name} has {b.vocab}; only processes over one alphabet can "
            "be compared"
        )
    S, basis = a.n_states, np.zeros((0, a.n_states + b.n_states))
    impossible = max(a.zero, b.zero)
    queue: deque[tuple[tuple[int, ...], np.ndarray]] = deque([((), np.concatenate([a.start, b.start]))])
    while queue:
        word, row = queue.popleft()
        p, q = row[:S] @ a.w, row[S:] @ b.w
        if abs(p - q) > DIFFERENT * max(p, q) + impossible:
            return word
        size = np.linalg.norm(row)
        if max(p, q) <= impossible or size == 0:
            continue
        new = outside(row / size, basis)
        if np.linalg.norm(new) <= INDEPENDENT:
            continue
        basis = np.vstack([basis, new / np.linalg.norm(new)])
        row = row / max(p, q)  # two beliefs side by side, so that long words do not underflow
        for x in range(a.vocab):
            queue.append(((*word, x), np.concatenate([row[:S] @ a.T[x], row[S:] @ b.T[x]])))
    return None


@checked
def equivalent(a: Process, b: Process) -> bool:
    """Whether two processes give every word the same probability; False if their alphabets differ in size.

    >>> import processes
    >>> even = processes.named("even")
    >>> processes.equivalent(even, processes.epsilon_machine(even))
    True
    """
    return a.vocab == b.vocab and distinguishing_word(a, b) is None
