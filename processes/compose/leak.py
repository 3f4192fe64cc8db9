"""A leak: now and then a process forgets where it was."""

import numpy as np

from ..process import Process, ProcessError, ghmm, hmm
from ..values.checks import checked
from ..values.identity import identified, same_as
from ..values.structure import recorded


@checked
@recorded
def leak(process: Process, epsilon: float) -> Process:
    """T'[x] = (1 - e) T[x] + (e / V) outer(w, eta), eta = `process.start`: with probability e, emit a uniform
    symbol and start anew.

    w and a stationary start stay what they were, since eta . w = 1. With e > 0 every word is possible and
    beliefs forget at least as fast as (1-e)^n, so a process that synchronises only on measure-zero words (or
    is periodic) gets a finite memory. Raises `ProcessError` unless 0 <= epsilon <= 1.
    """
    if not 0 <= epsilon <= 1:
        raise ProcessError(f"leak has epsilon = {epsilon:g}; it is a probability: choose it from 0 to 1")
    T = (1 - epsilon) * process.T + epsilon / process.vocab * np.outer(process.w, process.start)
    build = hmm if process.kind == "hmm" else ghmm
    made = build(T, process.start, name=f"leak({process.name}, epsilon={epsilon:g})", states=process.states)
    return identified(made, "leak", process.identity, float(epsilon)) if epsilon else same_as(made, process)
