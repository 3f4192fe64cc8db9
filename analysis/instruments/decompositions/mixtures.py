"""The mixture that a process was made as, for what asks about its components."""

import processes

POSSIBLE = 1e-9
"""A component whose posterior is at most this is excluded: its log odds would be those of rounding."""


def mixture_of(process: processes.Source) -> processes.Mixture | None:
    """The mixture that a process was made as; None where it was made otherwise, or of one component."""
    made = process.made_of if isinstance(process, processes.Process) else None
    return made if isinstance(made, processes.Mixture) and len(made.components) > 1 else None


def the_mixture(process: processes.Source) -> processes.Mixture:
    """The same of a process that a claim on mixtures was put to, which refuses all others."""
    mixture = mixture_of(process)
    assert mixture is not None
    return mixture
