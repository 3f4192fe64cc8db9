"""Phases: the hidden states of a process that comes round, and those in which a block of it begins."""

import numpy as np
from jaxtyping import Bool

from ..algebra.chain import closed_classes
from ..algebra.graph import graph, phases
from ..process import Process, ProcessError
from ..values.checks import checked
from ..values.structure import Built


@checked
def block_starts(process: Process) -> Bool[np.ndarray, "S"]:
    """The hidden states in which a block begins: those of one phase of a chain that comes round.

    The states fall into d phases that follow each other, d the period of sum_x T[x], which is the length of a
    block. Words do not say which phase is the first: here it is that of the first hidden state (S of RRXOR
    and of checksums, 0 of zero-one-random). Where a process leaks (`leak`), it is asked of what leaks. Raises
    `ProcessError` for a generalised HMM, for one with several ergodic components, and if d = 1.
    """
    if process.kind != "hmm":
        raise ProcessError(
            f"{process.name} is a generalised HMM, whose hidden states are no events, so none begins a "
            "block; use an HMM"
        )
    made = process.made_of
    if isinstance(made, Built) and made.function == "leak":
        return block_starts(made.arguments["process"])
    chain = process.T.sum(0)
    classes = closed_classes(chain)
    if len(classes) > 1:
        raise ProcessError(
            f"{process.name} has {len(classes)} ergodic components, which may come round at different times; "
            "use one of them"
        )
    (own,) = classes
    rows, columns = np.nonzero(chain[np.ix_(own, own)])
    phase = phases(graph(rows, columns, len(own)))
    if not phase.any():
        raise ProcessError(
            f"the hidden states of {process.name} have no period, so it has no blocks of one length; use a "
            "process that comes round, as rrxor, or one that leaks, as leak(rrxor, 0.1)"
        )
    starts = np.zeros(process.n_states, bool)
    starts[own[phase == 0]] = True
    return starts
