"""Which processes have finitely many mixed states, and deformed and doubled ones."""

import numpy as np
from hypothesis import settings

import processes
from processes import CATALOGUE, Process, hmm

MEMBERS = [f"{name}:{published}" for name, entry in CATALOGUE.items() for published in entry.published]
INFINITE = {
    *("leaky_rrxor:tenth", "sns:half", "mess3:shai2024", "mess3:piotrowski2025", "mess:four", "mess:two"),
    *("matching_parens:depth3", "matching_parens:depth5", "checksum:ternary", "fanizza:riechers2025"),
    *("moon:riechers2025", "bloch_walk:riechers2025", "quantum_rrxor:weak"),
}
FINITE = [m for m in MEMBERS if m not in INFINITE]
some = settings(max_examples=12, deadline=None, derandomize=True)


def deformed(process: Process, by: float) -> Process:
    """A process that differs from this one by about `by` in some probabilities."""
    uniform = np.ones_like(process.T) / (process.vocab * process.n_states)
    return hmm((1 - by) * process.T + by * uniform)


def twice(process: Process) -> Process:
    """A unifilar machine with every state in two copies."""
    machine = processes.epsilon_machine(process)
    return hmm(np.kron(machine.T, [[0, 1], [1, 0]]), np.repeat(machine.start, 2) / 2)
