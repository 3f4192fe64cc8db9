"""Exact Bayesian filtering: from words to beliefs and next-token laws."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from .process import Process, ProcessError


@dataclass(frozen=True, eq=False)
class Filtered:
    """What is known after each symbol of a batch of words."""

    belief: Float[np.ndarray, "*batch L S"]  # belief[t] = P(state | x_0..x_t), with belief . w = 1
    log_probability: Float[np.ndarray, "*batch L"]  # log P(x_0..x_t), nats


def predict(process: Process, belief: Float[np.ndarray, "*batch S"]) -> Float[np.ndarray, "*batch V"]:
    """Next-token law P(x | belief) = belief T[x] w for beliefs (..., S); returns (..., V)."""
    return belief @ (process.T @ process.w).T


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


def filter(process: Process, words: Int[np.ndarray, "*batch L"]) -> Filtered:
    """Beliefs and log-probabilities of every prefix of the words (..., L), from `process.start`.

    The normaliser is accumulated in logs, so long words do not underflow.
    Raises `ProcessError` on a symbol outside the alphabet and on a word of probability zero, naming the word and position.
    """
    words = as_words(process, words)
    length = words.shape[-1]
    belief = np.broadcast_to(process.start, (*words.shape[:-1], process.n_states))
    beliefs = np.empty((*words.shape, process.n_states))
    logs = np.empty(words.shape)
    for t in range(length):
        belief, probability = update(process, belief, words[..., t])
        if not (probability > process.zero).all():
            word = words[tuple(np.argwhere(~(probability > process.zero))[0])][: t + 1]
            raise ProcessError(
                f"the word {''.join(map(str, word))} has probability zero under {process.name} (at its position {t}); "
                "only words the process can emit have a belief"
            )
        beliefs[..., t, :] = belief
        logs[..., t] = np.log(probability)
    return Filtered(beliefs, logs.cumsum(-1))


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
        raise ProcessError(
            f"symbol {words[where]} at position {where[-1]} is not in the alphabet of {process.name} (0 to {process.vocab - 1})"
        )
    return words
