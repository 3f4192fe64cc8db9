"""Exact Bayesian filtering: from words to beliefs and next-token distributions."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from .process import Process, ProcessError
from .segmented_filter import walk
from .values.arrays import integers, real, spelled
from .values.checks import checked
from .values.record import Record

NEGATIVE = 1e-9
"""Conditional probabilities below minus this are no rounding: normalising by a rare symbol can amplify 1e-16
by so much, not more.
"""


GATHERED = 2**28
"""Entries up to which the matrix of every symbol of a batch is laid out at once: 2 GB; beyond that they are
taken symbol by symbol.
"""


@dataclass(frozen=True, eq=False)
class Filtered(Record, copies=False):
    """What is known after each symbol of a batch of words."""

    belief: Float64[np.ndarray, "*batch L S"]  # belief[t] = P(state | x_0..x_t), with belief . w = 1
    log_probability: Float64[np.ndarray, "*batch L"]  # log P(x_0..x_t), nats


@checked
def predict(process: Process, belief: Float64[np.ndarray, "*batch S"]) -> Float64[np.ndarray, "*batch V"]:
    """Next-token distribution P(x | belief) = belief T[x] w for beliefs (..., S); returns (..., V).

    Raises `ProcessError` if a generalised HMM gives a negative probability (see `possible`; rounding to
    -1e-17 is set to 0), and for beliefs that are no finite numbers or not S of them.

    >>> import processes
    >>> even = processes.named("even")
    >>> processes.predict(even, [[1.0, 0.0], [0.0, 1.0]])  # of 0 and 1, in A and in B
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    distribution = as_beliefs(process, belief) @ (process.T @ process.w).T
    if process.kind == "ghmm":
        possible(process, distribution)
        distribution = np.maximum(distribution, 0.0)
    return distribution


@checked
def update(
    process: Process, belief: Float64[np.ndarray, "*batch S"], token: Int[np.ndarray, "*batch"]
) -> tuple[Float64[np.ndarray, "*batch S"], Float64[np.ndarray, "*batch"]]:
    """Bayes' rule for one symbol: b' = b T[x] / (b T[x] w); returns b' (..., S) and P(x | b) (...).

    Where P(x | b) = 0 the new belief is not finite: there is no posterior after an impossible event. Raises
    `ProcessError` on a symbol outside the alphabet, beliefs as `predict` refuses them, and unless there is
    one symbol for each belief.
    """
    belief, token = as_beliefs(process, belief), in_alphabet(token, process.vocab, process.name)
    if token.shape != belief.shape[:-1]:
        raise ProcessError(
            f"{token.shape} symbols for beliefs of shape {belief.shape}; give one for each belief, in the "
            "same arrangement"
        )
    if token.size * process.n_states**2 <= GATHERED:
        joint = np.einsum("...i,...ij->...j", belief, process.T[token])
    else:
        joint = np.empty(belief.shape)
        for x in np.unique(token):
            joint[token == x] = belief[token == x] @ process.T[x]
    probability = np.asarray(joint @ process.w)
    if process.kind == "ghmm":  # signed sums leave rounding where an event is impossible
        probability = np.where(possible(process, probability), probability, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return joint / probability[..., None], probability


@checked
def filter(process: Process, words) -> Filtered:
    """Beliefs and log-probabilities of every prefix of the words (..., L), from `process.start`.

    The normaliser is accumulated in logs, so words of any length do not underflow; long ones are filtered in
    parallel segments. Raises `ProcessError` on a symbol outside the alphabet and on a word of probability
    zero, naming the word and position.

    >>> import processes
    >>> even = processes.named("even")
    >>> processes.filter(even, [1, 0, 1]).belief  # of A and B, after each symbol
    array([[0.5, 0.5],
           [1. , 0. ],
           [0. , 1. ]])
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
            f"the word {_shown(words[where[:-1]][: where[-1] + 1])} has probability zero under "
            f"{process.name} "
            f"(at its position {where[-1]}); only words the process can emit have a belief"
        )
    logs = np.log(
        np.minimum(conditional, 1.0, out=conditional), out=conditional
    )  # rounding makes no certain event more than that
    return Filtered(beliefs.reshape(*words.shape, process.n_states), np.cumsum(logs, -1, out=logs))


def possible(process: Process, conditional: Float64[np.ndarray, "*batch"]) -> Bool[np.ndarray, "*batch"]:
    """Which conditional probabilities are above `process.zero`.

    Raises `ProcessError` if one is negative beyond rounding, or not a number: then the matrices are not a
    process after all, which `ghmm` cannot rule out by looking at short words.
    """
    conditional = np.asarray(conditional)
    if not (conditional >= -NEGATIVE).all():
        worst = conditional[~(conditional >= -NEGATIVE)].flat[0]
        raise ProcessError(
            f"{process.name} gives a conditional probability of {worst:.3g}; none may be negative: its "
            "matrices are not a process"
        )
    return np.asarray(conditional > process.zero)


@checked
def probability(process: Process, word) -> float:
    """P(word) = start T[x1] ... T[xn] w; zero for a word the process cannot emit, one for the empty word.

    Raises `ProcessError` unless `word` is one word, of symbols in the alphabet.
    """
    word = as_words(process, word)
    if word.ndim != 1:
        raise ProcessError(
            f"the word has shape {word.shape}; give one word, a sequence of symbols: `filter` takes many at "
            "once"
        )
    row = process.start
    for x in word:
        row = row @ process.T[x]
    possible(process, found := np.asarray(row @ process.w))
    return max(0.0, float(found))


@checked
def as_words(process: Process, words) -> Int[np.ndarray, "*batch L"]:
    """Words as an integer array (..., L); raises `ProcessError` if they are not that, or if any symbol is not
    in the alphabet.
    """
    words = in_alphabet(words, process.vocab, process.name)
    if words.ndim < 1:
        raise ProcessError(f"{words} is a symbol and no word; give a sequence of symbols, like [{words}]")
    return words


def in_alphabet(symbols, vocab: int, name: str) -> Int[np.ndarray, "*batch"]:
    """Symbols as an integer array; raises `ProcessError` on the first that is not in the alphabet 0..vocab-1
    of what is called `name`.
    """
    symbols = integers(spelled(symbols), "a word")
    bad = (symbols < 0) | (symbols >= vocab)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        place = f" at position {where[-1]}" if where else ""
        raise ProcessError(
            f"symbol {symbols[where]}{place} is not in the alphabet of {name} (0 to {vocab - 1})"
        )
    return symbols


def as_beliefs(process: Process, belief) -> Float64[np.ndarray, "*batch S"]:
    """Beliefs as an array (..., S); raises `ProcessError` if they are not finite numbers, or not S of
    them."""
    belief = real(belief, "belief")
    if belief.ndim < 1 or belief.shape[-1] != process.n_states:
        raise ProcessError(
            f"beliefs have shape {belief.shape}; {process.name} has {process.n_states} states, so it must be "
            f"(..., {process.n_states})"
        )
    return belief


def _shown(word: np.ndarray) -> str:
    """A word as an error message shows it: all of it, or its last twenty symbols."""
    tail = "".join(map(str, word[-20:]))
    return tail if len(word) <= 20 else f"...{tail} (its last 20 symbols)"
