"""Bayes' rule over long words and large batches: the loop over time runs in all segments of a word at
once."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64, Int

from .process import Process

MOST_EDGES = 64
"""Up to so many pairs of states (i, j) with a transition, one array operation per pair is fastest; beyond it,
one per symbol.
"""
WIDTH = 8192
"""Beliefs advanced together: enough to hide the interpreter, few enough to stay in cache."""
AGREE = 1e-9
"""Where two segments meet, their beliefs must agree to this; only a signed process, by cancellation, could
ever miss it.
"""

Joint = Callable[[np.ndarray, np.ndarray], np.ndarray]


def walk(
    process: Process, words: Int[np.ndarray, "N L"], *, segments: int | None = None
) -> tuple[Float64[np.ndarray, "N L S"], Float64[np.ndarray, "N L"]]:
    """Beliefs after, and conditional probabilities P(x_t | x_0..x_{t-1}) of, every symbol of N words of
    length L.

    A word is cut into segments. Within each, the rows e_i T[x_0] ... T[x_m] (one per hidden state i, each
    with its own logarithmic scale, so that none underflows) say where any belief goes; chained, they give the
    belief at the start of every segment, and then all segments are filtered together. `segments` sets their
    number (None: chosen by cost; 1: the plain recursion). The conditional of a word's first impossible symbol
    is not above `process.zero` (or is NaN); whatever follows it means nothing.
    """
    n, length = words.shape
    belief, conditional = np.empty((n, length, process.n_states)), np.empty((n, length))
    cuts = _segments(process, n, length) if segments is None else max(1, min(segments, length))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        if cuts > 1 and _in_segments(process, words, length // cuts, belief, conditional):
            return belief, conditional
        for block in range(0, n, WIDTH):
            here = slice(block, block + WIDTH)
            start = np.broadcast_to(process.start[:, None], (process.n_states, len(words[here])))
            _advance(process, words[here], start, belief[here], conditional[here])
    return belief, conditional


def _segments(process: Process, n: int, length: int) -> int:
    """How many segments pay: they cost S+1 times the arithmetic and save the interpreter's share, about 3e4
    additions a step.
    """
    S = process.n_states
    if n == 0 or n * S**3 > 30_000 or np.count_nonzero(process.T.any(0)) > MOST_EDGES:
        return 1
    return max(1, min(length // 32, WIDTH // (n * S)))


def _in_segments(
    process: Process, words: np.ndarray, size: int, belief: np.ndarray, conditional: np.ndarray
) -> bool:
    """Fill `belief` and `conditional` by segments of `size` symbols; False if rounding made two segments
    disagree where they meet.
    """
    n, length = words.shape
    count = length // size
    whole = slice(0, count * size)
    cut = words[:, whole].reshape(n, count, size)
    into, chances = (
        belief[:, whole].reshape(n, count, size, -1),
        conditional[:, whole].reshape(n, count, size),
    )
    starts = _chained(process, *_transfer(process, cut[:, :-1]))
    _advance(process, cut, starts, into, chances)
    last = np.moveaxis(belief[:, count * size - 1], -1, 0)
    _advance(process, words[:, whole.stop :], last, belief[:, whole.stop :], conditional[:, whole.stop :])
    gap = np.abs(np.moveaxis(starts[..., 1:], 0, -1) - into[:, :-1, -1])
    return bool((conditional <= process.zero).any() or gap.max(initial=0.0) <= AGREE)


def _advance(
    process: Process, words: np.ndarray, belief: np.ndarray, into: np.ndarray, chances: np.ndarray
) -> None:
    """The plain recursion b' = b T[x] / (b T[x] w) from beliefs (S, *batch) along words (*batch, L), written
    to `into`, `chances`.
    """
    joint, w = _joint(process), process.w
    flat = process.kind == "hmm"
    for t in range(words.shape[-1]):
        belief = joint(belief, words[..., t])
        mass = belief.sum(0) if flat else np.tensordot(w, belief, 1)
        belief /= mass
        chances[..., t] = mass
        for j, b in enumerate(belief):
            into[..., t, j] = b


def _transfer(process: Process, words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows m (S, R, *batch) and log-scales c (R, *batch) with e_i T[x_0] ... T[x_m] = exp(c[i]) m[:, i],
    largest |entry| of each row 1.
    """
    joint, S, batch = _joint(process), process.n_states, words.shape[:-1]
    rows = np.broadcast_to(np.eye(S).reshape(S, S, *[1] * len(batch)), (S, S, *batch)).copy()
    logs = np.zeros((S, *batch))
    smallest = np.abs(process.T[process.T != 0]).min()
    patience = int(
        np.clip(200 / -np.log10(min(smallest, 0.1)), 1, 16)
    )  # steps until a row could come near underflow
    for t in range(words.shape[-1]):
        rows = joint(rows, words[..., t])
        if (t + 1) % patience == 0 or t + 1 == words.shape[-1]:
            scale = np.abs(rows).max(0)
            rows /= np.where(scale > 0, scale, 1.0)
            logs += np.log(scale)
    return rows, logs


def _chained(process: Process, rows: np.ndarray, logs: np.ndarray) -> np.ndarray:
    """Beliefs (S, N, segments) at the start of every segment, from the transfer rows of all but the last; any
    where one is impossible.
    """
    S, _, n, count = rows.shape
    starts = np.empty((S, n, count + 1))
    starts[..., 0] = process.start[:, None]
    for s in range(count):
        before = starts[..., s]
        c = np.where(before != 0, logs[..., s], -np.inf)
        weight = before * np.exp(c - c.max(0))
        after = np.einsum("in,jin->jn", weight, rows[..., s])
        after /= np.tensordot(process.w, after, 1)
        starts[..., s + 1] = np.where(np.isfinite(after).all(0), after, process.start[:, None])
    return starts


def _joint(process: Process) -> Joint:
    """The map (beliefs (S, ..., *batch), symbols (*batch)) -> b T[x], unnormalised, in the cheaper of two
    ways.
    """
    S = process.n_states
    edges = [[(i, process.T[:, i, j].copy()) for i in range(S) if process.T[:, i, j].any()] for j in range(S)]

    def by_edge(belief: np.ndarray, symbol: np.ndarray) -> np.ndarray:
        symbol = np.ascontiguousarray(symbol, np.intp)  # once, rather than in every `take`
        out = np.zeros(belief.shape)
        for j in range(S):
            for i, weight in edges[j]:
                out[j] += belief[i] * weight.take(symbol, mode="clip")
        return out

    def by_symbol(belief: np.ndarray, symbol: np.ndarray) -> np.ndarray:
        out = np.empty(belief.shape)
        for x in np.unique(symbol):
            out[..., symbol == x] = process.T[x].T @ belief[..., symbol == x]
        return out

    return by_edge if sum(map(len, edges)) <= MOST_EDGES else by_symbol
