"""What a process *is*, as plain values: what was written, never bits that a CPU, a BLAS or an environment
variable may choose.

Last bits of eigen-solvers, matrix products, sines and logarithms differ between CPUs, and everything that is
kept by a name of its own (runs, verdicts, sweeps) hangs on this one. So the identity of a process is

    numbers      ["hmm", [V, S], T, start]: the bits of transition matrices made by elementary arithmetic, and
                 the *rule* for the start,
                 "stationary", or else its numbers; likewise "ghmm", whose w follows from T
    its text     ["moon", alpha, beta]: constructors that need an eigen-solver, a sine or a logarithm
    its parts    ["product", [..], [..]], ["given", base, automaton]: compositions, by the operation and the
                 identities of what it is of

and two processes are one if these are equal: a bare name and its published parameters, a file and the name of
what it holds, 1/2 and .5, and a composition that changes nothing (a product of one factor, a relabelling by
0, 1, 2, ..) and what it is of. Names of processes and of states are no part of it. That two *different*
expressions have one word distribution is no matter of identity: `equivalent` decides it.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..process import Process

Identity = list[Any]
"""Plain values that JSON can hold: a word for the kind or the operation, then numbers, strings and further
identities.
"""
STATIONARY = "stationary"
"""The rule for a start that is not given by numbers."""


def numbers(kind: str, T: np.ndarray, start: np.ndarray | str) -> Identity:
    """The identity of a process by its transition matrices and its start, or the rule for it."""
    return [kind, list(T.shape), bits(T), start if isinstance(start, str) else bits(start)]


def identified(process: "Process", *identity: Any) -> "Process":
    """The process, known from now on by a text or an operation and its parts instead of its numbers."""
    object.__setattr__(process, "_identity", [_plain(part) for part in identity])
    return process


def same_as(process: "Process", part: "Process") -> "Process":
    """The process, known to be another one under another name, made of the same."""
    object.__setattr__(process, "_identity", part.identity)
    object.__setattr__(process, "made_of", part.made_of)
    return process


def digest(identity: Identity) -> str:
    """Twelve hexadecimal digits of an identity."""
    return hashlib.sha256(json.dumps(identity, allow_nan=False).encode()).hexdigest()[:12]


def bits(array: Iterable) -> str:
    """The float64 numbers of an array, as a hash; -0 is 0."""
    return hashlib.sha256((np.asarray(array, np.float64) + 0.0).astype("<f8").tobytes()).hexdigest()


def _plain(part: Any) -> Any:
    """Arrays and NumPy's numbers as those of Python; 1 and 1.0 stay different, so give numbers in the type
    that they are meant in.
    """
    if isinstance(part, np.ndarray | np.generic):
        return _plain(part.tolist())
    if isinstance(part, list | tuple):
        return [_plain(p) for p in part]
    return part + 0.0 if isinstance(part, float) else part
