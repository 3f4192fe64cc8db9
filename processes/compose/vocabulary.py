"""The same hidden structure in other words: symbols renamed, merged, or garbled by a channel."""

import numpy as np
from jaxtyping import Float64

from ..process import Process, ProcessError, renamed
from ..values.arrays import integers, real
from ..values.checks import checked
from ..values.identity import bits, identified, same_as
from ..values.structure import recorded
from .built import built, distribution


@checked
@recorded
def relabelled(process: Process, symbols, *, vocab: int) -> Process:
    """Symbol x becomes `symbols[x]` in an alphabet of `vocab`: T'[y] = sum of T[x] over symbols[x] = y.

    One-to-one maps change no entropy and no belief; merging maps lose information. Symbols that nothing is
    mapped to are impossible. Raises `ProcessError` unless there is one new symbol in 0..vocab-1 per old one.
    """
    symbols = integers(symbols, "symbols")
    if symbols.shape != (process.vocab,) or symbols.min() < 0 or symbols.max() >= vocab:
        raise ProcessError(
            f"{symbols.tolist()} does not rename the {process.vocab} symbols of {process.name}; give one of "
            f"0..{vocab - 1} for each"
        )
    T = np.zeros((vocab, process.n_states, process.n_states))
    np.add.at(T, symbols, process.T)
    name = f"{process.name} as {'.'.join(map(str, symbols))}"
    made = built(T, process.start, process.w, parts=[process], name=name, states=process.states)
    if symbols.tolist() == list(range(vocab)):
        return same_as(made, process)
    return identified(made, "relabelled", process.identity, symbols, int(vocab))


@checked
@recorded
def noisy(process: Process, channel) -> Process:
    """Tokens seen through a memoryless channel, channel[x, y] = P(read y | emitted x): T'[y] = sum_x
    channel[x, y] T[x].

    The channel is row-stochastic, and the hidden states stay what they were.
    Raises `ProcessError` if it is not a (V, W) matrix of such rows.
    """
    given, channel = channel, real(channel, "the channel")
    if channel.ndim != 2 or len(channel) != process.vocab:
        raise ProcessError(
            f"the channel has shape {channel.shape}; it needs one row for each of the {process.vocab} "
            f"symbols of {process.name}"
        )
    channel = np.stack(
        [
            distribution(row, channel.shape[1], f"row {x} of the channel")
            for x, row in enumerate(np.asarray(given))
        ]
    )
    T = np.einsum("xy,xij->yij", channel, process.T)
    made = built(
        T, process.start, process.w, parts=[process], name=f"noisy {process.name}", states=process.states
    )
    if channel.shape[0] == channel.shape[1] and np.array_equal(channel, np.eye(len(channel))):
        return same_as(made, process)
    return identified(made, "noisy", process.identity, channel.shape, bits(channel))


@checked
@recorded
def synonyms(process: Process, n: int) -> Process:
    """The same hidden structure with n equally likely spellings of every symbol: x becomes n x, ..., n x + n
    - 1.

    Beliefs stay what they were and every entropy rate grows by log n. Raises `ProcessError` if n < 1.
    """
    if n < 1:
        raise ProcessError(f"every symbol needs a spelling, so {n} of them are too few; give at least 1")
    return renamed(
        noisy(process, np.repeat(np.eye(process.vocab), n, axis=1) / n), f"{process.name} in {n} spellings"
    )


@checked
def symmetric_channel(vocab: int, *, error: float) -> Float64[np.ndarray, "V V"]:
    """The channel that replaces a symbol, with probability `error`, by one of the others, all alike.

    Raises `ProcessError` if `error` is not a probability, or positive with a single symbol.
    """
    if not 0 <= error <= 1 or (vocab < 2 and error > 0):
        raise ProcessError(
            f"a symmetric channel on {vocab} symbols cannot err with probability {error}; give a "
            "probability, and at least 2 symbols"
        )
    other = error / (vocab - 1) if vocab > 1 else 0.0
    return np.full((vocab, vocab), other) + (1 - error - other) * np.eye(vocab)
