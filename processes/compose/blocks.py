"""Longer and shorter symbols: n tokens read as one, and one token spelt out as n."""

import numpy as np

from ..process import Process, ProcessError
from ..values.checks import checked
from ..values.identity import identified, same_as
from ..values.structure import recorded
from .built import built


@checked
@recorded
def block(process: Process, n: int, *, max_entries: int = 20_000_000) -> Process:
    """n symbols become one token, their number in base V with the first most significant: T'[x_1..x_n] =
    T[x_1] ... T[x_n].

    The entropy rate per token is n times that per symbol. The start is that of the process.
    Raises `ProcessError` if n < 1 or beyond `max_entries` matrix entries.
    """
    if n < 1:
        raise ProcessError(f"a block has at least 1 symbol, not {n}")
    V, S = process.vocab, process.n_states
    if V**n * S * S > max_entries:
        raise ProcessError(
            f"blocks of {n} from {process.name} have {V}^{n} tokens on {S} states, over {max_entries} "
            "entries; use shorter blocks"
        )
    T = process.T
    for _ in range(n - 1):
        T = (T[:, None] @ process.T[None]).reshape(-1, S, S)
    made = built(
        T, process.start, process.w, parts=[process], name=f"{process.name} by {n}", states=process.states
    )
    return same_as(made, process) if n == 1 else identified(made, "block", process.identity, int(n))


@checked
@recorded
def expand(process: Process, *, radix: int, digits: int) -> Process:
    """Each token is spelt out as `digits` symbols in base `radix`, most significant first: `block(expand(p),
    digits)` has p's words.

    States: those of the process at the start of a token, then (state, digits read so far) in between. From
    (i, u) digit d comes with probability P(u d | i) / P(u | i), and the last digit of token x leads to j with
    T[x, i, j] / P(x | i). The entropy rate per symbol is that per token divided by `digits`. It starts at the
    start of a token, hence is not stationary for digits > 1. Raises `ProcessError` unless radix^digits is the
    number of tokens, and for a generalised HMM (its states are no events).
    """
    if digits < 1 or radix < 1 or radix**digits != process.vocab:
        raise ProcessError(
            f"{process.name} has {process.vocab} tokens, which {digits} digits in base {radix} do not spell; "
            "radix^digits must be it"
        )
    if process.kind != "hmm":
        raise ProcessError(
            f"{process.name} is a generalised HMM; only tokens of an HMM can be spelt out, because its "
            "states are events"
        )
    token = process.T.sum(2)  # P(token | i), (V, S)
    nodes: list[tuple[int, int, int]] = [
        (0, 0, i) for i in range(process.n_states)
    ]  # length of u, number of u, i
    prefix = [token.reshape(radix**t, -1, process.n_states).sum(1) for t in range(digits + 1)]  # P(u | i)
    for t in range(1, digits):
        nodes += [(t, int(u), int(i)) for u, i in np.argwhere(prefix[t] > 0)]
    number = {node: k for k, node in enumerate(nodes)}
    T = np.zeros((radix, len(nodes), len(nodes)))
    for (t, u, i), k in number.items():
        for d in range(radix):
            after, share = u * radix + d, prefix[t + 1][u * radix + d, i] / prefix[t][u, i]
            if share > 0 and t + 1 < digits:
                T[d, k, number[t + 1, after, i]] = share
            elif share > 0:
                T[d, k, : process.n_states] = process.T[after, i] / prefix[t][u, i]
    start = np.concatenate([process.start, np.zeros(len(nodes) - process.n_states)])
    states = [process.states[i] + (f"+{u}/{radix}^{t}" if t else "") for t, u, i in nodes]
    made = built(
        T,
        start,
        np.ones(len(nodes)),
        parts=[process],
        name=f"{process.name} spelt in {digits}",
        states=states,
    )
    return (
        same_as(made, process)
        if digits == 1
        else identified(made, "expand", process.identity, int(radix), int(digits))
    )
