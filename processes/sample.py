"""Words drawn from a process."""

import numpy as np
from jaxtyping import Int

from .filter import possible
from .process import Process, ProcessError
from .values.checks import checked
from .values.randomness import generator


@checked
def sample(
    process: Process,
    shape: tuple[int, ...],
    rng: np.random.Generator | None = None,
    *,
    seed: int | None = None,
) -> Int[np.ndarray, "..."]:
    """Independent words of the process from its start, as integers of the given shape (..., L); the last axis
    is time. Drawn with `rng`, or with a generator of its own from `seed`.

    An HMM walks its hidden state; a generalised one has none to walk, so each symbol is drawn from the
    next-token distribution of the belief after the symbols before it. Both are exact: impossible words are
    never drawn. The batch is drawn together, so only time is a loop. Raises `ProcessError` for a shape
    without axes or with a negative one, unless one of `rng` and `seed` is given, and where a generalised
    process turns out to have a negative probability.

    >>> import processes
    >>> processes.sample(processes.named("golden_mean"), (2, 8), seed=0)
    array([[0, 1, 0, 1, 0, 1, 0, 1],
           [0, 1, 0, 1, 0, 0, 0, 1]])
    """
    if not shape or min(shape) < 0:
        raise ProcessError(
            f"words of shape {shape} were asked for; give (..., L), a word's length last, like (100, 10)"
        )
    *batch, length = shape
    n = int(np.prod(batch, dtype=int))
    rng = generator(rng, seed, "sample")
    draw = _by_state if process.kind == "hmm" else _by_belief
    return draw(process, n, length, rng).T.reshape(shape)


def _by_state(process: Process, n: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """(length, n) symbols: one uniform per step picks an edge (symbol, next state) of the current state."""
    V, S = process.vocab, process.n_states
    edges = _cumulative(process.T.transpose(1, 0, 2).reshape(S, V * S))
    state = _invert(_cumulative(process.start[None]), np.zeros(n, int), rng.random(n))
    words = np.empty((length, n), int)
    for t in range(length):
        words[t], state = np.divmod(_invert(edges, state, rng.random(n)), S)
    return words


def _by_belief(process: Process, n: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """(length, n) symbols: the symbol first, from its exact distribution, then Bayes' rule."""
    V, S = process.vocab, process.n_states
    flat = process.T.transpose(1, 0, 2).reshape(S, V * S)
    belief = np.broadcast_to(process.start, (n, S))
    words, rows = np.empty((length, n), int), np.arange(n)
    for t in range(length):
        joint = (belief @ flat).reshape(n, V, S)
        distribution = joint @ process.w
        distribution[~possible(process, distribution)] = 0.0
        words[t] = _invert(_cumulative(distribution), rows, rng.random(n))
        belief = joint[rows, words[t]] / distribution[rows, words[t], None]
    return words


def _cumulative(distribution: np.ndarray) -> np.ndarray:
    """Cumulative sums along rows (N, K) that reach 1 at the last positive entry, so that a uniform in [0, 1)
    never falls beyond it.
    """
    c = distribution.cumsum(1)
    last = distribution.shape[1] - 1 - (distribution[:, ::-1] > 0).argmax(1)
    return np.where(np.arange(distribution.shape[1]) >= last[:, None], 1.0, c)


def _invert(cumulative: np.ndarray, row: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """The first column of each row whose cumulative probability exceeds the uniform: zero entries are never
    the first.
    """
    return (cumulative[row] <= uniform[:, None]).sum(1)
