"""Whether the next-token distribution determines the belief, so that no probe can tell the two apart."""

import numpy as np

import processes
from processes.algebra.span import INDEPENDENT

DETERMINED_REASON = (
    "its next-token distribution determines the belief, so no two histories agree in one and differ in the "
    "other"
)


def determined(process: processes.Process) -> bool:
    """Whether beliefs are a linear function of next-token distributions: whether x -> T[x] w and w span all
    functions of the state.
    """
    return bool(
        np.linalg.matrix_rank(np.vstack([process.T @ process.w, process.w]), rtol=INDEPENDENT)
        == process.n_states
    )


def unless_determined(process: processes.Process, n_ctx: int) -> str | None:
    """Why a claim about beliefs beyond next-token distributions cannot be tested there, if so."""
    return DETERMINED_REASON if determined(process) else None
