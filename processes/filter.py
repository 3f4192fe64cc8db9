"""Exact Bayesian filtering: from words to beliefs and next-token laws."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from .long_filter import walk
from .process import Process, ProcessError

NEGATIVE = 1e-9
"""Conditional probabilities below minus this are no rounding: normalising by a rare symbol can amplify 1e-16 by so much, not more."""


@dataclass(frozen=True, eq=False)
class Filtered:
    """What is known after each symbol of a batch of words."""

    belief: Float[np.ndarray, "*batch L S"]  # belief[t] = P(state | x_0..x_t), with belief . w = 1
    log_probability: Float[np.ndarray, "*batch L"]  # log P(x_0..x_t), nats


def predict(process: Process, belief: Float[np.ndarray, "*batch S"]) -> Float[np.ndarray, "*batch V"]:
    """Next-token law P(x | belief) = belief T[x] w for beliefs (..., S); returns (..., V).

    Raises `ProcessError` if a generalised HMM gives a negative probability (see `possible`); rounding to -1e-17 is passed on.
    """
    law = belief @ (process.T @ process.w).T
    if process.kind == "ghmm":
        possible(process, law)
    return law


def update(
    process: Process, belief: Float[np.ndarray, "*batch S"], token: Int[np.ndarray, "*batch"]
) -> tuple[Float[np.ndarray, "*batch S"], Float[np.ndarray, "*batch"]]:
    """Bayes' rule for one symbol: b' = b T[x] / (b T[x] w); returns b' (..., S) and P(x | b) (...).

    Where P(x | b) = 0 the new belief is not finite: there is no posterior after an impossible event.
    """
    joint = np.einsum("...i,...ij->...j", belief, process.T[token])
    probability = np.asarray(joint @ process.w)
    with np.errstate(invalid="ignore", divide="ignore"):
        return joint / probability[..., None], probability


def filter(process: Process, words) -> Filtered:
    """Beliefs and log-probabilities of every prefix of the words (..., L), from `process.start`.

    The normaliser is accumulated in logs, so words of any length do not underflow; long ones are filtered in parallel segments.
    Raises `ProcessError` on a symbol outside the alphabet and on a word of probability zero, naming the word and position.
    """
    words = as_words(process, words)
    length = words.shape[-1]
    beliefs, conditional = walk(process, words.reshape(math.prod(words.shape[:-1]), length))
    conditional = conditional.reshape(words.shape)
    above = conditional > process.zero
    if not above.all():
        where = tuple(np.argwhere(~above)[0])
        possible(process, conditional[where].reshape(1))
        raise ProcessError(
            f"the word {_shown(words[where[:-1]][: where[-1] + 1])} has probability zero under {process.name} "
            f"(at its position {where[-1]}); only words the process can emit have a belief"
        )
    logs = np.log(conditional, out=conditional)
    return Filtered(beliefs.reshape(*words.shape, process.n_states), np.cumsum(logs, -1, out=logs))


def possible(process: Process, conditional: Float[np.ndarray, "*batch"]) -> Bool[np.ndarray, "*batch"]:
    """Which conditional probabilities are above `process.zero`.

    Raises `ProcessError` if one is negative beyond rounding, or not a number: then the matrices are not a process after all, which
    `ghmm` cannot rule out by looking at short words.
    """
    conditional = np.asarray(conditional)
    if not (conditional >= -NEGATIVE).all():
        worst = conditional[~(conditional >= -NEGATIVE)].flat[0]
        raise ProcessError(f"{process.name} gives a conditional probability of {worst:.3g}; none may be negative: its matrices are not a process")
    return conditional > process.zero


def probability(process: Process, word) -> float:
    """P(word) = start T[x1] ... T[xn] w; zero for a word the process cannot emit, one for the empty word."""
    row = process.start
    for x in as_words(process, word):
        row = row @ process.T[x]
    return float(row @ process.w)


def as_words(process: Process, words) -> Int[np.ndarray, "*batch L"]:
    """Words as an integer array; raises `ProcessError` if any symbol is not in the alphabet."""
    words = np.asarray(words)
    if words.size == 0:
        return words.astype(np.int64)
    if not np.issubdtype(words.dtype, np.integer):
        raise ProcessError(f"words have dtype {words.dtype}; symbols are integers from 0 to {process.vocab - 1}")
    bad = (words < 0) | (words >= process.vocab)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ProcessError(f"symbol {words[where]} at position {where[-1]} is not in the alphabet of {process.name} (0 to {process.vocab - 1})")
    return words


def _shown(word: np.ndarray) -> str:
    """A word as an error message shows it: all of it, or its last twenty symbols."""
    tail = "".join(map(str, word[-20:]))
    return tail if len(word) <= 20 else f"...{tail} (its last 20 symbols)"
