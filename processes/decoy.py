"""A wrong process of the right difficulty: same alphabet, same number of states, same entropy rate, other beliefs."""

import numpy as np

from .information import bounded_rate, entropy_rate
from .process import Process, ProcessError, hmm


def decoy(process: Process, *, seed: int) -> Process:
    """A random HMM with the alphabet, state count and entropy rate of `process`, for use as a control.

    A Dirichlet(1) draw R of T is tempered, T ~ R^c per row, and c is found by bisection: c = 0 is uniform (rate log V), large c is
    deterministic (rate 0). Every entry is positive, so every word of `process` has a belief under its decoy. The rate is matched
    to a few 1e-3 nats, half the width of the bound on the decoy's own rate at the tree size used here.
    Raises `ProcessError` for a process whose rate is not strictly between 0 and log V: nothing random has that rate.
    """
    target = entropy_rate(process).value
    if not 1e-6 < target < np.log(process.vocab) - 1e-6:
        raise ProcessError(f"{process.name} has entropy rate {target:.6f} nats; a decoy needs one strictly between 0 and log V")
    V, S = process.vocab, process.n_states
    logits = np.log(np.random.default_rng(seed).dirichlet(np.ones(V * S), size=S))

    def tempered(c: float) -> Process:
        weights = np.exp(c * (logits - logits.max(1, keepdims=True))) + 1e-12
        rows = (weights / weights.sum(1, keepdims=True)).reshape(S, V, S)
        return hmm(rows.transpose(1, 0, 2), name=f"decoy({process.name}, seed={seed})")

    low, high = 0.0, 64.0
    for _ in range(30):
        middle = (low + high) / 2
        if bounded_rate(tempered(middle), 10_000).value > target:
            low = middle
        else:
            high = middle
    return tempered((low + high) / 2)
