"""The same process on other hidden states: in another order, or in other coordinates."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from ..process import Process, ProcessError
from ..values.arrays import real
from ..values.checks import checked
from ..values.identity import STATIONARY, bits, identified, numbers, same_as


@checked
def permuted(process: Process, order: Sequence[int]) -> Process:
    """The same process with its hidden states listed in another order; nothing observable changes.

    Raises `ProcessError` if `order` is not a permutation of the states.
    """
    if sorted(order) != list(range(process.n_states)):
        raise ProcessError(
            f"{list(order)} is not a permutation of the {process.n_states} states; list each of 0..S-1 once"
        )
    order = list(order)
    T = process.T[:, order][:, :, order]
    names = tuple(process.states[i] for i in order)
    made = replace(process, T=T, start=process.start[order], w=process.w[order], states=names)
    if order == list(range(process.n_states)):
        return same_as(made, process)
    kind, *what = process.identity
    if kind not in ("hmm", "ghmm"):
        return identified(made, "permuted", process.identity, order)
    return identified(made, *numbers(kind, T, STATIONARY if what[-1] == STATIONARY else made.start))


@checked
def similar(process: Process, A: Float64[np.ndarray, "S S"]) -> Process:
    """The same word distribution in other coordinates: beliefs b A, T'[x] = A^-1 T[x] A, w' = A^-1 w; a
    generalised HMM in general.

    Raises `ProcessError` if A is not an invertible S by S matrix.
    """
    A = real(A, "A")
    if A.shape != (process.n_states,) * 2 or np.linalg.cond(A) > 1e8:
        raise ProcessError(
            f"A has shape {A.shape}; it must be an invertible matrix of the {process.n_states} states, far "
            "from singular"
        )
    back = np.linalg.inv(A)
    names = tuple(f"{i}'" for i in range(process.n_states))
    made = replace(
        process,
        T=back @ process.T @ A,
        start=process.start @ A,
        w=back @ process.w,
        states=names,
        kind="ghmm",
    )
    return identified(made, "similar", process.identity, bits(A))
