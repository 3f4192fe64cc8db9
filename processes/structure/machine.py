"""The finite unifilar machine of a process, where it has one, found once a process."""

from ..process import Process
from ..values.notes import noted
from .equivalence import equivalent
from .mixed_states import MixedStates, mixed_states
from .realisation import minimal_dimension, minimal_ghmm


@noted(256)
def finite_mixed_states(process: Process) -> MixedStates | None:
    """`mixed_states(process)`, remembered: every quantity below starts from it."""
    return mixed_states(process)


@noted(256)
def finite_machine(process: Process) -> MixedStates | None:
    """Finite mixed states of the process or, where these are infinite, of its minimal realisation.

    The two differ where beliefs differ without consequence for any future. None if both are infinite, or if
    the realisation dropped a direction so faint (see `realisation.INDEPENDENT`) that some word would notice.
    """
    own = finite_mixed_states(process)
    if own is not None or minimal_dimension(process) == process.n_states:
        return own
    small = minimal_ghmm(process)
    return mixed_states(small) if equivalent(small, process) else None
