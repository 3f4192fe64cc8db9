"""A wrong process of the right difficulty: same alphabet, same number of states, same entropy rate, other
beliefs.
"""

import numpy as np

from ..information.bounds import bounded_rate, rate_exceeds
from ..information.rates import entropy_rate
from ..process import Process, ProcessError, hmm, renamed
from ..values.checks import checked
from ..values.identity import identified
from ..values.notes import noted
from ..values.structure import recorded

CLOSE = 5e-3
"""Nats within which the entropy rates agree, both as bounded from trees."""
DRAWS = 20


@checked
@recorded
def decoy(process: Process, *, seed: int) -> Process:
    """A random HMM with the alphabet, state count and entropy rate of `process`, for use as a control.

    A Dirichlet(1) draw R of T is tempered, T ~ R^c per row, and c is found by bisection: c = 0 is uniform
    (rate log V), large c is deterministic (rate 0). Every entry is positive, so every word of `process` has a
    belief under its decoy. A draw that ends further than `CLOSE` from the rate, as measured on a larger tree,
    is drawn again. Raises `ProcessError` for a negative seed, a process whose rate is not strictly between 0
    and log V, or if no draw comes close.
    """
    if seed < 0:
        raise ProcessError(f"the seed of a decoy is {seed}; it must be 0 or more")
    return _called(process, int(seed), process.name, process.spec)


@noted(64)
def _called(process: Process, seed: int, name: str, spec: str | None) -> Process:
    """The decoy of a process that goes by this name and is written so."""
    return renamed(_found(process, seed), f"decoy({name}, seed={seed})")


@noted(64)
def _found(process: Process, seed: int) -> Process:
    """The decoy by numbers alone: finding it takes a second."""
    target = entropy_rate(process).value
    if not 1e-6 < target < np.log(process.vocab) - 1e-6:
        raise ProcessError(
            f"{process.name} has entropy rate {target:.6f} nats; a decoy needs one strictly between 0 and "
            "log V"
        )
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        logits = np.log(rng.dirichlet(np.ones(process.vocab * process.n_states), size=process.n_states))
        found = _tempered(logits, process.vocab, target)
        if abs(bounded_rate(found, 50_000).value - target) < CLOSE:
            return identified(
                renamed(found, f"decoy({process.name}, seed={seed})"), "decoy", process.identity, seed
            )
    raise ProcessError(
        f"no random process within {CLOSE} nats of the entropy rate {target:.6f} of {process.name} was found "
        f"in {DRAWS} draws"
    )


def _tempered(logits: np.ndarray, vocab: int, target: float) -> Process:
    """T ~ exp(c logits) per row, with c such that the entropy rate is the target."""

    def at(c: float) -> Process:
        weights = np.exp(c * (logits - logits.max(1, keepdims=True))) + 1e-12
        rows = (weights / weights.sum(1, keepdims=True)).reshape(len(logits), vocab, len(logits))
        return hmm(rows.transpose(1, 0, 2))

    low, high = 0.0, 64.0
    for _ in range(30):
        middle = (low + high) / 2
        if rate_exceeds(at(middle), target, 10_000):
            low = middle
        else:
            high = middle
    return at((low + high) / 2)
