"""Proofs that no finite set of beliefs will do: a word that is said over and over, after which no belief
comes twice.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from ..algebra.span import INDEPENDENT, closure
from ..process import Process
from ..values.checks import checked
from ..values.notes import noted
from .realisation import minimal_dimension, minimal_ghmm

LONGEST, MOST_WORDS = 4, 1000
"""Words tried as proofs: up to so many symbols, and so many of one length."""
APART = 1e-6
"""Eigenvalues whose sizes differ by this share are of different sizes; multiple ones part by rounding's root.
"""
TURNS = 24
"""Powers up to which an operator is asked whether it comes back to itself."""
MOST_PREFIXES = 40
"""Words before the repeated one."""
MOST_WORK = 50_000_000
"""Words times cubes of states: a second."""
MANY = 64
"""Repetitions of a word whose probability is looked at, where a sign could make it vanish."""


@checked
def endless_word(process: Process) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Words v and u that prove infinitely many causal states: the beliefs after vu, vuu, vuuu, .. all have
    different futures. None where no short ones do, which proves nothing.

    In the minimal realisation the belief after n repetitions is s M^n, up to scale, with M = T[u] and s the
    belief after v. Let M act
    on what these span in the long run. If two beliefs were equal, then M^k = c there for some k, hence all
    eigenvalues would have one size and M no Jordan block. Where they differ in size (or it has one), no
    belief comes twice. The decision is made in float64, with margins (`APART`, `INDEPENDENT`) far above
    rounding.
    """
    return _found(process)


@noted(256)
def _found(process: Process) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    small = process if minimal_dimension(process) == process.n_states else minimal_ghmm(process)
    most = max(1, min(MOST_WORDS, MOST_WORK // process.n_states**3))
    for first in _prefixes(process):
        before, start = (p.start @ _operator(p, first) for p in (process, small))
        for word in _words(process.vocab, min(most, MOST_PREFIXES) if first else most):
            if _can_go_on(process, before, word) and _never_returns(start, _operator(small, word)):
                return first, word
    return None


def _prefixes(process: Process) -> Iterator[tuple[int, ...]]:
    """Words that the process can begin with, shortest first."""
    found: list[tuple[int, ...]] = [()]
    for word in found:
        yield word
        row = process.start @ _operator(process, word)
        for x in range(process.vocab):
            if len(found) < MOST_PREFIXES and float(row @ process.T[x] @ process.w) > process.zero:
                found.append((*word, x))


def _words(vocab: int, most: int) -> Iterator[tuple[int, ...]]:
    """Short words, shortest first, at most so many of one length; a repetition of a shorter one says nothing
    new.
    """
    for length in range(1, LONGEST + 1):
        if vocab**length > most:
            return
        for word in itertools.product(range(vocab), repeat=length):
            again = (word == word[:n] * (length // n) for n in range(1, length) if length % n == 0)
            if not any(again):
                yield word


def _operator(process: Process, word: tuple[int, ...]) -> Float64[np.ndarray, "S S"]:
    M = np.eye(process.n_states)
    for x in word:
        M = M @ process.T[x]
    return M


def _can_go_on(process: Process, before: np.ndarray, word: tuple[int, ...]) -> bool:
    """Whether every repetition of the word has positive probability.

    In an HMM some state is then left to itself by it, and S repetitions show that; of a generalised one many
    are looked at.
    """
    M, row = _operator(process, word), before / float(before @ process.w)
    for _ in range(process.n_states if process.kind == "hmm" else MANY):
        row = row @ M
        p = float(row @ process.w)
        if not p > process.zero:
            return False
        row = row / p
    return True


def _never_returns(start: np.ndarray, M: np.ndarray) -> bool:
    """Whether s, s M, s M^2, .. are in the long run never multiples of each other twice."""
    basis = closure(start, M[None])
    H, row = basis @ M @ basis.T, basis @ start
    for _ in range(len(H)):  # what a nilpotent part held is gone then
        row = row @ H
        row = row / max(float(np.linalg.norm(row)), 1e-300)
    lasting = closure(row, H[None])
    H = lasting @ H @ lasting.T
    values = np.linalg.eigvals(H)
    size = np.abs(values)
    if len(H) < 2 or size.min() < INDEPENDENT * size.max():
        return False
    if size.max() > (1 + APART) * size.min():
        return True
    H = H / np.exp(np.log(size).mean())
    power = np.eye(len(H))
    for _ in range(TURNS):
        power = power @ H
        if np.abs(power - np.eye(len(H)) * power[0, 0]).max() < 1e-3:
            return False  # it may come back
    return bool(np.abs(values.imag).max() < 1e-4 * size.max())  # else a rotation, by whatever angle
