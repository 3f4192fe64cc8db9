"""Processes that hand over to each other, announced by a trigger token."""

from collections.abc import Sequence

import numpy as np

from ..process import Process, ProcessError
from ..values.arrays import real
from ..values.checks import checked
from ..values.identity import identified
from ..values.structure import recorded
from .built import built, distribution, one_alphabet


@checked
@recorded
def triggered(components: Sequence[Process], switch, *, first) -> Process:
    """In component k: with probability switch[k, l] emit the trigger token V + l and start component l
    afresh; else go on as k does.

    T[x] = blockdiag((1 - sum_l switch[k, l]) T_k[x]) for x < V, and T[V + l] leads from every state of k to
    `start` of l. One way and once is [[0, p], [0, 0]]; before the first trigger the component is drawn from
    `first`. The start is that of the components and in general not stationary. For a generalised HMM the step
    is outer(w_k, start_l): the trigger is independent of its past. Raises `ProcessError` on different
    alphabets, if `first` is not a distribution, or if a row of `switch` is negative or sums to over 1.
    """
    V, K = one_alphabet(components, "trigger"), len(components)
    switch = real(switch, "switch")
    first = distribution(first, K, "distribution of the first component")
    if switch.shape != (K, K) or not (switch >= 0).all() or (switch.sum(1) > 1 + 1e-12).any():
        raise ProcessError(
            f"switch is {switch.tolist()}; it must be {K} rows of {K} numbers, in row k and column l the "
            "probability that component k hands over to l: none negative, each row at most 1 in all"
        )
    offset = np.cumsum([0, *(p.n_states for p in components)])
    n = int(offset[-1])
    T = np.zeros((V + K, n, n))
    for k, p in enumerate(components):
        here = slice(offset[k], offset[k + 1])
        T[:V, here, here] = max(0.0, 1 - switch[k].sum()) * p.T
        for target, q in enumerate(components):
            T[V + target, here, offset[target] : offset[target + 1]] = switch[k, target] * np.outer(
                p.w, q.start
            )
    start = np.concatenate([c * p.start for c, p in zip(first, components, strict=True)])
    w = np.concatenate([p.w for p in components])
    states = [f"{k}:{s}" for k, p in enumerate(components) for s in p.states]
    made = built(
        T,
        start,
        w,
        parts=components,
        name=f"triggered({', '.join(p.name for p in components)})",
        states=states,
    )
    return identified(made, "triggered", [p.identity for p in components], switch, first)
